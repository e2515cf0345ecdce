"""Oracle: per-sample gradients the slow and obvious way, one sample at a time with plain autograd.

It has the readings of a ``Step`` and stands beside it in tests: whatever the engine says, this says too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn

from steelyard.gradients.direction import Direction
from steelyard.gradients.gradient import Layer, sketched
from steelyard.gradients.sketching import Sketching


class Oracle:
    """Built gradients of n samples.

    loss_of: gives the loss of sample i alone, a scalar. layers: ``Watched.layers``. Costs n passes, n p numbers.
    """

    def __init__(self, model: nn.Module, loss_of: Callable[[int], Tensor], n: int, layers: Sequence[Layer]) -> None:
        self.layers = tuple(layers)
        known = dict(model.named_parameters())
        names = [name for layer in self.layers for name in layer.parameters]
        wanted = [known[name] for name in names]
        rows = [torch.autograd.grad(loss_of(i), wanted, materialize_grads=True, allow_unused=True) for i in range(n)]
        self._built = {name: torch.stack([row[j] for row in rows]) for j, name in enumerate(names)}

    def built(self) -> Mapping[str, Tensor]:
        """Return (n, *shape) by parameter name."""
        return self._built

    def norm(self, per_layer: bool = False) -> Tensor:
        squares = torch.stack([sum(self._flat(p).square().sum(1) for p in la.parameters) for la in self.layers], 1)
        return squares.sqrt() if per_layer else squares.sum(1).sqrt()

    def dot(self, direction: Direction, per_layer: bool = False) -> Tensor:
        def of(layer: Layer) -> Tensor:
            known = [p for p in layer.parameters if p in direction.parts]
            parts = [self._flat(p) @ direction.dense(p).flatten() for p in known]
            return torch.stack(parts).sum(0) if parts else self._flat(layer.parameters[0])[:, 0] * 0

        table = torch.stack([of(layer) for layer in self.layers], 1)
        return table if per_layer else table.sum(1)

    def sketch(self, k: int | Sketching = 16) -> Tensor:
        sketching = k if isinstance(k, Sketching) else Sketching(k)
        own = [{p: self._built[p] for p in layer.parameters} for layer in self.layers]
        return torch.stack([sketched(la, parts, sketching) for la, parts in zip(self.layers, own, strict=True)], 1)

    def total(self, alpha: Tensor) -> dict[str, Tensor]:
        """Return sum_i alpha_i g_i by parameter name."""
        return {name: torch.einsum("n,n...->...", alpha.to(v.dtype), v) for name, v in self._built.items()}

    def _flat(self, name: str) -> Tensor:
        return self._built[name].flatten(1)
