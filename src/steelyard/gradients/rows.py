"""Rows: rows of a table picked by id, sum_t e_(id_t) h_t^T: what an embedding leaves.

Positions are grouped by id within a sample; the (n, v, d) gradients of the table are never built. Costs a sample:
sketch t k (d + k), inner product t d, norm t^2 d, weighted sum t d.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from steelyard.gradients.direction import Direction
from steelyard.gradients.gradient import Gradient, Layer, wide
from steelyard.gradients.outer import Outer
from steelyard.gradients.sketching import Sketching


@dataclass(frozen=True)
class Rows(Gradient):
    """The gradient of a table (v, d).

    ids: (n, t) rows read, or (1, t) when all samples read the same. h: (n, t, d) gradients of what was read.
    padding: the id whose row is never trained, or None.
    """

    layer: Layer
    ids: Tensor
    h: Tensor
    size: int
    padding: int | None = None

    @classmethod
    def joined(cls, uses: list[Rows]) -> Rows:
        """Return the sum of several reads of one table, as one read of more positions."""
        if len(uses) == 1:
            return uses[0]
        first = uses[0]
        n = len(first.h)
        ids = torch.cat([u.ids.expand(n, -1) for u in uses], 1)
        return cls(first.layer, ids, torch.cat([u.live() for u in uses], 1), first.size)

    def live(self) -> Tensor:
        """Return (n, t, d), h in float32 or better, with zeros where the id is the padding id."""
        h = wide(self.h)
        return h if self.padding is None else h * (self.ids != self.padding).unsqueeze(-1)

    def norm_sq(self) -> Tensor:
        h = self.live()
        same = self.ids.unsqueeze(2) == self.ids.unsqueeze(1)
        once = len(self.ids) == 1 and h.device.type == "cpu"  # a GPU would have to wait for the answer
        if once and bool(same.sum() == same.shape[1]):  # every row once: positions
            return h.square().sum((1, 2))
        return torch.einsum("nst,nst->n", h @ h.transpose(1, 2), same.to(h.dtype).expand(len(h), -1, -1))

    def dot(self, direction: Direction) -> Tensor:
        h = self.live()
        part = direction.parts.get(self.layer.weight or "")
        if part is None:
            return torch.zeros(len(h), dtype=h.dtype, device=h.device)
        if isinstance(part, Tensor):
            return (part[self.ids].to(h.dtype) * h).sum((1, 2))
        return (part[0][self.ids].to(h.dtype) * (h @ part[1].to(h.dtype))).sum((1, 2))

    def sketch(self, sketching: Sketching) -> Tensor:
        h = self.live()
        left = sketching.inputs(h)
        right = sketching.output_rows(self.layer.name, self.ids, self.size, left)
        return left.transpose(1, 2) @ right * sketching.scale(h.shape[2], self.size)

    def built(self) -> dict[str, Tensor]:
        h = self.live()
        out = h.new_zeros(len(h), self.size, h.shape[2])
        out.scatter_add_(1, self.ids.expand(len(h), -1).unsqueeze(-1).expand_as(h), h)
        return {self.layer.weight or "": out}

    def total(self, alpha: Tensor | None) -> dict[str, Tensor]:
        h = self.h if alpha is None else self.h * alpha.to(self.h.dtype)[:, None, None]
        if len(self.ids) < len(h):
            h = h.sum(0, keepdim=True)
        padding = -1 if self.padding is None else self.padding
        grad = torch.ops.aten.embedding_dense_backward(h, self.ids, self.size, padding, False)
        return {self.layer.weight or "": grad}


def cross(rows: Rows, outer: Outer) -> Tensor:
    """Return (n,) inner products of two uses of one tied matrix (v, d): read as a table, and as an output layer.

    sum_(s,t) <a_s, h_t> g_(s, id_t): the rows of G^T A that the table's gradient touches, and no others.
    """
    h, n = rows.live(), len(rows.h)
    a, g = wide(outer.a).expand(n, -1, -1), wide(outer.g)
    picked = g.gather(2, rows.ids.expand(n, -1).unsqueeze(1).expand(-1, g.shape[1], -1))  # (n, s, t)
    return torch.einsum("nst,nst->n", a @ h.transpose(1, 2), picked)
