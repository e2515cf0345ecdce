"""Packing: the rows of a batch that carry something, one after the other; padding is left out of every product.

A padded batch of e-commerce texts is half padding. What stands there has no gradient, and in a scoring pass it need
not be computed either: a linear layer multiplies the rows of ``Packing`` alone, and its other outputs are zero. Behind
the last attention of a classifier only the first token of each sample has a gradient, and that is found, not told.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from steelyard.gradients.direction import Direction
from steelyard.gradients.gradient import Gradient, Layer, wide
from steelyard.gradients.outer import WORTH, Outer, by_factors, lengths_sq, rows_live
from steelyard.gradients.sketching import Sketching


@dataclass(frozen=True)
class Packing:
    """Which of n * t rows are packed. index: (m,) their places, in order. lengths: how many each sample has."""

    n: int
    t: int
    index: Tensor
    lengths: list[int]
    _last: list[Any] = field(default_factory=list, repr=False, compare=False)

    @classmethod
    def of(cls, live: Tensor) -> Packing | None:
        """Return the packing of live (n, t), or None when it is not worth it."""
        n, t = live.shape
        index = live.flatten().nonzero()[:, 0]
        if len(index) > WORTH * n * t:
            return None
        return cls(n, t, index, live.sum(1).tolist())

    def within(self, live: Tensor) -> Packing:
        """Return the packing of those of the m packed rows that are live, (m,)."""
        lengths = torch.bincount(self.sample[live], minlength=self.n).tolist()
        return Packing(self.n, self.t, self.index[live], lengths)

    def pack(self, x: Tensor) -> Tensor:
        """Return (m, d) of (..., d)."""
        return x.reshape(-1, x.shape[-1]).index_select(0, self.index)

    def pack_once(self, x: Tensor) -> Tensor:
        """Return ``pack`` of x; query, key and value, which read one tensor, share its rows."""
        if not self._last or not _same(self._last[0], x) or self._last[1] != x._version:
            self._last[:] = [x, x._version, self.pack(x)]
        rows: Tensor = self._last[2]
        return rows

    def unpack(self, rows: Tensor) -> Tensor:
        """Return (n * t, d), zero where nothing was packed."""
        out = rows.new_zeros(self.n * self.t, rows.shape[-1])
        return out.index_copy_(0, self.index, rows)

    def aligned(self, rows: Tensor) -> Tensor:
        """Return (n, longest, d): each sample's rows from the first place on, zeros after them."""
        out = rows.new_zeros(self.n * self.longest, rows.shape[-1])
        return out.index_copy_(0, self._places, rows).view(self.n, self.longest, rows.shape[-1])

    def sums(self, values: Tensor) -> Tensor:
        """Return (n,) sums of (m,) values over each sample's rows."""
        return values.new_zeros(self.n).index_add_(0, self.sample, values)

    @property
    def longest(self) -> int:
        return max([1, *self.lengths])

    @cached_property
    def sample(self) -> Tensor:
        """(m,) the sample of every row."""
        return torch.repeat_interleave(torch.arange(self.n, device=self.index.device), self._counts)

    @cached_property
    def _counts(self) -> Tensor:
        return torch.tensor(self.lengths, device=self.index.device)

    @cached_property
    def _places(self) -> Tensor:
        first = torch.cumsum(self._counts, 0) - self._counts
        own = torch.arange(len(self.index), device=self.index.device) - first[self.sample]
        return self.sample * self.longest + own


@dataclass(frozen=True)
class Packed(Gradient):
    """``Outer`` without its padding. a: (m, i), g: (m, o), the rows of ``packing``."""

    layer: Layer
    packing: Packing
    a: Tensor
    g: Tensor
    bias: bool = False

    def spread(self) -> Outer:
        """Return the same gradient with every sample's rows side by side."""
        return Outer(self.layer, self.packing.aligned(self.a), self.packing.aligned(self.g), self.bias)

    def norm_sq(self) -> Tensor:
        lengths = self.packing.lengths
        if self.packing.longest == 1 or self.g.device.type != "cpu":  # many small products are slow on a GPU
            return self.spread().norm_sq()
        first = [0, *itertools.accumulate(lengths)][:-1]
        return lengths_sq(wide(self.a), wide(self.g), first, lengths, self.bias)

    def dot(self, direction: Direction) -> Tensor:
        part = direction.parts.get(self.layer.weight or "")
        bias = self.layer.bias if self.bias and self.layer.bias in direction.parts else None
        if isinstance(part, tuple):
            product = by_factors(self.a, self.g, self.layer, bias, direction)
            return self.packing.sums(product.sum(1, dtype=wide(self.g[:0]).dtype))
        g = wide(self.g)
        out = g.new_zeros(self.packing.n)
        if isinstance(part, Tensor):
            v = (part.T if self.layer.transposed else part).to(g.dtype)
            a = wide(self.a)
            product = (a @ v.T) * g if g.shape[1] < a.shape[1] else (g @ v) * a
            out = out + self.packing.sums(product.sum(1))
        if bias is not None:
            out = out + self.packing.sums(g @ direction.dense(bias).to(g.dtype))
        return out

    def sketch(self, sketching: Sketching) -> Tensor:
        a, g = sketching.inputs(self.a), sketching.outputs(self.layer.name, self.g)
        i, o = self.a.shape[1], self.g.shape[1]
        if self.bias:
            a = a + sketching.bias_row(a) * sketching.bias_scale(i)
        a, g = self.packing.aligned(wide(a)), self.packing.aligned(wide(g))
        return a.transpose(1, 2) @ g * sketching.scale(i, o)

    def built(self) -> dict[str, Tensor]:
        return self.spread().built()

    def total(self, alpha: Tensor | None) -> dict[str, Tensor]:
        return self.spread().total(alpha)


def lean(packing: Packing | None, x: Tensor, g: Tensor, n: int) -> tuple[Packing | None, Tensor, Tensor]:
    """Return (packing, x, g) of the rows that have a gradient; unchanged where most have one, and on a GPU.

    x, g: (m, d), the rows of ``packing``, or (..., d) without one. A GPU would have to wait until they are counted.
    """
    if g.device.type != "cpu":
        return packing, x, g
    live = rows_live(g)
    if int(live.sum()) > WORTH * live.numel():
        return packing, x, g
    if packing:
        return packing.within(live), x[live], g[live]
    found = Packing.of(live.view(n, -1))
    return (found, found.pack(x), found.pack(g)) if found else (None, x, g)


def _same(a: Tensor, b: Tensor) -> bool:
    """Say whether two tensors are one: both are alive, so that equal memory means the same numbers."""
    return a.data_ptr() == b.data_ptr() and a.shape == b.shape and a.stride() == b.stride() and a.dtype == b.dtype
