"""Recall: share of the relevant rows that stand within the cut."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from steelyard.parts.measures import Measure, cut, empty, threshold, ties, unjudged
from steelyard.parts.measures._grades import relevant
from steelyard.parts.measures._lists import lists, settle
from steelyard.values.arrays import Floats
from steelyard.values.ranking import Ranking


@dataclass(frozen=True)
class Recall(Measure):
    """Relevant rows up to the cut / relevant rows of the query (those of the ranking: nothing outside is known).

    Equal scores at the cut count by their expected number.
    """

    title = "Recall"

    k: int | None = cut()
    rel: str | None = threshold()
    ties: str = ties()
    unjudged: str = unjudged()
    empty: str = empty()

    def per_query(self, ranking: Ranking) -> Floats:
        ranked = lists(ranking, self.ties, self.unjudged)
        is_relevant = relevant(ranking, self.rel, ranked.row)
        total = ranked.per_query(is_relevant)
        found = ranked.per_query(is_relevant * ranked.tie_mean(ranked.within(self.k)))
        return settle(np.minimum(found, total), total, self.empty, total > 0)
