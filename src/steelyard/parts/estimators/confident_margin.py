"""How far another label outbids the given one, each against its own class's usual confidence."""

from dataclasses import dataclass

import numpy as np

from steelyard.parts.estimators import Estimator
from steelyard.values.arrays import Floats
from steelyard.values.signals import Signals


@dataclass(frozen=True)
class ConfidentMargin(Estimator):
    """Compare class probabilities after subtracting what is usual for rows of that class.

    Source: Northcutt et al. 2021, Confident Learning §3.1 (thresholds) with the normalised margin of §3.2; scaled to
    0..1, where 0.5 means that the given label and the best other one are equally far above their thresholds.
    """

    reading = "suspicion"
    needs = ("given", "probability")

    def estimate(self, signals: Signals) -> Floats:
        p, given = signals["probability"], signals["given"]
        n, c = p.shape
        out = np.full(n, np.nan)
        known = np.flatnonzero(given >= 0)
        if c < 2:
            out[known] = 0.0
            return out
        usual = np.array([p[given == k, k].mean() if np.any(given == k) else 1.0 for k in range(c)])
        above = p[known] - usual
        own = above[np.arange(len(known)), given[known]].copy()
        above[np.arange(len(known)), given[known]] = -np.inf
        out[known] = np.clip((above.max(1) - own + 2.0) / 4.0, 0.0, 1.0)
        return out
