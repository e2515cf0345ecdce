"""Dividing interactions in time: leave the last out, by time in each user, or at one moment for all."""

from __future__ import annotations

import numpy as np

from steelyard.errors import DataError
from steelyard.values.arrays import Ints, Strings
from steelyard.values.interactions import Interactions


def places(interactions: Interactions) -> tuple[Ints, Ints]:
    """Return (n,) how many rows of its user come after each row in time, and (n,) how many rows the user has."""
    order, count = interactions.chronological, np.bincount(interactions.user, minlength=interactions.n_users)
    end = np.cumsum(count)
    after = np.empty(len(interactions), dtype=np.int64)
    after[order] = end[interactions.user[order]] - 1 - np.arange(len(interactions))
    return after, count[interactions.user]


def leave_last_out(interactions: Interactions) -> Strings:
    """Return (n,) splits: each user's last row is test, the one before valid; users of one or two rows only train."""
    after, count = places(interactions)
    return _named(len(interactions), test=(after == 0) & (count > 2), valid=(after == 1) & (count > 2))


def by_user_time(interactions: Interactions, valid: float = 0.1, test: float = 0.2) -> Strings:
    """Return (n,) splits: the last share of each user's rows, rounded down, is test, the share before it valid."""
    after, count = places(interactions)
    last, middle = np.floor(test * count), np.floor(valid * count)
    return _named(len(interactions), test=after < last, valid=(after >= last) & (after < last + middle))


def at_random(interactions: Interactions, seed: int = 0, valid: float = 0.1, test: float = 0.2) -> Strings:
    """Return (n,) splits: a random share of each user's rows is test, another valid, both rounded down."""
    drawn = np.random.default_rng(seed).random(len(interactions))
    order = np.lexsort((drawn, interactions.user))
    count = np.bincount(interactions.user, minlength=interactions.n_users)
    place = np.empty(len(interactions), dtype=np.int64)
    place[order] = np.arange(len(interactions)) - np.repeat(np.cumsum(count) - count, count)
    own = count[interactions.user]
    last, middle = np.floor(test * own), np.floor(valid * own)
    return _named(len(interactions), test=place < last, valid=(place >= last) & (place < last + middle))


def by_global_time(interactions: Interactions, valid_from: float, test_from: float) -> Strings:
    """Return (n,) splits by two moments in the unit of ``ts``: test from ``test_from`` on, valid from ``valid_from``.

    Raises DataError D196 when a row has no time: a global cut cannot place it.
    """
    if interactions.ts is None or np.isnan(interactions.ts).any():
        missing = len(interactions) if interactions.ts is None else int(np.isnan(interactions.ts).sum())
        raise DataError("D196", count=missing, rows=len(interactions))
    ts = interactions.ts
    return _named(len(interactions), test=ts >= test_from, valid=(ts >= valid_from) & (ts < test_from))


def _named(n: int, test: np.ndarray, valid: np.ndarray) -> Strings:
    split = np.full(n, "train", dtype=object)
    split[valid], split[test] = "valid", "test"
    return split
