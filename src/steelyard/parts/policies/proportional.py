"""Weight in proportion to the gradient's length, the literal rule: it amplifies label noise. A control, no advice."""

from dataclasses import dataclass

import numpy as np

from steelyard.parts.policies import Policy
from steelyard.values.arrays import Floats
from steelyard.values.readings import Readings


@dataclass(frozen=True)
class Proportional(Policy):
    """alpha_i proportional to |g_i|, clipped to ``low``..``high`` times its mean.

    Wrong labels have the largest gradients, so this trains on them most: on real crowd labels it took average
    precision from 0.81 to 0.47 in our first measurement. Kept under its name because people ask for it.
    """

    needs = ("gradient_norm",)
    control = True

    low: float = 0.05
    high: float = 10.0

    def raw(self, readings: Readings, progress: float = 1.0) -> Floats:
        norm = readings["gradient_norm"].astype(float)
        mean = np.nanmean(norm) if np.isfinite(norm).any() else 0.0
        return np.clip(norm / mean, self.low, self.high) if mean > 0 else np.ones(readings.n)
