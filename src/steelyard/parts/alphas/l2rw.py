"""Learning to reweight: alpha is the row's gradient product with the reference gradient, where it is positive."""

from collections.abc import Mapping
from dataclasses import dataclass

from steelyard.parts.alphas import Alpha
from steelyard.values.arrays import Floats


@dataclass(frozen=True)
class L2rw(Alpha):
    """alpha_i proportional to max(0, <g_i, g_ref>), by one step of SGD. Source: Ren et al. 2018, eq. 12 and 13.

    We take the product from the pass that trains anyway, where the paper differentiates twice; and, as for all alphas,
    floor, ceiling and effective sample size are kept, so that a row may fall to 0.05 but not to 0. trusted, look and
    every are those of ``alignment``; the paper's reference rows are known to be right.
    """

    needs = ("dot",)
    scale = "spread"
    reference = True

    trusted: bool = True
    look: int = 32
    every: int = 16

    def raw(self, seen: Mapping[str, Floats], progress: float) -> Floats:
        return seen["dot"].clip(0.0, None)
