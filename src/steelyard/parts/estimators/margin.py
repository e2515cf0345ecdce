"""How little the best label leads the second one in the model's eyes, whatever label was given."""

from dataclasses import dataclass

import numpy as np

from steelyard.parts.estimators import Estimator
from steelyard.values.arrays import Floats
from steelyard.values.signals import Signals


@dataclass(frozen=True)
class Margin(Estimator):
    """1 - (p_best - p_second): 1 where the model cannot decide. Independent of the label's truth."""

    reading = "difficulty"
    needs = ("given", "probability")

    def estimate(self, signals: Signals) -> Floats:
        p = signals["probability"]
        if p.shape[1] < 2:
            return np.where(signals["given"] >= 0, 0.0, np.nan)
        two = np.partition(p, -2, axis=1)[:, -2:]
        return np.where(signals["given"] >= 0, 1.0 - (two[:, 1] - two[:, 0]), np.nan)
