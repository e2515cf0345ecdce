"""Truncated loss: drop the rows of the largest loss in each step, a share that grows from 0 (T-CE)."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from steelyard.parts.alphas import Alpha
from steelyard.values.arrays import Floats


@dataclass(frozen=True)
class TCE(Alpha):
    """alpha = 0 for the rows above the (1 - drop) quantile of the step's losses, else 1; drop = most * progress / ramp.

    Source: Wang et al. 2021 (WSDM), eq. 3 and 4, which cut positives alone. Their code counts the share over rows and
    items drawn against them together; here it is a share of the rows. most: the largest share dropped. ramp: part of
    training after which it is reached.
    """

    needs = ("loss",)

    most: float = 0.2
    ramp: float = 0.5

    def raw(self, seen: Mapping[str, Floats], progress: float) -> Floats:
        loss = np.asarray(seen["loss"], dtype=np.float64)
        dropped = int(self.most * min(1.0, progress / self.ramp) * len(loss))
        out = np.ones(len(loss))
        if dropped:
            out[np.argsort(-loss, kind="stable")[:dropped]] = 0.0
        return out
