"""Raise rows whose Adam step would lower the loss on reference rows, lower those whose step would raise it."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from steelyard.parts.alphas import Aligning
from steelyard.values.arrays import Floats


@dataclass(frozen=True)
class Alignment(Aligning):
    """alpha_i proportional to exp(clip(strength * a_i, -reach, reach)), a_i = <g_i, P m> over its median size.

    P is Adam's preconditioner, m the mean gradient of reference rows. Without P the product says little of an Adam
    step. Sources: Wang et al. 2024, Data Shapley in One Training Run, §4 (the product); exponential weights: Xie et
    al. 2023, DoReMi, alg. 1. The reference must not share a query with training, or the rows it knows are favoured.
    strength, reach: of the exponent.
    """

    needs = ("dot_adam",)
    scale = "spread"

    strength: float = 0.5
    reach: float = 1.0

    def raw(self, seen: Mapping[str, Floats], progress: float) -> Floats:
        return np.exp((self.strength * seen["dot_adam"]).clip(-self.reach, self.reach))
