"""Reliability of the user times that of the item times the rank of the loss (EARD): who and what carries the noise."""

from dataclasses import dataclass

import numpy as np

from steelyard.parts.estimators import Estimator
from steelyard.parts.estimators._means import ranked, shrunk
from steelyard.values.arrays import Floats
from steelyard.values.signals import Signals


@dataclass(frozen=True)
class Reliability(Estimator):
    """1 - r_u r_i (1 - rank(loss)), where r is 1 minus the mean rank of the losses of the user, or of the item.

    Source: EARD / CrossDenoise 2025, user and item reliability times the empirical distribution of the loss. The
    published r has two hyper-parameters of its own; here it is a mean that ``prior`` rows of the mean of all shrink.
    """

    interactions = True
    reading = "suspicion"
    needs = ("given", "loss", "user", "item")

    prior: float = 5.0

    def estimate(self, signals: Signals) -> Floats:
        out = np.full(signals.n, np.nan)
        known = signals["given"] >= 0
        rank = ranked(signals["loss"][known])
        user, item = (1 - shrunk(signals[c][known], rank, self.prior) for c in ("user", "item"))
        out[known] = 1 - user * item * (1 - rank)
        return out
