"""Leave as many rows out as prune does, by chance: what losing rows costs."""

from dataclasses import dataclass

import numpy as np

from steelyard.parts.policies import Policy
from steelyard.values.arrays import Floats
from steelyard.values.readings import Readings


@dataclass(frozen=True)
class RandomPrune(Policy):
    """The negative control of prune. seed: which rows."""

    needs = ("flagged",)
    control = True

    seed: int = 0

    def raw(self, readings: Readings, progress: float = 1.0) -> Floats:
        flagged = readings["flagged"].astype(float)
        return 1.0 - np.random.default_rng(self.seed).permutation(flagged)
