"""How an item stands with all who took it, each by their own measure, and how well the user is known."""

from dataclasses import dataclass

import numpy as np

from steelyard.parts.estimators import Estimator
from steelyard.parts.estimators._means import ranked, shrunk, standardised
from steelyard.values.arrays import Floats
from steelyard.values.signals import Signals


@dataclass(frozen=True)
class Standing(Estimator):
    """Mean, over all takers of the item, of the rank of the held-out loss standardised within its user; plus
    ``user_share`` of the mean rank of the user's losses; scaled to 0..1.

    An item that is further from the rest of a list, for most who took it, is taken by mistake or by habit more often.
    Standardising within the user first (PLD) takes away that active users have larger losses. One row's own loss is
    left out on purpose beyond its part in the means: held out, one click more says little of one click. Measured on
    ratings of films and of instruments (benchmarks/recommend_noise.py), where it found more than the row's own loss.
    prior: rows of the mean of all that stand beside those of an item (a quarter of them beside a user's).
    """

    interactions = True
    reading = "suspicion"
    needs = ("given", "loss", "user", "item")

    prior: float = 20.0
    user_share: float = 0.3

    def estimate(self, signals: Signals) -> Floats:
        out = np.full(signals.n, np.nan)
        known = signals["given"] >= 0
        loss, user, item = (signals[c][known] for c in ("loss", "user", "item"))
        own = ranked(standardised(user, loss, self.prior / 4))
        found = shrunk(item, own, self.prior) + self.user_share * shrunk(user, ranked(loss), self.prior / 4)
        out[known] = found / (1 + self.user_share)
        return out
