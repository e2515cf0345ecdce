"""Agreeing: how far several people give the same labels, beyond what chance would give."""

from __future__ import annotations

import numpy as np

from steelyard.values.arrays import Floats, Ints
from steelyard.values.scale import Scale


def alpha(answers: Ints, distance: Floats) -> float | None:
    """Return Krippendorff's alpha: 1 all agree, 0 as by chance, below 0 worse; None where it is not defined.

    answers: (u, a) codes of u rows by a people, -1 where somebody did not answer; rows with one answer count for
    nothing. distance: (c, c) squared distance of labels, 0 on the diagonal; see ``distances``.
    Not defined without a row that two people answered, or when all answers are one label.
    Source: Krippendorff 2011, Computing Krippendorff's Alpha-Reliability, section D (any metric, missing answers).
    """
    counts = np.stack([(answers == c).sum(1) for c in range(len(distance))], axis=1).astype(np.float64)
    counts = counts[counts.sum(1) >= 2]
    if not len(counts):
        return None
    each = counts.sum(1)
    pairs = np.einsum("uc,uk,u->ck", counts, counts, 1 / (each - 1)) - np.diag((counts / (each - 1)[:, None]).sum(0))
    total = pairs.sum(1)
    by_chance = (np.outer(total, total) - np.diag(total)) / (total.sum() - 1)
    expected = float((by_chance * distance).sum())
    return None if expected <= 0 else 1.0 - float((pairs * distance).sum()) / expected


def distances(scale: Scale) -> Floats:
    """Return (c, c): 0 and 1 for classes; for grades the square of how far they lie apart on the scale, 0..1."""
    if not scale.ordered:
        return 1.0 - np.eye(len(scale))
    return (scale.positions[:, None] - scale.positions[None, :]) ** 2


def same(answers: Ints) -> tuple[int, int]:
    """Return (pairs of answers to one row that are equal, pairs in all); answers: (u, a), -1 missing."""
    counts = np.stack(
        [(answers == c).sum(1) for c in range(int(answers.max(initial=-1)) + 1)] or [answers[:, 0] * 0], 1
    )
    each = counts.sum(1)
    return int((counts * (counts - 1)).sum()) // 2, int((each * (each - 1)).sum()) // 2
