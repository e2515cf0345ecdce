"""Loss of the row while networks learned it, less the loss of one that never saw it: learnable, not yet learned."""

from dataclasses import dataclass

import numpy as np

from steelyard.parts.estimators import Estimator
from steelyard.values.arrays import Floats
from steelyard.values.signals import Signals


@dataclass(frozen=True)
class ReducibleLoss(Estimator):
    """Reducible holdout loss, in the units of the loss. High: slow to learn, although other rows explain it. Low:
    learned by heart, and nothing else explains it, as with wrong labels.

    Source: Mindermann et al. 2022 (RHO-LOSS, arXiv 2206.07137), eq. 3: loss of the model in training less the loss of
    a model of a holdout set, read anew for each batch, to choose its rows. Here the first is the moving average over
    the row's visits, and the second is that of the network blind to the row's fold: no rows are set aside. After few
    epochs the first remembers a network that knew nothing yet and is the higher one, after many it has learned the
    labels and is the lower one: order and distance mean something, the sign does not. NaN too where no training saw
    the row.
    """

    network = True
    reading = "benefit"
    needs = ("given", "loss_seen", "loss_unseen")

    def estimate(self, signals: Signals) -> Floats:
        reducible = signals["loss_seen"].astype(float) - signals["loss_unseen"]
        return np.where(signals["given"] >= 0, reducible, np.nan)
