"""ECE: how far probabilities lie from how often it happens, in bins that part rare events too."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from steelyard.parts.measures import Measure, as_weights
from steelyard.parts.measures._sums import by_group, group_sums, probabilities, ratio, replicates
from steelyard.values.arrays import AnyArray, Floats
from steelyard.values.ranking import Ranking

EDGES = np.array([0.001, 0.002, 0.005, 0.01, 0.02, 0.05, *np.arange(1, 10) / 10])


@dataclass(frozen=True)
class ECE(Measure):
    """Sum over bins of |predicted - happened| / rows. Two labels: the probability of the last one, and whether it was
    given. More: that of the most probable label, and whether it was right.

    Bins part at tenths, and below 0.1 at 0.05, 0.02, 0.01 ... 0.001, so that click rates of a few in a thousand do not
    fall into one. They are fixed: a query alone has the value that it has among others. Source: Naeini et al. 2015.
    """

    title = "ECE"
    kind = "rows"
    needs = "probability"
    higher_is_better = False

    def per_query(self, ranking: Ranking) -> Floats:
        return by_group(bins(ranking), error)

    def bootstrap(self, ranking: Ranking, weights: AnyArray) -> Floats:
        return replicates(bins(ranking), error, as_weights(ranking, weights))


def bins(ranking: Ranking) -> csr_array:
    """Return (q, bins + 1): of each group, predicted - happened in each bin, and its judged rows."""
    p, label = probabilities(ranking), ranking.label[ranking.judged]
    said = p[:, -1] if p.shape[1] == 2 else p.max(axis=1)
    happened = label == 1 if p.shape[1] == 2 else label == p.argmax(axis=1)
    place = np.searchsorted(EDGES, said, side="right").astype(np.int64)
    width = len(EDGES) + 2
    last = np.full(len(said), width - 1)
    return group_sums(ranking, [place, last], [said - happened, np.ones(len(said))], width)


def error(sums: Floats) -> Floats:
    """Return (b,). sums: (b, bins + 1) of predicted - happened in each bin, and the rows."""
    return ratio(np.abs(sums[:, :-1]).sum(axis=1), sums[:, -1])
