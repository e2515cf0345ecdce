"""Held-out loss of an interaction against the other losses of its user: what is unlike this user."""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from steelyard.parts.estimators import Estimator
from steelyard.parts.estimators._means import standardised
from steelyard.values.arrays import Floats
from steelyard.values.signals import Signals


@dataclass(frozen=True)
class UserLoss(Estimator):
    """Normal probability of the loss standardised within the user; mean and spread drawn to those of all users.

    Losses of right and wrong rows overlap over all users and part within one (PLD, WWW 2025). PLD resamples by it;
    here it is a reading. prior: rows of the mean of all that stand beside the user's own.
    """

    interactions = True
    reading = "suspicion"
    needs = ("given", "loss", "user")

    prior: float = 5.0

    def estimate(self, signals: Signals) -> Floats:
        out = np.full(signals.n, np.nan)
        known = signals["given"] >= 0
        out[known] = ndtr(standardised(signals["user"][known], signals["loss"][known], self.prior))
        return out
