"""Weigh by one over the chance that the item was seen at all: what few could take counts more."""

from dataclasses import dataclass

import numpy as np

from steelyard.parts.policies import Policy
from steelyard.values.arrays import Floats
from steelyard.values.readings import Readings


@dataclass(frozen=True)
class IPS(Policy):
    """1 / max(propensity / the largest propensity, clip), scaled to mean 1 (self-normalised).

    So no row weighs more than 1 / clip times the one that was seen most, whether the propensities were logged or are
    known up to a factor only.
    Sources: Schnabel et al. 2016 (ICML), inverse propensity; Swaminathan and Joachims 2015, self-normalised. The
    weights shift what a model predicts, so a predicted click rate must be calibrated again after it.
    """

    interactions = True
    needs = ("propensity",)

    clip: float = 0.05

    def raw(self, readings: Readings, progress: float = 1.0) -> Floats:
        chance = readings["propensity"]
        return 1 / np.maximum(chance / np.nanmax(chance, initial=0.0), self.clip)
