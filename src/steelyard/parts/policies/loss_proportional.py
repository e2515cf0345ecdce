"""Weight in proportion to the loss on unseen rows: look at what is hard. A cheap rival, no advice."""

from dataclasses import dataclass

import numpy as np

from steelyard.parts.policies import Policy
from steelyard.values.arrays import Floats
from steelyard.values.readings import Readings


@dataclass(frozen=True)
class LossProportional(Policy):
    """alpha_i proportional to the out-of-fold loss, clipped to ``low``..``high`` times its mean.

    Source: Katharopoulos & Fleuret 2018, loss as a stand-in for the gradient's length; without their unbiased
    correction. Like ``proportional`` it trains most on wrong labels where there are any.
    """

    needs = ("out_of_fold_loss",)
    control = True

    low: float = 0.05
    high: float = 10.0

    def raw(self, readings: Readings, progress: float = 1.0) -> Floats:
        loss = -np.log1p(-np.minimum(readings["out_of_fold_loss"].astype(float), 1.0 - 1e-12))
        mean = np.nanmean(loss) if np.isfinite(loss).any() else 0.0
        return np.clip(loss / mean, self.low, self.high) if mean > 0 else np.ones(readings.n)
