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

    prior: visits that the log odds of a proxy count for, where a proxy that never saw the row has spoken (we add it);
    0: the network's own margins alone. The gate then acts from the first step, and the network has half of the say
    after as many epochs. 3, because a network tells right from wrong by its margins late, and soon after has
    learned the wrong labels by heart (Arpit et al. 2017, §3).
    """

    needs = ("aum",)
    scale = "none"

    floor: float = 0.05
    most: float = 0.3
    width: float = 0.25
    prior: float = 3.0

    def raw(self, seen: Mapping[str, Floats], progress: float) -> Floats:
        aum, whole = seen["aum"], seen["aum_all"]
        known = whole[np.isfinite(whole)]
        if not len(known):
            return np.ones(len(aum))
        threshold = min(0.0, float(np.quantile(known, self.most)))
        unit = max(float(np.median(np.abs(known))), 1e-9) * self.width
        z = np.clip((np.nan_to_num(aum, nan=np.inf) - threshold) / unit, -50, 50)
        return self.floor + (1 - self.floor) / (1 + np.exp(-z))
