"""1 minus the held-out probability of the given label: the baseline that complex detectors must beat."""

from dataclasses import dataclass

import numpy as np

from steelyard.parts.estimators import Estimator
from steelyard.values.arrays import Floats
from steelyard.values.signals import Signals


@dataclass(frozen=True)
class OutOfFoldLoss(Estimator):
    """Read a high loss on a row that the model never saw as a sign of a wrong label.

    Source: Chong et al. 2022 (EMNLP), out-of-sample loss; 1 - exp(-loss) keeps its order and lies in 0..1.
    """

    reading = "suspicion"
    needs = ("loss",)

    def estimate(self, signals: Signals) -> Floats:
        return -np.expm1(-signals["loss"])
