"""Lower the weight of suspicious rows softly, down to 0.05; the share of doubtful rows sets the threshold."""

from dataclasses import dataclass

import numpy as np

from steelyard.parts.policies import Policy
from steelyard.values.arrays import Floats
from steelyard.values.readings import Readings


@dataclass(frozen=True)
class Gate(Policy):
    """w = floor + (1 - floor) * sigmoid((t - s) / width), s = suspicion as a rank, t = 1 - share of flagged rows.

    floor: least weight. width: softness in ranks. The rank makes it deaf to the scale of the suspicion; with no
    row flagged it is uniform. Robust gate P1 of our methods page (a soft small-loss rule).
    """

    needs = ("suspicion", "flagged")

    floor: float = 0.05
    width: float = 0.02

    def raw(self, readings: Readings, progress: float = 1.0) -> Floats:
        doubt = float(np.mean(readings["flagged"])) if readings.n else 0.0
        if doubt == 0.0:
            return np.ones(readings.n)
        s = np.nan_to_num(readings["suspicion"], nan=0.0)
        rank = (np.argsort(np.argsort(s, kind="stable"), kind="stable") + 0.5) / readings.n
        z = np.clip((1.0 - doubt - rank) / self.width, -50, 50)
        return self.floor + (1.0 - self.floor) / (1.0 + np.exp(-z))
