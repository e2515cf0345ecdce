"""Outer: sums over tokens of outer products, G^T A of (t, o) and (t, i): what a linear layer leaves.

Costs a sample, in multiplications: sketch t k (i + o + k); norm t^2 (i + o), or t i o where that is less; inner product
t i o with a dense direction, t r (i + o) with one of rank r; weighted sum t i o, what plain training pays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from steelyard.gradients.direction import Direction
from steelyard.gradients.gradient import Gradient, Layer, wide
from steelyard.gradients.sketching import Sketching


@dataclass(frozen=True)
class Outer(Gradient):
    """The gradient G^T A, with sum_t G for the bias.

    a: (n, t, i) inputs, or (1, t, i) when all samples share them. g: (n, t, o) gradients of the outputs.
    bias: this use adds the layer's bias.
    """

    layer: Layer
    a: Tensor
    g: Tensor
    bias: bool = False

    @classmethod
    def joined(cls, uses: list[Outer]) -> Outer:
        """Return the sum of several uses of one layer, alike in their bias, as one use with more tokens."""
        if len(uses) == 1:
            return uses[0]
        n, first = len(uses[0].g), uses[0]
        a, g = torch.cat([u.a.expand(n, -1, -1) for u in uses], 1), torch.cat([u.g for u in uses], 1)
        return cls(first.layer, a, g, first.bias)

    def norm_sq(self) -> Tensor:
        a, g = wide(self.a), wide(self.g)
        t, i, o = g.shape[1], a.shape[2], g.shape[2]
        if t == 1:
            return (a.square().sum((1, 2)) + self._ones) * g.square().sum((1, 2))
        if t * (i + o) > i * o:
            return torch.stack([self._norm_sq_built(a[j if len(a) > 1 else 0], g[j]) for j in range(len(g))])
        out = g.new_empty(len(g))
        for own, start, end in _alike(g) if t > 16 and len(g) > 4 else [(slice(None), 0, t)]:
            x, y = a[own if len(a) > 1 else slice(None), start:end], g[own, start:end]
            out[own] = ((x @ x.transpose(1, 2) + self._ones) * (y @ y.transpose(1, 2))).sum((1, 2))
        return out

    def _norm_sq_built(self, a: Tensor, g: Tensor) -> Tensor:
        live = torch.linalg.vector_norm(g, float("inf"), dim=1) != 0
        a, g = a[live], g[live]
        return (g.T @ a).square().sum() + self._ones * g.sum(0).square().sum()

    def dot(self, direction: Direction) -> Tensor:
        a, g = wide(self.a), wide(self.g)
        out = torch.zeros(len(g), dtype=g.dtype, device=g.device)
        part = direction.parts.get(self.layer.weight or "")
        if isinstance(part, Tensor):
            v = (part.T if self.layer.transposed else part).to(g.dtype)
            product = (a @ v.T) * g if g.shape[2] < a.shape[2] else (g @ v) * a
            out = out + product.sum((1, 2))
        elif part is not None:
            u, r = (part[1], part[0]) if self.layer.transposed else part
            out = out + ((self.g @ u.to(self.g.dtype)) * (self.a @ r.to(self.a.dtype))).sum((1, 2), dtype=out.dtype)
        if self.bias and self.layer.bias in direction.parts:
            out = out + g @ direction.dense(self.layer.bias or "").to(g.dtype) @ g.new_ones(g.shape[1])
        return out

    def sketch(self, sketching: Sketching) -> Tensor:
        a, g = sketching.inputs(self.a), sketching.outputs(self.layer.name, self.g)
        i, o = self.a.shape[2], self.g.shape[2]
        if self.bias:
            a = a + sketching.bias_row(a) * sketching.bias_scale(i)
        return wide(a).transpose(1, 2) @ wide(g) * sketching.scale(i, o)

    def built(self) -> dict[str, Tensor]:
        left, right = (self.a, self.g) if self.layer.transposed else (self.g, self.a)
        out = {self.layer.weight or "": wide(left).transpose(1, 2) @ wide(right)}
        if self.bias:
            out[self.layer.bias or ""] = wide(self.g).sum(1)
        return out

    def total(self, alpha: Tensor | None) -> dict[str, Tensor]:
        a, g = self.a, self.g
        if len(a) < len(g):  # the samples share their inputs, as autograd's own sum over a broadcast does
            g = g.sum(0, keepdim=True) if alpha is None else torch.einsum("n,nto->to", alpha.to(g.dtype), g)[None]
        elif alpha is not None:
            rows = alpha.to(g.dtype)[:, None, None]
            bias = (g.sum(1).T @ alpha.to(g.dtype)) if self.bias else None
            a, g = (a * rows, g) if a.shape[2] < g.shape[2] else (a, g * rows)
        a2, g2 = a.reshape(-1, a.shape[2]), g.reshape(-1, g.shape[2])
        out = {self.layer.weight or "": a2.T.mm(g2) if self.layer.transposed else g2.T.mm(a2)}
        if self.bias:
            out[self.layer.bias or ""] = g2.sum(0) if alpha is None or len(self.a) < len(self.g) else bias
        return out

    @property
    def _ones(self) -> float:
        return 1.0 if self.bias else 0.0


def _alike(g: Tensor, groups: int = 4) -> list[tuple[Any, int, int]]:
    """Return samples of like length, and where their tokens with a gradient begin and end; padding has none.

    Squares of lengths are what a norm costs: the longest sample of a batch must not set the price of the others.
    """
    n, t = g.shape[:2]
    live = torch.linalg.vector_norm(g, float("inf"), dim=2) != 0
    start, end = live.byte().argmax(1), (t - live.flip(1).byte().argmax(1)) * live.any(1)
    order = torch.argsort(end - start)
    split = order.tensor_split(min(groups, n))
    found: list[tuple[Any, int, int]] = [(own, int(start[own].min()), int(end[own].max())) for own in split]
    if sum(len(own) * (last - first) ** 2 for own, first, last in found) > 0.7 * n * t * t:
        return [(slice(None), 0, t)]
    return found
