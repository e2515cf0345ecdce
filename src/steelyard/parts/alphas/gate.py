"""Lower rows that the model, on the average of its epochs, would label otherwise: the small-loss rule on margins."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from steelyard.parts.alphas import Alpha
from steelyard.values.arrays import Floats


@dataclass(frozen=True)
class Gate(Alpha):
    """w = floor + (1 - floor) sigmoid((aum_i - threshold) / width), by the ledger as it stood when the epoch began.

    aum < 0 says that over all visits another label had the larger output; a model that knows little says so of many,
    so that the threshold is the smaller of 0 and the aum below which ``most`` of the rows lie. width is in units of the
    median size of the aum. Sources: Pleiss et al. 2020 (AUM); soft small-loss selection as in Wang et al. 2021, T-CE.
    """

    needs = ("aum",)
    scale = "none"

    floor: float = 0.05
    most: float = 0.3
    width: float = 0.25

    def raw(self, seen: Mapping[str, Floats], progress: float) -> Floats:
        aum, whole = seen["aum"], seen["aum_all"]
        known = whole[np.isfinite(whole)]
        if not len(known):
            return np.ones(len(aum))
        threshold = min(0.0, float(np.quantile(known, self.most)))
        unit = max(float(np.median(np.abs(known))), 1e-9) * self.width
        z = np.clip((np.nan_to_num(aum, nan=np.inf) - threshold) / unit, -50, 50)
        return self.floor + (1 - self.floor) / (1 + np.exp(-z))
