"""RMSE: root of the mean squared distance between predicted relevance and the gain of the label."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from steelyard.parts.measures import Measure, as_weights
from steelyard.parts.measures._grades import gains
from steelyard.parts.measures._sums import by_group, group_sums, ratio, replicates
from steelyard.values.arrays import AnyArray, Floats
from steelyard.values.ranking import Ranking


@dataclass(frozen=True)
class RMSE(Measure):
    """Root of the mean of (relevance - gain)^2 over judged rows, in units of the scale's gains.

    For two classes the gains are 0 and 1 and relevance is a probability: the root of the Brier score.
    """

    title = "RMSE"
    kind = "rows"
    higher_is_better = False
    bounds = (0.0, float("inf"))

    def per_query(self, ranking: Ranking) -> Floats:
        return by_group(squares_and_rows(ranking), root_mean)

    def bootstrap(self, ranking: Ranking, weights: AnyArray) -> Floats:
        return replicates(squares_and_rows(ranking), root_mean, as_weights(ranking, weights))


def squares_and_rows(ranking: Ranking) -> csr_array:
    wanted = gains(ranking.scale, "scale")[ranking.label[ranking.judged]]
    squares = np.square(np.asarray(ranking.relevance, dtype=float)[ranking.judged] - wanted)
    zero = np.zeros(len(squares), dtype=np.int64)
    return group_sums(ranking, [zero, zero + 1], [squares, np.ones(len(squares))], 2)


def root_mean(sums: Floats) -> Floats:
    return np.sqrt(ratio(sums[:, 0], sums[:, 1]))
