"""MAP: mean over queries of the average precision at each relevant row."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from steelyard.parts.measures import Measure, cut, empty, threshold, ties, unjudged
from steelyard.parts.measures._grades import relevant
from steelyard.parts.measures._lists import lists, settle
from steelyard.values.arrays import Floats
from steelyard.values.ranking import Ranking


@dataclass(frozen=True)
class MAP(Measure):
    """Sum of precision at the rank of each relevant row / relevant rows, all of them also with a cut (as trec_eval).

    With R relevant among n equal scores, c relevant before them: place j holds a relevant row with probability
    R / n, and then c + 1 + (j - 1)(R - 1) / (n - 1) relevant rows stand up to it. Source: McSherry and Najork 2008.
    """

    title = "MAP"

    k: int | None = cut()
    rel: str | None = threshold()
    ties: str = ties()
    unjudged: str = unjudged()
    empty: str = empty()

    def per_query(self, ranking: Ranking) -> Floats:
        ranked = lists(ranking, self.ties, self.unjudged)
        is_relevant = relevant(ranking, self.rel, ranked.row)
        within_block = ranked.in_block(is_relevant)
        above = (ranked.rank - ranked.first) * (within_block - 1) / np.maximum(ranked.size - 1, 1)
        seen = ranked.before_block(is_relevant) + 1 + above
        value = within_block / ranked.size * seen / ranked.rank * ranked.within(self.k)
        total = ranked.per_query(is_relevant)
        return settle(np.minimum(ranked.per_query(value), total), total, self.empty, total > 0)
