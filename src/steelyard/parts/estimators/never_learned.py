"""Share of epochs after which the linear model, blind to the row, still got it wrong."""

from dataclasses import dataclass

import numpy as np

from steelyard.parts.estimators import Estimator
from steelyard.values.arrays import Floats
from steelyard.values.signals import Signals


@dataclass(frozen=True)
class NeverLearned(Estimator):
    """1 where no epoch got it right. After Toneva et al. 2019 (forgetting events), read on held-out rows."""

    reading = "difficulty"
    needs = ("given", "learned")

    def estimate(self, signals: Signals) -> Floats:
        return np.where(signals["given"] >= 0, 1.0 - signals["learned"].mean(1), np.nan)
