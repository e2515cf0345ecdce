"""Keep every row at full weight; replace labels in doubt by what the evidence says, as probabilities."""

from dataclasses import dataclass

import numpy as np

from steelyard.parts.policies import Policy
from steelyard.values.arrays import Floats
from steelyard.values.readings import Readings


@dataclass(frozen=True)
class SoftLabel(Policy):
    """Target P(true label | text, given label) under the estimated noise, where P(wrong) is at least ``least``.

    trust: share of the posterior in the target, the rest is the given label.
    least: P(wrong) from which on a label is softened, 0..1; below it the row keeps its label as given, as it does where
    nobody knows P(wrong). 0 softens every row. A row without a label gets the posterior.
    Source: Bayes' rule on the transition matrix of Patrini et al. 2017; the mixing of label and posterior follows Reed
    et al. 2015 (soft bootstrapping). That labels hardly in doubt stay follows Zheng et al. 2020 (error-bounded
    correction), who flip the others where the noisy model gives them too little beside its best label; here the limit
    is the chance of an error under the estimated noise, and the others are softened. docs/evidence.md measures it.
    """

    needs = ("posterior", "given", "p_wrong")

    trust: float = 1.0
    least: float = 0.25

    def raw(self, readings: Readings, progress: float = 1.0) -> Floats:
        return np.ones(readings.n)

    def targets(self, readings: Readings) -> Floats:
        posterior, given = readings["posterior"], readings["given"]
        target = self.trust * posterior
        known = np.flatnonzero(given >= 0)
        target[known, given[known]] += 1.0 - self.trust
        sure = known[np.nan_to_num(readings["p_wrong"][known], nan=0.0) < self.least]
        target[sure] = 0.0
        target[sure, given[sure]] = 1.0
        return target
