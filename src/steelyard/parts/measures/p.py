"""Precision: share of the first k places that hold a relevant row."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from steelyard.parts.measures import Measure, cut, empty, threshold, ties, unjudged
from steelyard.parts.measures._grades import relevant
from steelyard.parts.measures._lists import lists, settle
from steelyard.values.arrays import Floats
from steelyard.values.ranking import Ranking


@dataclass(frozen=True)
class Precision(Measure):
    """Relevant rows up to the cut / k, also when the list is shorter than k (as trec_eval).

    Without a cut: relevant rows / rows. Equal scores at the cut count by their expected number.
    """

    title = "P"

    k: int | None = cut()
    rel: str | None = threshold()
    ties: str = ties()
    unjudged: str = unjudged()
    empty: str = empty()

    def per_query(self, ranking: Ranking) -> Floats:
        ranked = lists(ranking, self.ties, self.unjudged)
        is_relevant = relevant(ranking, self.rel, ranked.row)
        places = ranked.per_query(np.ones(len(ranked.row)))
        total = places if self.k is None else np.full(len(places), float(self.k))
        found = ranked.per_query(is_relevant * ranked.tie_mean(ranked.within(self.k)))
        return settle(np.minimum(found, total), total, self.empty, ranked.per_query(is_relevant) > 0)
