"""The default suspicion: doubt of the plain and the repaired model, raised where identical pairs disagree."""

from dataclasses import dataclass

import numpy as np

from steelyard.parts.estimators import Estimator
from steelyard.values.arrays import Floats
from steelyard.values.signals import SAME, Signals


@dataclass(frozen=True)
class Evidence(Estimator):
    """Combine the doubt of the model with that of the twins as independent witnesses: 1 - (1 - a)(1 - b).

    Grades nearer than SAME on the scale count as the given one.

    twins: how much the contradiction of identical pairs counts, 0..1. repaired: share of the repaired model in the
    doubt, the plain out-of-fold model has the rest.
    """

    reading = "suspicion"
    needs = ("given", "probability", "repaired", "distance", "agreeing", "contradicting")

    twins: float = 0.5
    repaired: float = 1.0

    def estimate(self, signals: Signals) -> Floats:
        given = signals["given"]
        same = signals["distance"] < SAME
        plain, repaired = (np.log(np.clip((signals[s] * same).sum(1), 1e-12, 1.0)) for s in ("probability", "repaired"))
        doubt = -np.expm1((1.0 - self.repaired) * plain + self.repaired * repaired)
        against = signals["contradicting"].astype(np.float64)
        share = against / (against + signals["agreeing"] + 1.0)
        return np.where(given >= 0, 1.0 - (1.0 - doubt) * (1.0 - self.twins * share), np.nan)
