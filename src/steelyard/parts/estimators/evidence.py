"""The default suspicion: the repaired model's doubt, raised where identical pairs carry another label."""

from dataclasses import dataclass

import numpy as np

from steelyard.parts.estimators import Estimator
from steelyard.values.arrays import Floats
from steelyard.values.signals import Signals


@dataclass(frozen=True)
class Evidence(Estimator):
    """Combine the doubt of the model with that of the twins as independent witnesses: 1 - (1 - a)(1 - b).

    twins: how much the contradiction of identical pairs counts, 0..1. For grades the doubt is the mean of the
    chance to be wrong and the expected distance, so that a far grade outranks an unsure neighbour.
    """

    reading = "suspicion"
    needs = ("given", "repaired", "distance", "agreeing", "contradicting")

    twins: float = 0.5

    def estimate(self, signals: Signals) -> Floats:
        given, p = signals["given"], signals["repaired"]
        known = given >= 0
        wrong = 1.0 - p[np.arange(len(given)), np.maximum(given, 0)]
        far = np.einsum("nc,nc->n", p, signals["distance"])
        doubt = np.clip(0.5 * (wrong + far), 0.0, 1.0)
        against = signals["contradicting"].astype(np.float64)
        share = against / (against + signals["agreeing"] + 1.0)
        return np.where(known, 1.0 - (1.0 - doubt) * (1.0 - self.twins * share), np.nan)
