"""Reweighted loss: a row weighs by how probable the model finds it, to a power (R-CE)."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from steelyard.parts.alphas import Alpha
from steelyard.values.arrays import Floats


@dataclass(frozen=True)
class RCE(Alpha):
    """alpha = p ** power with p = exp(-loss), the probability that the model gives the row.

    Source: Wang et al. 2021 (WSDM), eq. 5 and 6; power is their alpha, 0.25 and less in their logs. Items drawn against
    a row count by (1 - p) ** power, as published, where they have a loss of their own (``mf``), as in pairs they have
    not.
    """

    needs = ("loss",)
    drawn = True

    power: float = 0.25

    def raw(self, seen: Mapping[str, Floats], progress: float) -> Floats:
        return np.exp(-self.power * np.asarray(seen["loss"], dtype=np.float64))
