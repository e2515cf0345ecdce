"""Learning to reweight: alpha is the row's gradient product with the reference gradient, where it is positive."""

from collections.abc import Mapping
from dataclasses import dataclass

from steelyard.parts.alphas import Aligning
from steelyard.values.arrays import Floats


@dataclass(frozen=True)
class L2rw(Aligning):
    """alpha_i proportional to max(0, <g_i, g_ref>), by one step of SGD. Source: Ren et al. 2018, eq. 12 and 13.

    We take the product from the pass that trains anyway, where the paper differentiates twice; and, as for all alphas,
    floor, ceiling and effective sample size are kept, so that a row may fall to 0.05 but not to 0. The paper's
    reference rows are known to be right.
    """

    needs = ("dot",)
    scale = "spread"

    def raw(self, seen: Mapping[str, Floats], progress: float) -> Floats:
        return seen["dot"].clip(0.0, None)
