"""Rank of the loss of an interaction under the model that learned from it: the small-loss rule of T-CE."""

from dataclasses import dataclass

import numpy as np

from steelyard.parts.estimators import Estimator
from steelyard.parts.estimators._means import ranked
from steelyard.values.arrays import Floats
from steelyard.values.signals import Signals


@dataclass(frozen=True)
class InSampleLoss(Estimator):
    """Read a high loss in training as a sign of a false positive; the baseline of all others.

    Source: Wang et al. 2021 (WSDM), section 3: false positives have large losses early in training. A model that has
    learned a row by heart no longer shows it.
    """

    interactions = True
    reading = "suspicion"
    needs = ("given", "fitted_loss")

    def estimate(self, signals: Signals) -> Floats:
        out = np.full(signals.n, np.nan)
        known = signals["given"] >= 0
        out[known] = ranked(signals["fitted_loss"][known])
        return out
