"""Positive and negative rows above every threshold, sorted once for all replicates of a bootstrap."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from steelyard.parts.measures._grades import relevant
from steelyard.parts.measures._lists import changes
from steelyard.values.arrays import Floats, Ints, Mask
from steelyard.values.ranking import Ranking

CHUNK = 4_000_000


@dataclass(frozen=True)
class Thresholds:
    """m judged rows, best first. group: (m,) codes. positive: (m,). edge: (t,) where a new score begins."""

    group: Ints
    positive: Mask
    edge: Ints


def thresholds(ranking: Ranking, rel: str | None) -> Thresholds:
    """Return the judged rows of all groups as one list. Raises UsageError U115 for many labels without an order."""
    judged = np.flatnonzero(ranking.judged)
    positive = relevant(ranking, rel, judged)
    score = np.asarray(ranking.relevance, dtype=float)[judged]
    order = np.argsort(-score, kind="stable")
    return Thresholds(ranking.codes[judged][order], positive[order], np.flatnonzero(changes(score[order])))


def replicates(at: Thresholds, of: Callable[[Floats, Floats], Floats], weights: Floats) -> Floats:
    """Return (b,): ``of`` positives and negatives (b', t) at each threshold, a part of the replicates at a time."""
    value = np.full(len(weights), np.nan)
    if not len(at.group):
        return value
    step = max(1, CHUNK // len(at.group))
    for start in range(0, len(weights), step):
        drawn = weights[start : start + step, at.group]
        every = np.add.reduceat(drawn, at.edge, axis=1)
        positive = np.add.reduceat(drawn * at.positive, at.edge, axis=1)
        value[start : start + step] = of(positive, every - positive)
    return value
