"""Accuracy: share of rows whose most probable label is the given one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from steelyard.parts.measures import Measure, as_weights
from steelyard.parts.measures._sums import by_group, group_sums, predicted, ratio, replicates
from steelyard.values.arrays import AnyArray, Floats
from steelyard.values.ranking import Ranking


@dataclass(frozen=True)
class Accuracy(Measure):
    """Rows predicted right / judged rows; the prediction is the most probable label."""

    title = "Accuracy"
    kind = "rows"
    needs = "probability"

    def per_query(self, ranking: Ranking) -> Floats:
        return by_group(right_and_rows(ranking), share_right)

    def bootstrap(self, ranking: Ranking, weights: AnyArray) -> Floats:
        return replicates(right_and_rows(ranking), share_right, as_weights(ranking, weights))


def right_and_rows(ranking: Ranking) -> csr_array:
    right = predicted(ranking) == ranking.label[ranking.judged]
    zero = np.zeros(len(right), dtype=np.int64)
    return group_sums(ranking, [zero, zero + 1], [right, np.ones(len(right))], 2)


def share_right(sums: Floats) -> Floats:
    return ratio(sums[:, 0], sums[:, 1])
