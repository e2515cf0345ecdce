"""AUC: chance that a relevant row scores above one that is not, over all rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from steelyard.parts.measures import Measure, as_weights, threshold
from steelyard.parts.measures._lists import auc_of_lists
from steelyard.parts.measures._sums import ratio
from steelyard.parts.measures._thresholds import replicates, thresholds
from steelyard.values.arrays import AnyArray, Floats
from steelyard.values.ranking import Ranking


@dataclass(frozen=True)
class AUC(Measure):
    """Area under the ROC curve of all judged rows together; a pair of equal scores counts one half.

    Positive: labels from ``rel`` on. NaN when only one kind of row is there.
    Raises UsageError U115 for more than two labels without an order.
    """

    title = "AUC"
    kind = "rows"

    rel: str | None = threshold()

    def per_query(self, ranking: Ranking) -> Floats:
        return auc_of_lists(ranking, self.rel)

    def bootstrap(self, ranking: Ranking, weights: AnyArray) -> Floats:
        return replicates(thresholds(ranking, self.rel), area, as_weights(ranking, weights))


def area(positive: Floats, negative: Floats) -> Floats:
    """Return (b,) areas. positive, negative: (b, t) weights at each score, best first."""
    all_negative = negative.sum(axis=1)
    below = all_negative[:, None] - np.cumsum(negative, axis=1) + negative / 2
    return np.clip(ratio((positive * below).sum(axis=1), positive.sum(axis=1) * all_negative), 0.0, 1.0)
