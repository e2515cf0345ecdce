"""Give contradicting near-identical rows the label of their majority: a cheap rival that needs no model."""

from dataclasses import dataclass

import numpy as np

from steelyard.parts.policies import Policy
from steelyard.values.arrays import Floats
from steelyard.values.readings import Readings


@dataclass(frozen=True)
class MajorityFix(Policy):
    """Hard repair by ``twin_label`` alone. What the other repairs gain over it, they gain by reading the text."""

    needs = ("posterior", "given", "twin_label")
    control = True

    def raw(self, readings: Readings, progress: float = 1.0) -> Floats:
        return np.ones(readings.n)

    def targets(self, readings: Readings) -> Floats:
        posterior, given, majority = readings["posterior"], readings["given"], readings["twin_label"]
        label = np.where(given >= 0, majority, posterior.argmax(1))
        return np.eye(posterior.shape[1])[label]
