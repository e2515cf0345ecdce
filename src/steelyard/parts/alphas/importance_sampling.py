"""Step on the rows with long gradients and correct exactly for having chosen them: fewer rows, the same mean."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from steelyard.parts.alphas import Alpha
from steelyard.values.arrays import Floats


@dataclass(frozen=True)
class ImportanceSampling(Alpha):
    """Draw ``share`` of the batch, p_i proportional to the bound |p - e_y| of the gradient; alpha_i = times / (b p_i).

    The mean of alpha_i g_i over the batch is unbiased. Rows not drawn have weight 0; the forward pass alone decides,
    and with ``micro_batch`` below the batch size they cost no backward pass. Source: Katharopoulos & Fleuret 2018, Not
    All Samples Are Created Equal, eq. 16-20 and alg. 1; their bound is the output layer's gradient. Take a batch_size
    of 1/share times the usual. floor: share of the draw that is uniform, which bounds the weights by 1/floor.
    """

    needs = ("el2n",)
    unbiased = True

    share: float = 1 / 3
    floor: float = 0.2
    seed: int = 0

    def raw(self, seen: Mapping[str, Floats], progress: float) -> Floats:
        bound = np.asarray(seen["el2n"], np.float64)
        n, total = len(bound), float(bound.sum())
        p = np.full(n, 1 / n) if total <= 0 else self.floor / n + (1 - self.floor) * bound / total
        b = max(1, round(self.share * n))
        drawn = np.random.default_rng([self.seed, round(progress * 1e9)]).multinomial(b, p / p.sum())
        return drawn / (b * p)
