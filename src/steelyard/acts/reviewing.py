"""Reviewing: what reviewed rows say of the rest, and whether they may say it: only rows drawn by chance can."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import ks_2samp

from steelyard.acts.intervals import share
from steelyard.values.arrays import Floats, Ints, Mask
from steelyard.values.picked import RANDOM, Picked

#: Reviewed rows whose suspicion differs this surely from that of the other rows were not drawn by chance.
UNLIKE = 1e-4
#: Lengths of a list of suspicious rows whose precision is told, as far as reviewed rows go.
AT = (10, 20, 50, 100, 200, 500, 1000)


@dataclass(frozen=True, eq=False)
class Reviewed:
    """suspicion: (n,) of the rows that ``rows`` were drawn from, NaN for all others. rows, wrong: (n,) reviewed, and
    found wrong. unlike: p-value where the reviewed rows cannot have been drawn by chance, else None.
    """

    suspicion: Floats
    rows: Mask
    wrong: Mask
    unlike: float | None = None


def by_chance(
    suspicion: Floats, label: Ints, gold: Ints | None, decided: Ints | None, queues: Sequence[Picked]
) -> Reviewed:
    """Return the sample drawn by chance, and the rows that it was drawn from.

    decided: (n,) codes by the answers to ``queues``, None without. Of them the random part counts, below the floor of
    the queues: above it every row was asked, so that the few drawn by chance there stand for no row that is left.
    Without answers the gold labels count, if their suspicion is distributed as that of the other rows.
    """
    suspicion = np.where(label >= 0, suspicion, np.nan)
    if decided is not None and queues:
        drawn = np.zeros(len(label), bool)
        for queue in queues:
            drawn[queue.rows[queue.part == RANDOM]] = True
        floor = min(queue.floor for queue in queues)
        asked = np.unique(np.concatenate([queue.rows for queue in queues]))
        left = np.where(suspicion < floor, suspicion, np.nan)
        if gold is not None:  # reviewed before: never drawn, and nothing to list
            left[gold >= 0] = np.nan
        left[np.setdiff1d(asked, np.flatnonzero(drawn & (decided >= 0)))] = np.nan
        rows = drawn & (decided >= 0) & np.isfinite(left)
        return Reviewed(left, rows, rows & (decided != label))
    none = np.zeros(len(label), bool)
    rows = none if gold is None else (gold >= 0) & np.isfinite(suspicion)
    wrong = none if gold is None else rows & (gold != label)
    others = np.isfinite(suspicion) & ~rows
    p = float(ks_2samp(suspicion[rows], suspicion[others]).pvalue) if rows.any() and others.any() else 1.0
    return Reviewed(suspicion, rows, wrong, p if p < UNLIKE else None)


def precision(suspicion: Floats, reviewed: Mask, wrong: Mask, at: Sequence[int] = AT) -> list[dict[str, Any]]:
    """Return how many of the k most suspicious reviewed rows are wrong, for each k that there are, with 95% intervals.

    k counts reviewed rows. Of rows that were all reviewed from the top on, this is the precision of the list itself.
    """
    rows = np.flatnonzero(reviewed & np.isfinite(suspicion))
    rows = rows[np.argsort(-suspicion[rows], kind="stable")]
    found = []
    for k in [*(k for k in at if k < len(rows)), *([len(rows)] if len(rows) else [])]:
        hits = int(wrong[rows[:k]].sum())
        low, high = share(hits, k)
        found.append({"k": k, "wrong": hits, "precision": hits / k, "low": low, "high": high})
    return found
