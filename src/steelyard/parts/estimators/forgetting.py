"""How often the linear model, blind to the row, got it right after one epoch and wrong after the next."""

from dataclasses import dataclass

import numpy as np

from steelyard.parts.estimators import Estimator
from steelyard.values.arrays import Floats
from steelyard.values.signals import Signals


@dataclass(frozen=True)
class Forgetting(Estimator):
    """Forgetting events as a share of the e // 2 that e epochs allow; 1 where no epoch got the row right.

    Source: Toneva et al. 2019 (arXiv 1812.05159), definition 1 and the rule that a row never learned counts as
    forgotten most; read on held-out rows, where the paper reads the rows trained on.
    """

    reading = "difficulty"
    needs = ("given", "learned")

    def estimate(self, signals: Signals) -> Floats:
        right = signals["learned"].astype(np.int8)
        events = (np.diff(right, axis=1) < 0).sum(1)
        most = max(right.shape[1] // 2, 1)
        share = np.where(right.any(1), events / most, 1.0)
        return np.where(signals["given"] >= 0, share, np.nan)
