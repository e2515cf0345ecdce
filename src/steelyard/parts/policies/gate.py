"""Lower the weight of rows whose label is more likely wrong than right, softly, down to 0.05."""

from dataclasses import dataclass

import numpy as np

from steelyard.parts.policies import Policy
from steelyard.values.arrays import Floats
from steelyard.values.readings import Readings


@dataclass(frozen=True)
class Gate(Policy):
    """w = floor + (1 - floor) * sigmoid((1/2 - P(wrong)) / width).

    P(wrong) is the posterior chance that the label is wrong under the estimated noise; 1/2 is the Bayes decision.
    floor: least weight. width: softness. Robust gate P1 of our methods page, a soft small-loss rule; see docs.
    """

    needs = ("p_wrong",)

    floor: float = 0.05
    width: float = 0.1

    def raw(self, readings: Readings, progress: float = 1.0) -> Floats:
        wrong = np.nan_to_num(readings["p_wrong"], nan=0.0)
        return self.floor + (1.0 - self.floor) / (1.0 + np.exp((wrong - 0.5) / self.width))
