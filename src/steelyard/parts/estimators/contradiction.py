"""Share of identical or nearly identical pairs that carry another label: evidence that needs no model."""

from dataclasses import dataclass

import numpy as np

from steelyard.parts.estimators import Estimator
from steelyard.values.arrays import Floats
from steelyard.values.signals import Signals


@dataclass(frozen=True)
class Contradiction(Estimator):
    """Doubt a label that its twins do not share: contradicting / (contradicting + agreeing + 1), 0 without twins."""

    reading = "suspicion"
    needs = ("given", "agreeing", "contradicting")

    def estimate(self, signals: Signals) -> Floats:
        against = signals["contradicting"].astype(np.float64)
        share = against / (against + signals["agreeing"] + 1.0)
        return np.where(signals["given"] >= 0, share, np.nan)
