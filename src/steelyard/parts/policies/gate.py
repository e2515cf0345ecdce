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
    shrink: draw each weight towards 1 by how much P(wrong) moved over the rounds of repair, taken for its standard
    error se: w = 1 + tau^2 / (tau^2 + se^2) (w - 1), se carried through the gate to first order, tau^2 what weights
    vary beyond it. Rounds follow one another, so that an error they share is not seen. docs/evidence.md measures both.
    """

    needs = ("p_wrong", "p_wrong_se")

    floor: float = 0.05
    width: float = 0.1
    shrink: bool = True

    def raw(self, readings: Readings, progress: float = 1.0) -> Floats:
        wrong = np.nan_to_num(readings["p_wrong"], nan=0.0)
        open_ = 1.0 / (1.0 + np.exp((wrong - 0.5) / self.width))
        weight = self.floor + (1.0 - self.floor) * open_
        if not self.shrink:
            return weight
        error_sq = np.square((1.0 - self.floor) * open_ * (1.0 - open_) / self.width * readings["p_wrong_se"])
        spread = max(float(weight.var() - error_sq.mean()), 0.0)
        trust = np.divide(spread, spread + error_sq, out=np.ones_like(error_sq), where=error_sq > 0)
        return 1.0 + trust * (weight - 1.0)
