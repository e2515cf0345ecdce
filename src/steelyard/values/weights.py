"""Weights: what a policy makes of readings; the alpha of theta <- theta - eta * sum(alpha_i g_i)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from steelyard.values.arrays import Floats
from steelyard.values.columns import Columns


def effective_sample_size(weight: Floats) -> float:
    """Return (sum w)^2 / sum w^2: how many equally weighted rows the weighted rows are worth.

    weight: (n,), not negative. Returns 0 for no rows. Source: Kish 1965, Survey Sampling, §11.7.
    """
    squares = float(np.sum(np.square(weight)))
    return float(np.sum(weight)) ** 2 / squares if squares > 0 else 0.0


@dataclass(frozen=True, eq=False)
class Weights(Columns):
    """``weight`` (n,) >= 0 with mean 1; ``target`` (n, c) soft labels where the policy changes them."""

    @property
    def weight(self) -> Floats:
        return self.columns["weight"]

    @property
    def target(self) -> Floats | None:
        return self.columns.get("target")

    @property
    def effective_size(self) -> float:
        return effective_sample_size(self.weight)

    @property
    def top_share(self) -> float:
        """Share of all weight held by the heaviest 1% of rows."""
        if not self.n:
            return 0.0
        top = np.sort(self.weight)[::-1][: max(1, self.n // 100)]
        total = float(self.weight.sum())
        return float(top.sum()) / total if total > 0 else 0.0
