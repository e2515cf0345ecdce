"""Folds and splits by group: what belongs together stays together."""

from __future__ import annotations

import numpy as np

from steelyard.values.arrays import Ints


def folds(group: Ints, k: int, seed: int) -> Ints:
    """Return (n,) fold of every row, 0..k-1; rows of one group share a fold, the folds have equal numbers of groups.

    With fewer groups than folds the rows themselves are dealt out: the caller says so.
    """
    codes, place = np.unique(group, return_inverse=True)
    if len(codes) < k:
        codes, place = np.arange(len(group)), np.arange(len(group))
    dealt = np.random.default_rng(seed).permutation(len(codes)) % k
    return dealt[place].astype(np.int64)


def spread(group: Ints, at_most: int, seed: int) -> Ints:
    """Return the positions of about ``at_most`` rows in rising order: whole groups, chosen by chance."""
    n = len(group)
    if n <= at_most:
        return np.arange(n)
    codes, place = np.unique(group, return_inverse=True)
    rank = np.random.default_rng(seed).permutation(len(codes))
    size = np.bincount(place)[np.argsort(rank)]
    taken = int(np.searchsorted(np.cumsum(size), at_most, side="right"))
    return np.flatnonzero(rank[place] < max(taken, 1))
