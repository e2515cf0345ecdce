"""Cosine of the row's gradient with the mean gradient of other unseen rows: would a step on it help them?"""

from dataclasses import dataclass

from steelyard.parts.estimators import Estimator
from steelyard.values.arrays import Floats
from steelyard.values.signals import Signals


@dataclass(frozen=True)
class Alignment(Estimator):
    """First-order benefit, -1..1. Source: L2RW, Ren et al. 2018, eq. 12, before its ReLU; we take the cosine, since
    the plain product mostly measures the gradient's length."""

    reading = "benefit"
    needs = ("alignment",)

    def estimate(self, signals: Signals) -> Floats:
        return signals["alignment"].astype(float)
