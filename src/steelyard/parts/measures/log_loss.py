"""Log loss: mean of -log of the probability that was given to the label."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from steelyard.parts.measures import Measure, as_weights
from steelyard.parts.measures._sums import by_group, group_sums, probabilities, ratio, replicates
from steelyard.values.arrays import AnyArray, Floats
from steelyard.values.ranking import Ranking

SMALLEST = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class LogLoss(Measure):
    """Mean over judged rows of -log p(label), in nats; p is kept at least 2.2e-16 (as scikit-learn)."""

    title = "Log loss"
    kind = "rows"
    needs = "probability"
    higher_is_better = False
    bounds = (0.0, float("inf"))

    def per_query(self, ranking: Ranking) -> Floats:
        return by_group(loss_and_rows(ranking), mean)

    def bootstrap(self, ranking: Ranking, weights: AnyArray) -> Floats:
        return replicates(loss_and_rows(ranking), mean, as_weights(ranking, weights))


def loss_and_rows(ranking: Ranking) -> csr_array:
    label = ranking.label[ranking.judged]
    given = probabilities(ranking)[np.arange(len(label)), label]
    loss = -np.log(np.maximum(given.astype(float), SMALLEST))
    zero = np.zeros(len(label), dtype=np.int64)
    return group_sums(ranking, [zero, zero + 1], [loss, np.ones(len(label))], 2)


def mean(sums: Floats) -> Floats:
    return ratio(sums[:, 0], sums[:, 1])
