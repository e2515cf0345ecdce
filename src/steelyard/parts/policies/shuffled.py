"""The gate's weights on the wrong rows: same histogram, no information. What gains here is not importance."""

from dataclasses import dataclass

import numpy as np

from steelyard.parts.policies import Policy
from steelyard.values.arrays import Floats
from steelyard.values.readings import Readings


@dataclass(frozen=True)
class Shuffled(Policy):
    """The negative control of weighting: a permutation of the weights in ``basis``, the policy under test.

    basis: name of the reading that holds those weights. seed: which permutation.
    """

    needs = ("basis",)
    control = True

    seed: int = 0

    def raw(self, readings: Readings, progress: float = 1.0) -> Floats:
        return np.random.default_rng(self.seed).permutation(readings["basis"].astype(float))
