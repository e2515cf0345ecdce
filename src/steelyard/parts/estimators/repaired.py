"""Chance that the label is wrong by a model refitted on repaired labels; for grades, how far it is off."""

from dataclasses import dataclass

import numpy as np

from steelyard.parts.estimators import Estimator
from steelyard.values.arrays import Floats
from steelyard.values.signals import Signals


@dataclass(frozen=True)
class Repaired(Estimator):
    """Expected distance between the given label and what a model says that learned from denoised labels.

    For classes this is 1 - p(given); for grades a neighbouring grade counts less than the far end of the scale.
    """

    reading = "suspicion"
    needs = ("given", "repaired", "distance")

    def estimate(self, signals: Signals) -> Floats:
        off = np.einsum("nc,nc->n", signals["repaired"], signals["distance"])
        return np.where(signals["given"] >= 0, np.clip(off, 0.0, 1.0), np.nan)
