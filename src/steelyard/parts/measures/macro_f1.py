"""Macro F1: the F1 of each label, averaged over labels, so that rare ones count as much as common ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from steelyard.parts.measures import Measure, as_weights
from steelyard.parts.measures._sums import by_group, group_sums, predicted, ratio, replicates
from steelyard.values.arrays import AnyArray, Floats
from steelyard.values.ranking import Ranking


@dataclass(frozen=True)
class MacroF1(Measure):
    """Mean over labels of 2 x right / (given + predicted); labels that are neither given nor predicted stay out.

    The prediction is the most probable label. Same as scikit-learn's ``f1_score(average="macro")``.
    """

    title = "Macro F1"
    kind = "rows"
    needs = "probability"

    def per_query(self, ranking: Ranking) -> Floats:
        return by_group(counts_by_label(ranking), mean_f1)

    def bootstrap(self, ranking: Ranking, weights: AnyArray) -> Floats:
        return replicates(counts_by_label(ranking), mean_f1, as_weights(ranking, weights))


def counts_by_label(ranking: Ranking) -> csr_array:
    """Return (q, 2c): right rows of each label, then given + predicted rows of each label."""
    label, said, c = ranking.label[ranking.judged].astype(np.int64), predicted(ranking), len(ranking.scale)
    one = np.ones(len(label))
    return group_sums(ranking, [label, label + c, said + c], [label == said, one, one], 2 * c)


def mean_f1(sums: Floats) -> Floats:
    c = sums.shape[1] // 2
    right, seen = sums[:, :c], sums[:, c:]
    f1 = np.divide(2 * right, seen, out=np.zeros_like(seen), where=seen > 0)
    return ratio(f1.sum(axis=1), (seen > 0).sum(axis=1).astype(float))
