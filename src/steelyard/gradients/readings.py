"""Readings of one layer that was used once or several times in a forward: the uses add up.

Sketches, inner products and weighted sums are linear, so that uses simply add. A squared length needs the products
between the uses: uses of one kind are joined along their tokens, a table tied to an output layer has its cross term.
"""

from __future__ import annotations

from functools import reduce

import torch
from torch import Tensor

from steelyard.gradients.gradient import Gradient, added
from steelyard.gradients.outer import Outer
from steelyard.gradients.packing import Packed
from steelyard.gradients.rows import Rows, cross


def norm_sq(uses: list[Gradient]) -> Tensor:
    """Return (n,) squared lengths of the sum of the uses' gradients."""
    if len(uses) == 1:
        return uses[0].norm_sq()
    uses = [u.spread() if isinstance(u, Packed) else u for u in uses]
    outers = [u for u in uses if isinstance(u, Outer)]
    rows = [u for u in uses if isinstance(u, Rows)]
    alike = len({u.bias for u in outers}) < 2
    if len(outers) == len(uses) and alike:
        return Outer.joined(outers).norm_sq()
    if len(rows) == len(uses):
        return Rows.joined(rows).norm_sq()
    if len(rows) + len(outers) == len(uses) and alike:
        table, output = Rows.joined(rows), Outer.joined(outers)
        return table.norm_sq() + output.norm_sq() + 2 * cross(table, output)
    return torch.stack([v.flatten(1).square().sum(1) for v in built(uses).values()]).sum(0)


def built(uses: list[Gradient]) -> dict[str, Tensor]:
    """Return the gradients themselves, (n, *shape) by parameter name: for tests and rare mixtures."""
    return reduce(added, [use.built() for use in uses])


def total(uses: list[Gradient], alpha: Tensor | None) -> dict[str, Tensor]:
    """Return sum_i alpha_i g_i by parameter name; uses add in the order of the backward pass, as in autograd."""
    return reduce(added, [use.total(alpha) for use in uses])
