"""GAUC: the AUC inside each query, averaged, so that easy queries cannot hide a bad order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from steelyard.parts.measures import Measure, option, threshold
from steelyard.parts.measures._lists import auc_of_lists
from steelyard.values.arrays import Floats
from steelyard.values.ranking import Ranking


@dataclass(frozen=True)
class GAUC(Measure):
    """AUC of the judged rows of each query or user; queries with one kind of row only are skipped and counted.

    Source: Zhou et al. 2018, Deep Interest Network, eq. 7 (impressions weigh).
    """

    title = "GAUC"

    rel: str | None = threshold()
    mean: str = option("rows", "how queries count: by their judged `rows`, or `equal`", ("rows", "equal"))

    def per_query(self, ranking: Ranking) -> Floats:
        return auc_of_lists(ranking, self.rel)

    def share(self, ranking: Ranking) -> Floats:
        if self.mean == "equal":
            return np.ones(ranking.n_groups)
        return np.bincount(ranking.codes[ranking.judged], minlength=ranking.n_groups).astype(float)
