"""Give flagged rows the label that the evidence prefers; the automatic stand-in for people who relabel."""

from dataclasses import dataclass

import numpy as np

from steelyard.parts.policies import Policy
from steelyard.values.arrays import Floats
from steelyard.values.readings import Readings


@dataclass(frozen=True)
class Relabel(Policy):
    """Hard repair of training labels: argmax of the posterior of flagged rows. Test labels are never touched."""

    needs = ("posterior", "given", "flagged")

    def raw(self, readings: Readings, progress: float = 1.0) -> Floats:
        return np.ones(readings.n)

    def targets(self, readings: Readings) -> Floats:
        posterior, given = readings["posterior"], readings["given"]
        label = np.where(readings["flagged"].astype(bool) | (given < 0), posterior.argmax(1), given)
        return np.eye(posterior.shape[1])[label]
