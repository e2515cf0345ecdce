"""Outer: sums over tokens of outer products, G^T A of (t, o) and (t, i): what a linear layer leaves.

Costs a sample, in multiplications: sketch t k (i + o + k); norm t^2 (i + o), or t i o where that is less; inner product
t i o with a dense direction, t r (i + o) with one of rank r; weighted sum t i o, what plain training pays.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor
from torch.nn import functional as F

from steelyard.gradients.direction import Direction
from steelyard.gradients.gradient import Gradient, Layer, wide
from steelyard.gradients.sketching import Sketching

#: Above this share of rows with a gradient none is left out: copying the rows costs as much as is saved.
WORTH = 0.85
#: Above this share of the products of a batch with its padding, samples are not sorted into groups: copies cost too.
ALIKE = 0.45
#: Tokens of a block of a Gram matrix; smaller products cost more to start than they spare.
BLOCK = 32


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

    @cached_property
    def live(self) -> Tensor:
        """(n, t) whether a token has a gradient."""
        return rows_live(self.g)

    def norm_sq(self) -> Tensor:
        a, g = wide(self.a), wide(self.g)
        n, t, o = g.shape
        i = a.shape[2]
        if t == 1:
            return (a.square().sum((1, 2)) + float(self.bias)) * g.square().sum((1, 2))
        spans = _spans(self.live) if g.device.type == "cpu" and len(a) == n else [(0, t)] * n
        if t * (i + o) <= i * o and sum((end - start) ** 2 for start, end in spans) > ALIKE * n * t * t:
            return _grams(a, g, self.bias)
        a = a.expand(n, -1, -1)
        first, count = [j * t + start for j, (start, _) in enumerate(spans)], [end - start for start, end in spans]
        return lengths_sq(a.reshape(-1, i), g.reshape(-1, o), first, count, self.bias)

    def dot(self, direction: Direction) -> Tensor:
        part = direction.parts.get(self.layer.weight or "")
        bias = self.layer.bias if self.bias and self.layer.bias in direction.parts else None
        if isinstance(part, tuple):
            return by_factors(self.a, self.g, self.layer, bias, direction).sum((1, 2), dtype=wide(self.g[:0]).dtype)
        a, g = wide(self.a), wide(self.g)
        out = torch.zeros(len(g), dtype=g.dtype, device=g.device)
        if isinstance(part, Tensor):
            v = (part.T if self.layer.transposed else part).to(g.dtype)
            product = (a @ v.T) * g if g.shape[2] < a.shape[2] else (g @ v) * a
            out = out + product.sum((1, 2))
        if bias is not None:
            out = out + g @ direction.dense(bias).to(g.dtype) @ g.new_ones(g.shape[1])
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
            alpha = None
        a2, g2 = a.reshape(-1, a.shape[2]), g.reshape(-1, g.shape[2])
        if alpha is None:
            bias = g2.sum(0)
        else:
            rows = alpha.to(g.dtype).repeat_interleave(g.shape[1])
            if g.device.type == "cpu":
                a2, g2, rows = _weighing(a2, g2, rows, self.live.flatten())
            bias = rows @ g2
            a2, g2 = (a2 * rows[:, None], g2) if a2.shape[1] < g2.shape[1] else (a2, g2 * rows[:, None])
        out = {self.layer.weight or "": a2.T.mm(g2) if self.layer.transposed else g2.T.mm(a2)}
        if self.bias:
            out[self.layer.bias or ""] = bias
        return out


def by_factors(a: Tensor, g: Tensor, layer: Layer, bias: str | None, direction: Direction) -> Tensor:
    """Return (..., r) whose sum is <G^T A, V>, of a (..., i), g (..., o) and a weight of low rank; with the name of its
    bias, <sum G, v> is in it too."""
    left, right, one = direction.factors(layer.weight or "", bias, layer.transposed, g)
    return (g @ left) * F.linear(a, right.to(a.dtype), None if one is None else one.to(a.dtype))


def lengths_sq(a: Tensor, g: Tensor, first: list[int], count: list[int], bias: bool) -> Tensor:
    """Return (n,) squared lengths of G_j^T A_j, where sample j has ``count[j]`` rows of a (m, i), g (m, o) from
    ``first[j]`` on. bias: sum_t G counts too, as if A had a column of ones.

    By the cheaper of two ways: built, or as <A A^T, G G^T>. Samples of like length are multiplied together: one small
    product at a time leaves most of a processor idle.
    """
    i, o = a.shape[1], g.shape[1]
    out = g.new_zeros(len(count))
    for samples in _alike(count):
        t = max(count[j] for j in samples)
        if t * (i + o) > i * o:
            for j in samples:
                own = slice(first[j], first[j] + count[j])
                out[j] = (g[own].T @ a[own]).square().sum() + (g[own].sum(0).square().sum() if bias else 0.0)
            continue
        start, size = (torch.tensor([v[j] for j in samples], device=g.device)[:, None] for v in (first, count))
        place = torch.arange(t, device=g.device)
        inside = place < size
        rows, beyond = (start + place).where(inside, start).flatten(), (~inside).flatten().nonzero()[:, 0]
        inputs, outputs = a.index_select(0, rows), g.index_select(0, rows).index_fill_(0, beyond, 0.0)
        out[samples] = _grams(inputs.view(-1, t, i), outputs.view(-1, t, o), bias)
    return out


def _alike(count: list[int]) -> list[list[int]]:
    """Return the samples in groups of like count, none in a group under 0.85 of its longest; empty ones in none."""
    groups: list[list[int]] = []
    for j in sorted(range(len(count)), key=count.__getitem__, reverse=True):
        if count[j] and groups and count[j] >= WORTH * count[groups[-1][0]]:
            groups[-1].append(j)
        elif count[j]:
            groups.append([j])
    return groups


def _grams(a: Tensor, g: Tensor, bias: bool) -> Tensor:
    """Return (k,) <A A^T + bias, G G^T> of a (k, t, i), g (k, t, o).

    Both are symmetric: of a block of rows only what stands on the diagonal and right of it, which counts twice.
    """
    t = g.shape[1]
    size = max(BLOCK if g.device.type == "cpu" else 4 * BLOCK, -(-t // 4))
    out = g.new_zeros(len(g))
    for start in range(0, t, size):
        inputs = a[:, start : start + size] @ a[:, start:].transpose(1, 2)
        outputs = g[:, start : start + size] @ g[:, start:].transpose(1, 2)
        product = outputs.mul_(inputs.add_(1.0) if bias else inputs)
        out += product[:, :, :size].sum((1, 2)) + 2.0 * product[:, :, size:].sum((1, 2))
    return out


def rows_live(g: Tensor) -> Tensor:
    """Return (...) whether a row of (..., d) has any number but zero; of rows that do not begin with 0 no more is read.

    Reading all of it, for every layer, was a twelfth of a step.
    """
    if g.device.type != "cpu":  # a GPU would have to wait for the count of rows that begin with 0
        return (g != 0).any(-1)
    whole = g.reshape(-1, g.shape[-1])
    live = whole[:, 0] != 0
    unsure = (~live).nonzero()[:, 0]
    rest = whole.index_select(0, unsure)
    if rest.count_nonzero():
        live[unsure] = rest.any(-1)
    return live.view(g.shape[:-1])


def _spans(live: Tensor) -> list[tuple[int, int]]:
    """Return where each sample's tokens with a gradient begin and end, for live (n, t); padding has none.

    Squares of lengths are what a norm costs: the longest sample of a batch must not set the price of the others.
    """
    start, end = live.byte().argmax(1), (live.shape[1] - live.flip(1).byte().argmax(1)) * live.any(1)
    return list(zip(start.minimum(end).tolist(), end.tolist(), strict=True))


def _weighing(a: Tensor, g: Tensor, rows: Tensor, live: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return (a, g, rows) of the tokens that have a weight and a gradient, where that spares the sum much.

    a: (m, i), g: (m, o), rows: (m,) weights, live: (m,). Not for untouched training, whose sum is autograd's own.
    """
    live = live & (rows != 0)
    if int(live.sum()) > WORTH * len(live):
        return a, g, rows
    index = live.nonzero()[:, 0]
    return a.index_select(0, index), g.index_select(0, index), rows[index]
