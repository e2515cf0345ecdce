"""AP: average precision of finding the relevant rows among all rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from steelyard.parts.measures import Measure, as_weights, threshold
from steelyard.parts.measures._grades import relevant
from steelyard.parts.measures._lists import lists, settle
from steelyard.parts.measures._thresholds import replicates, thresholds
from steelyard.values.arrays import AnyArray, Floats
from steelyard.values.ranking import Ranking


@dataclass(frozen=True)
class AveragePrecision(Measure):
    """Sum over thresholds of precision x growth of recall, over all judged rows together (as scikit-learn).

    Rows of equal score enter together. Positive: labels from ``rel`` on. NaN without a positive row.
    Raises UsageError U115 for more than two labels without an order.
    """

    title = "AP"
    kind = "rows"

    rel: str | None = threshold()

    def per_query(self, ranking: Ranking) -> Floats:
        ranked = lists(ranking, "avg", "drop")
        positive = relevant(ranking, self.rel, ranked.row)
        found = ranked.before_block(positive) + ranked.in_block(positive)
        precision = found / (ranked.first + ranked.size - 1)
        total = ranked.per_query(positive)
        return settle(np.minimum(ranked.per_query(positive * precision), total), total, "skip", total > 0)

    def bootstrap(self, ranking: Ranking, weights: AnyArray) -> Floats:
        return replicates(thresholds(ranking, self.rel), step_area, as_weights(ranking, weights))


def step_area(positive: Floats, negative: Floats) -> Floats:
    """Return (b,) areas. positive, negative: (b, t) weights at each score, best first."""
    found = np.cumsum(positive, axis=1)
    rows = found + np.cumsum(negative, axis=1)
    precision = np.divide(found, rows, out=np.zeros_like(found), where=rows > 0)
    total = positive.sum(axis=1)
    area = (positive * precision).sum(axis=1)
    return settle(np.minimum(area, total), total, "skip", total > 0)
