"""Keep every row at full weight and replace its label by what the evidence says, as probabilities."""

from dataclasses import dataclass

import numpy as np

from steelyard.parts.policies import Policy
from steelyard.values.arrays import Floats
from steelyard.values.readings import Readings


@dataclass(frozen=True)
class SoftLabel(Policy):
    """Target P(true label | text, given label) under the estimated noise. Source: Bayes' rule on the transition
    matrix of Patrini et al. 2017; the mixing of label and posterior follows Reed et al. 2015 (soft bootstrapping).

    trust: share of the posterior in the target, the rest is the given label.
    """

    needs = ("posterior", "given")

    trust: float = 1.0

    def raw(self, readings: Readings, progress: float = 1.0) -> Floats:
        return np.ones(readings.n)

    def targets(self, readings: Readings) -> Floats:
        posterior, given = readings["posterior"], readings["given"]
        target = self.trust * posterior
        known = np.flatnonzero(given >= 0)
        target[known, given[known]] += 1.0 - self.trust
        return target
