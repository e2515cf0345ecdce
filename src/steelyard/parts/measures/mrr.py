"""MRR: one over the rank of the first relevant row."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import gammaln

from steelyard.parts.measures import Measure, cut, empty, threshold, ties, unjudged
from steelyard.parts.measures._grades import relevant
from steelyard.parts.measures._lists import lists, settle
from steelyard.values.arrays import Floats
from steelyard.values.ranking import Ranking


@dataclass(frozen=True)
class MRR(Measure):
    """1 / rank of the first relevant row, 0 when it stands behind the cut.

    With R relevant rows among n equal scores the first one is the j-th with probability C(n-j, R-1) / C(n, R);
    ``ties=avg`` is the mean over that. Source: Voorhees 1999; ties: McSherry and Najork 2008, §4.
    """

    title = "MRR"

    k: int | None = cut()
    rel: str | None = threshold()
    ties: str = ties()
    unjudged: str = unjudged()
    empty: str = empty()

    def per_query(self, ranking: Ranking) -> Floats:
        ranked = lists(ranking, self.ties, self.unjudged)
        is_relevant = relevant(ranking, self.rel, ranked.row)
        within_block = ranked.in_block(is_relevant)
        place = ranked.rank - ranked.first + 1
        can_be_first = (within_block > 0) & (ranked.before_block(is_relevant) == 0)
        can_be_first &= (place <= ranked.size - within_block + 1) & ranked.within(self.k)
        n, R, j = ranked.size[can_be_first], within_block[can_be_first], place[can_be_first]
        value = np.zeros(len(ranked.row))
        value[can_be_first] = np.exp(log_choose(n - j, R - 1) - log_choose(n, R)) / ranked.rank[can_be_first]
        has = ranked.per_query(is_relevant) > 0
        return settle(np.minimum(ranked.per_query(value), 1.0), np.ones(len(has)), self.empty, has)


def log_choose(n: Floats, k: Floats) -> Floats:
    return gammaln(n + 1.0) - gammaln(k + 1.0) - gammaln(n - k + 1.0)
