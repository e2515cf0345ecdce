"""Sketching: the seeded projections of the two-sided sketch S = (A P)^T (G Q), k x k numbers a layer and sample.

With independent entries of mean 0 and variance 1/k, E[P P^T] = I and E[Q Q^T] = I, so that the inner product of two
sketches is an unbiased estimate of the inner product of the gradients G^T A, although neither gradient is ever built
(the two-sided projection of LoGra, Choe et al. 2024, arXiv 2405.13954, with random instead of fitted bases). The
coordinate mask of FactGraSS (Hu et al. 2025, arXiv 2505.18976) picks k coordinates of each side instead: cheaper,
and noisier where a gradient sits in few coordinates.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional as F


@dataclass(frozen=True)
class Sketching:
    """Which projections: the same seed gives the same projections in every process, pass and precision.

    k: numbers a side. seed: any integer. mask: pick coordinates instead of mixing them.
    P depends on the width of the input alone, so that layers which read the same tensor project it once;
    Q differs from layer to layer. Entries are exact in bfloat16.
    """

    k: int = 16
    seed: int = 0
    mask: bool = False
    _kept: dict[tuple[object, ...], Tensor] = field(default_factory=dict, repr=False, compare=False)

    def inputs(self, x: Tensor) -> Tensor:
        """Return x P, (..., i) -> (..., k), unscaled."""
        return self._project("in", x)

    def outputs(self, layer: str, x: Tensor) -> Tensor:
        """Return x Q, (..., o) -> (..., k), unscaled; Q is the layer's own."""
        return self._project(f"out/{layer}", x)

    def output_rows(self, layer: str, ids: Tensor, width: int, like: Tensor) -> Tensor:
        """Return the rows of Q at ids, (...,) -> (..., k), unscaled: the projection of one-hot outputs."""
        if not self.mask:
            return self._gaussian(f"out/{layer}", width, like)[ids]
        picked = self._picked(f"out/{layer}", width, like.device)
        return F.pad((ids.unsqueeze(-1) == picked).to(like.dtype), (0, self.k - len(picked)))

    def bias_row(self, like: Tensor) -> Tensor:
        """Return (k,), the row of P for the constant input of a bias, unscaled."""
        return self._gaussian("bias", 1, like)[0]

    def bias_scale(self, width: int) -> float:
        """Return by what the bias row is multiplied, so that its scale is that of the other rows of P."""
        return 1.0 / self._side(width) / self.k**0.5

    def scale(self, i: int, o: int) -> float:
        """Return by what (A P)^T (G Q) is multiplied for widths i and o."""
        return self._side(i) * self._side(o)

    def vector(self, name: str, x: Tensor) -> Tensor:
        """Return (n, k, k), the one-sided sketch of vectors (n, d); the vector itself, padded, where it fits."""
        n, d = x.shape
        if d <= self.k**2:
            return F.pad(x, (0, self.k**2 - d)).view(n, self.k, self.k)
        if self.mask:
            picked = self._picked(f"vector/{name}", d, x.device, self.k**2)
            return (x[:, picked] * (d / self.k**2) ** 0.5).view(n, self.k, self.k)
        return (x @ self._gaussian(f"vector/{name}", d, x, self.k**2) / self.k).view(n, self.k, self.k)

    def _side(self, width: int) -> float:
        return (width / min(self.k, width)) ** 0.5 if self.mask else self.k**-0.5

    def _project(self, side: str, x: Tensor) -> Tensor:
        width = x.shape[-1]
        if self.mask:
            out = x[..., self._picked(side, width, x.device)]
            return F.pad(out, (0, self.k - out.shape[-1]))
        return x @ self._gaussian(side, width, x)

    def _gaussian(self, side: str, width: int, like: Tensor, k: int | None = None) -> Tensor:
        key = (side, width, k, like.dtype, like.device)
        if key not in self._kept:
            drawn = torch.randn(width, k or self.k, generator=self._generator(side, width))
            self._kept[key] = drawn.bfloat16().to(like.device, like.dtype)
        return self._kept[key]

    def _picked(self, side: str, width: int, device: torch.device, k: int | None = None) -> Tensor:
        key = (side, width, k, "picked", device)
        if key not in self._kept:
            self._kept[key] = torch.randperm(width, generator=self._generator(side, width))[: k or self.k].to(device)
        return self._kept[key]

    def _generator(self, side: str, width: int) -> torch.Generator:
        digest = hashlib.sha256(f"{self.seed}/{side}/{width}".encode()).digest()
        return torch.Generator().manual_seed(int.from_bytes(digest[:7], "big"))
