"""Positive and negative rows above every threshold, sorted once for all replicates of a bootstrap."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from steelyard.parts.measures._grades import relevant
from steelyard.parts.measures._lists import changes
from steelyard.parts.measures._weights import in_batches
from steelyard.values.arrays import AnyArray, Floats, Ints, Mask
from steelyard.values.ranking import Ranking


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


def replicates(at: Thresholds, of: Callable[[Floats, Floats], Floats], weights: AnyArray) -> Floats:
    """Return (b,): ``of`` positives and negatives (b', t) at each threshold, a part of the replicates at a time."""
    if not len(at.group):
        return np.full(len(weights), np.nan)

    def areas(drawn: Floats) -> Floats:
        of_row = drawn[:, at.group]
        every = np.add.reduceat(of_row, at.edge, axis=1)
        positive = np.add.reduceat(of_row * at.positive, at.edge, axis=1)
        return of(positive, every - positive)

    return in_batches(areas, weights, len(at.group))
