"""Raise rows whose Adam step would lower the loss on reference rows, lower those whose step would raise it."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from steelyard.parts.alphas import Alpha
from steelyard.values.arrays import Floats


@dataclass(frozen=True)
class Alignment(Alpha):
    """alpha_i proportional to exp(clip(strength * a_i, -reach, reach)), a_i = <g_i, P m> over its median size.

    P is Adam's preconditioner, m the mean gradient of reference rows. Without P the product says little of an Adam
    step. Sources: Wang et al. 2024, Data Shapley in One Training Run, §4 (the product); exponential weights: Xie et
    al. 2023, DoReMi, alg. 1. The reference must not share a query with training, or the rows it knows are favoured.
    strength, reach: of the exponent. look: reference rows that are looked at, every so many steps, each for three
    tenths of m, older ones for the rest. trusted: where a proxy that never saw the reference rows has spoken, only
    rows are aligned with whose label it is sure of, and that label is theirs (we add it); False: all, as given.
    """

    needs = ("dot_adam",)
    scale = "spread"
    reference = True

    strength: float = 0.5
    reach: float = 1.0
    trusted: bool = True
    look: int = 32
    every: int = 16

    def raw(self, seen: Mapping[str, Floats], progress: float) -> Floats:
        return np.exp((self.strength * seen["dot_adam"]).clip(-self.reach, self.reach))
