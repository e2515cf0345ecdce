"""ERR: expected reciprocal rank at which a reader who stops when satisfied stops."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from steelyard.errors import UsageError
from steelyard.parts.measures import Measure, cut, empty, ties, unjudged
from steelyard.parts.measures._grades import LARGEST_EXPONENT, gain_of, grades
from steelyard.parts.measures._lists import Lists, lists, settle
from steelyard.values.arrays import Floats
from steelyard.values.ranking import Ranking
from steelyard.values.scale import Scale


@dataclass(frozen=True)
class ERR(Measure):
    """Sum over ranks of 1/rank x chance to be satisfied there and at no rank before.

    A row of grade g satisfies with probability (2^g - 1) / 2^G, G the best grade of the scale, so even the best
    list stays below 1. With ``ties=avg`` the chance to pass j of n equal scores is the mean over all choices of j
    (cost n x min(n, k) for a block of n with different grades). Source: Chapelle et al. 2009, eq. 4.
    """

    title = "ERR"

    k: int | None = cut()
    ties: str = ties()
    unjudged: str = unjudged()
    empty: str = empty()

    def per_query(self, ranking: Ranking) -> Floats:
        ranked = lists(ranking, self.ties, self.unjudged)
        satisfied = gain_of(ranking, satisfaction(ranking.scale), ranked.row)
        passed = 1 - satisfied
        before, after = passing(ranked, passed, self.k)
        reached = np.exp(ranked.before_block(np.log(passed)))
        value = reached * (before - after) / ranked.rank * ranked.within(self.k)
        has = ranked.per_query(satisfied) > 0
        return settle(np.clip(ranked.per_query(value), 0.0, 1.0), np.ones(len(has)), self.empty, has)


def satisfaction(scale: Scale) -> Floats:
    """Return (c,) the probability that a row of each label satisfies. Raises UsageError U117 for huge grades."""
    grade = np.maximum(grades(scale), 0.0)
    best = grade.max() if len(grade) else 0.0
    if best > LARGEST_EXPONENT:
        raise UsageError("U117", gain="exp", value=float(best))
    # 2^G can swallow the 1 of 2^G - 1; a row that always satisfies would make log(0) of the chance to pass it.
    return np.minimum((np.exp2(grade) - 1) / np.exp2(best), 1 - 2.0**-53)


def passing(ranked: Lists, passed: Floats, k: int | None) -> tuple[Floats, Floats]:
    """Return (m,) twice: the expected chance to pass the rows of the block before this place, and up to it."""
    before, after = np.ones(len(passed)), np.array(passed, dtype=float)
    needed = (ranked.size > 1) & (ranked.first <= (np.inf if k is None else k)) & (ranked.in_block(1 - passed) > 0)
    for n in np.unique(ranked.size[needed]):
        index = np.flatnonzero(needed & (ranked.size == n))
        depth = int(n) if k is None else min(int(n), k)
        means = symmetric_means(passed[index].reshape(-1, n), depth)
        inside = index.reshape(-1, n)[:, :depth].ravel()
        before[inside], after[inside] = means[:, :-1].ravel(), means[:, 1:].ravel()
    return before, after


def symmetric_means(x: Floats, depth: int) -> Floats:
    """Return (blocks, depth + 1): the mean over all choices of j of the n numbers of their product, j = 0..depth.

    x: (blocks, n). From t - 1 to t numbers: M_j <- (1 - j/t) M_j + (j/t) x_t M_(j-1), which only averages.
    """
    j = np.arange(depth + 1)
    means = np.zeros((len(x), depth + 1))
    means[:, 0] = 1.0
    for t in range(1, x.shape[1] + 1):
        share = np.minimum(j / t, 1.0)
        shifted = means[:, :-1] * x[:, t - 1, None]
        means *= 1 - share
        means[:, 1:] += share[1:] * shifted
    return means
