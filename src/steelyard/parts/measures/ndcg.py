"""NDCG: discounted gain of the list, divided by that of the best possible list; nine variants, all named."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from steelyard.parts.measures import Measure, cut, empty, option, threshold, ties, unjudged
from steelyard.parts.measures._grades import gain_of, gains
from steelyard.parts.measures._lists import lists, settle
from steelyard.values.arrays import Floats
from steelyard.values.ranking import Ranking


@dataclass(frozen=True)
class NDCG(Measure):
    """Sum of gain / log2(1 + rank) over the list, divided by the same sum over the rows in the best order.

    Equal scores share the mean discount of their places, which is the expected value exactly (as scikit-learn).
    Source: Järvelin and Kekäläinen 2002; ties: McSherry and Najork 2008, §4.
    """

    title = "NDCG"

    k: int | None = cut()
    gain: str = option(
        "scale",
        "`scale` the gains of the labels, `linear` the grade, `exp` 2^grade - 1, `esci` E 1, S 0.1, C 0.01, I 0 (the "
        "paper), `esci-script` the same with S and C swapped (the published script), `binary` 1 from `rel` on",
        ("scale", "linear", "exp", "esci", "esci-script", "binary"),
    )
    rel: str | None = threshold()
    ideal: str = option("cut", "the best list: `cut` at k as well, or `full`", ("cut", "full"))
    ties: str = ties()
    unjudged: str = unjudged()
    empty: str = empty()

    def per_query(self, ranking: Ranking) -> Floats:
        ranked = lists(ranking, self.ties, self.unjudged)
        gain = gain_of(ranking, gains(ranking.scale, self.gain, self.rel), ranked.row)
        full = 1 / np.log2(1.0 + ranked.rank)
        discount = np.where(ranked.within(self.k), full, 0.0)
        found = ranked.per_query(gain * ranked.tie_mean(discount))
        best_first = gain[np.lexsort((-gain, ranked.query))]
        best = ranked.per_query(best_first * (discount if self.ideal == "cut" else full))
        return settle(np.minimum(found, best), best, self.empty, best > 0)
