"""Gradient: what one use of a layer adds to the gradient of every sample, kept in factors and never built.

Three kinds exist: ``Outer`` (a sum over tokens of outer products: linear layers), ``Rows`` (rows picked by token id:
embeddings) and ``Whole`` (small enough to be built: biases, norms, single vectors). A layer rule turns what autograd
hands it into one of these; norm, inner product, sketch and weighted sum are then the same for every layer kind.

Index letters, the same in every docstring: n sample, t token, i in, o out, k projection, r rank, p parameter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from steelyard.gradients.direction import Direction
from steelyard.gradients.sketching import Sketching


@dataclass(frozen=True)
class Layer:
    """One watched layer: the parameters whose gradients are read together.

    name: of the module. parameters: qualified names. A matrix layer has a weight (o, i), stored as (i, o) when
    ``transposed``, and perhaps a bias (o,), which is treated as one more column of the weight.
    """

    name: str
    parameters: tuple[str, ...]
    weight: str | None = None
    bias: str | None = None
    transposed: bool = False


class Gradient:
    """Contract of a per-sample gradient in factors; all sums run in float32 or better."""

    layer: Layer

    def norm_sq(self) -> Tensor:
        """Return (n,) squared lengths."""
        raise NotImplementedError

    def dot(self, direction: Direction) -> Tensor:
        """Return (n,) inner products with a direction; parameters that it lacks count as zero."""
        raise NotImplementedError

    def sketch(self, sketching: Sketching) -> Tensor:
        """Return (n, k, k), (A P)^T (G Q) of the layer's gradient."""
        raise NotImplementedError

    def built(self) -> dict[str, Tensor]:
        """Return every parameter's gradient of every sample, (n, *shape): what the other methods avoid."""
        raise NotImplementedError

    def total(self, alpha: Tensor | None) -> dict[str, Tensor]:
        """Return sum_i alpha_i g_i for every parameter; alpha None: as autograd itself would form it, bit for bit."""
        raise NotImplementedError


def added(a: Mapping[str, Tensor], b: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the sum of two gradients given by parameter name."""
    out = dict(a)
    for name, value in b.items():
        out[name] = out[name] + value if name in out else value
    return out


def wide(x: Tensor) -> Tensor:
    """Return x in float32 when it is narrower."""
    return x.float() if x.dtype in (torch.bfloat16, torch.float16) else x


def sketched(layer: Layer, parts: Mapping[str, Tensor], sketching: Sketching) -> Tensor:
    """Return (n, k, k), the sketch of gradients that are already built, (n, *shape) by parameter name."""
    pieces = []
    i = 1
    for name, value in sorted(parts.items(), key=lambda part: part[0] != layer.weight):
        value = wide(value)
        if name == layer.weight:
            matrix = value if layer.transposed else value.transpose(1, 2)  # (n, i, o)
            i, o = matrix.shape[1:]
            left = sketching.inputs(sketching.outputs(layer.name, matrix).transpose(1, 2))  # (n, k of o, k of i)
            pieces.append(left.transpose(1, 2) * sketching.scale(i, o))
        elif name == layer.bias:
            row = sketching.bias_row(value) * sketching.bias_scale(i)
            out = sketching.outputs(layer.name, value) * sketching.scale(i, value.shape[1])
            pieces.append(torch.einsum("k,nl->nkl", row, out))
        else:
            pieces.append(sketching.vector(name, value.flatten(1)))
    return torch.stack(pieces).sum(0)
