"""Every row counts the same: what every other policy is compared with."""

from dataclasses import dataclass

import numpy as np

from steelyard.parts.policies import Policy
from steelyard.values.arrays import Floats
from steelyard.values.readings import Readings


@dataclass(frozen=True)
class Uniform(Policy):
    """Weight 1; equals training without weights bit for bit."""

    control = True

    def raw(self, readings: Readings, progress: float = 1.0) -> Floats:
        return np.ones(readings.n)
