"""QWK: agreement of predicted and given grades beyond chance, distant mistakes weighing more."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from steelyard.errors import UsageError
from steelyard.parts.measures import Measure, as_weights
from steelyard.parts.measures._sums import by_group, group_sums, predicted, ratio, replicates
from steelyard.values.arrays import AnyArray, Floats
from steelyard.values.ranking import Ranking


@dataclass(frozen=True)
class QWK(Measure):
    """1 - (mean squared distance between predicted and given grade) / (the same for shuffled predictions).

    The prediction is the most probable label, distances are counted in steps of the scale (as scikit-learn's
    ``cohen_kappa_score(weights="quadratic")``). NaN when all given and all predicted grades are one and the same.
    Raises UsageError U115 for labels without an order. Source: Cohen 1968.
    """

    title = "QWK"
    kind = "rows"
    needs = "probability"
    bounds = (-1.0, 1.0)

    def per_query(self, ranking: Ranking) -> Floats:
        return by_group(distance_and_counts(ranking), agreement)

    def bootstrap(self, ranking: Ranking, weights: AnyArray) -> Floats:
        return replicates(distance_and_counts(ranking), agreement, as_weights(ranking, weights))


def distance_and_counts(ranking: Ranking) -> csr_array:
    """Return (q, 1 + 2c): summed squared distance, rows given each grade, rows predicted each grade."""
    scale = ranking.scale
    if not scale.ordered and len(scale) > 2:
        raise UsageError("U115", labels=", ".join(scale.names[:10]), count=len(scale))
    label, said, c = ranking.label[ranking.judged].astype(np.int64), predicted(ranking), len(scale)
    one, squared = np.ones(len(label)), np.square(label - said)
    return group_sums(ranking, [np.zeros_like(label), 1 + label, 1 + c + said], [squared, one, one], 1 + 2 * c)


def agreement(sums: Floats) -> Floats:
    c = sums.shape[1] // 2
    given, said = sums[:, 1 : 1 + c], sums[:, 1 + c :]
    place = np.arange(c, dtype=float)
    distance = np.square(place[:, None] - place)
    by_chance = np.einsum("bi,ij,bj->b", given, distance, said, optimize=True)
    return 1 - ratio(sums[:, 0] * given.sum(axis=1), by_chance)
