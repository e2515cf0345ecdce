"""Length of the error vector |p - y| of a held-out row: how hard it is, not how wrong its label."""

from dataclasses import dataclass

import numpy as np

from steelyard.parts.estimators import Estimator
from steelyard.values.arrays import Floats
from steelyard.values.signals import Signals


@dataclass(frozen=True)
class EL2N(Estimator):
    """Error L2-norm, divided by sqrt(2) to lie in 0..1. Source: Paul et al. 2021 (arXiv 2107.07075), eq. 2; held out,
    where the paper reads it early in training."""

    reading = "difficulty"
    needs = ("given", "probability")

    def estimate(self, signals: Signals) -> Floats:
        p, given = signals["probability"], signals["given"]
        own = p[np.arange(len(given)), np.maximum(given, 0)]
        square = np.square(p).sum(1) - 2.0 * own + 1.0
        return np.where(given >= 0, np.sqrt(np.maximum(square, 0.0) / 2.0), np.nan)
