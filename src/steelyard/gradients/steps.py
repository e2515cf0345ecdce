"""Step: one forward and one backward pass of n samples, read before any weight gradient exists.

    theta <- theta - lr * sum_i alpha_i g_i / n

The backward pass runs once, with the samples' own losses, and leaves A and G of every layer; what they show decides
alpha; each weight gradient is then formed once, (alpha o G)^T A.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from steelyard.errors import UsageError
from steelyard.gradients import readings
from steelyard.gradients.coverage import Leaked
from steelyard.gradients.device import over
from steelyard.gradients.direction import Direction
from steelyard.gradients.gradient import Gradient, Layer
from steelyard.gradients.packing import Packing
from steelyard.gradients.projected import Projected
from steelyard.gradients.sketching import Sketching


class Step:
    """What one step of n samples shows; opened by ``Watched.step``.

    mask: 0 where a token is padding, see ``Watched.step``. leaks: names of parameters that autograd itself reached.
    sketch, norm, dot: what will be asked; it is then computed during the backward pass, layer by layer, while the
    numbers are at hand, and in a scoring pass A and G are dropped at once.
    """

    def __init__(
        self,
        layers: Sequence[Layer],
        parameters: dict[str, nn.Parameter],
        n: int,
        rows: int = 1,
        forms: bool = True,
        sketch: Sketching | None = None,
        norm: bool = False,
        dot: Direction | Projected | None = None,
        mask: Tensor | None = None,
        leaks: list[str] | None = None,
    ) -> None:
        self.layers, self.n, self.rows = layers, n, rows
        self._parameters, self.forms = parameters, forms
        self._keep = forms or not (sketch or norm or dot)
        self._direction = dot
        self._uses: dict[str, list[Gradient]] = {layer.name: [] for layer in layers}
        through = dot.sketching if isinstance(dot, Projected) else None
        self._sketches: dict[Sketching, dict[str, Tensor]] = {s: {} for s in (sketch, through) if s}
        self._dots: dict[str, Tensor] = {}
        self._norms_sq: dict[str, Tensor] = {}
        self._wants_norm = norm
        self._calls: dict[str, int] = {}
        self._mask, self._leaks = mask, [] if leaks is None else leaks
        self._packing = None if forms or mask is None else Packing.of(mask.reshape(n, -1) != 0)
        self._scale = 1.0
        self._losses: Tensor | None = None
        self._formed = False

    def backward(self, losses: Tensor, scale: float | None = None) -> None:
        """Run the backward pass of (n,) losses times ``scale`` (1/n when not said); forms no weight gradient.

        Raises UsageError U174 when the losses are not one per sample, Leaked (U178) when parameters were used outside
        their layers.
        """
        if losses.shape != (self.n,):
            raise UsageError("U174", n=self.n, found=tuple(losses.shape))
        self._scale, self._losses = 1.0 / self.n if scale is None else float(scale), losses.detach()
        self._device = losses.device
        losses.backward(torch.full_like(losses, self._scale))
        if self._leaks:
            raise Leaked(self._leaks)

    def take(self, gradient: Gradient) -> None:
        """Receive what one use of a layer adds; called by the rules, during the backward pass."""
        name = gradient.layer.name
        for sketching, table in self._sketches.items():
            _add(table, name, gradient.sketch(sketching))
        if isinstance(self._direction, Direction):
            _add(self._dots, name, gradient.dot(self._direction))
        if self._wants_norm and self._calls.get(name, 0) <= 1:
            self._norms_sq[name] = gradient.norm_sq()
            if not self._keep:
                return
        elif not (self._keep or self._wants_norm):
            return
        self._uses[name].append(gradient)

    def packing_of(self, x: Tensor) -> Packing | None:
        """Return which rows of x (n * rows, t, d) must be computed; None: all of them."""
        return self._packing if self._mask is not None and x.shape[:-1] == self._mask.shape else None

    def called(self, layers: Sequence[Layer]) -> None:
        """Count a use of layers in the forward pass; what checkpointing runs again does not count."""
        if self._losses is None:
            for layer in layers:
                self._calls[layer.name] = self._calls.get(layer.name, 0) + 1

    def norm(self, per_layer: bool = False) -> Tensor:
        """Return (n,) lengths of the samples' own gradients (scale taken out), or (n, layers)."""
        self._check()
        asked = {name: uses for name, uses in self._uses.items() if uses and name not in self._norms_sq}
        self._norms_sq |= {name: readings.norm_sq(uses) for name, uses in asked.items()}
        squares = self._stack(self._norms_sq, ()) / self._scale**2
        return squares.clamp_min(0).sqrt() if per_layer else squares.sum(1).clamp_min(0).sqrt()

    def dot(self, direction: Direction | Projected | None = None, per_layer: bool = False) -> Tensor:
        """Return (n,) inner products of the samples' own gradients with a direction, or (n, layers)."""
        direction = self._direction if direction is None else direction
        if isinstance(direction, Projected):
            table = direction.products(self.sketch(direction.sketching), self.layers)
        elif direction is None or direction is self._direction:
            table = self._stack(self._dots, ()) / self._scale
        else:
            found = {name: _sum([use.dot(direction) for use in uses]) for name, uses in self._asked().items()}
            table = self._stack(found, ()) / self._scale
        return table if per_layer else table.sum(1)

    def sketch(self, k: int | Sketching = 16) -> Tensor:
        """Return (n, layers, k, k), two-sided sketches of the samples' own gradients; 0 where a layer was unused."""
        sketching = k if isinstance(k, Sketching) else Sketching(k)
        if sketching in self._sketches:
            return self._stack(self._sketches[sketching], (sketching.k, sketching.k)) / self._scale
        table = {name: _sum([u.sketch(sketching) for u in uses]) for name, uses in self._asked().items()}
        return self._stack(table, (sketching.k, sketching.k)) / self._scale

    def built(self) -> dict[str, Tensor]:
        """Return the samples' own gradients themselves, (n, *shape) by parameter name: for tests and small models."""
        found: dict[str, Tensor] = {}
        for uses in self._asked().values():
            found |= {name: value / self._scale for name, value in readings.built(uses).items()}
        return found

    def form(self, alpha: Any = None) -> None:
        """Add sum_i alpha_i * scale * g_i to every parameter's ``grad``; each weight gradient is formed once.

        alpha: (n,) weights; None, or all ones, is untouched training bit for bit. Raises UsageError U175 before
        the backward pass and when called twice, U177 in a scoring pass, U174 when alpha is not one number per sample.
        """
        self._check()
        if not self.forms:
            raise UsageError("U177")
        weights = None if alpha is None else torch.as_tensor(alpha).detach()
        if weights is not None and weights.shape != (self.n,):
            raise UsageError("U174", n=self.n, found=tuple(weights.shape))
        if weights is not None:  # asked where alpha lies: a GPU need not wait for what NumPy decided
            weights = None if bool((weights == 1).all()) else over(weights, self._device)
        self._formed = True
        for name, uses in self._uses.items():
            if uses:
                self._form(readings.total(uses, weights))
            self._uses[name] = []

    def _form(self, totals: dict[str, Tensor]) -> None:
        for name, grad in totals.items():
            p = self._parameters[name]
            grad = grad.to(p.dtype)
            if p.grad is None:
                p.grad = grad
            else:
                p.grad += grad

    def _asked(self) -> dict[str, list[Gradient]]:
        self._check()
        if not self._keep:
            raise UsageError("U176")
        return {name: uses for name, uses in self._uses.items() if uses}

    def _check(self) -> None:
        if self._losses is None or self._formed:
            raise UsageError("U175")

    def _stack(self, found: dict[str, Tensor], shape: tuple[int, ...]) -> Tensor:
        """Return (n, layers, *shape)."""
        some = next(iter(found.values()))
        blank = some.new_zeros(self.n, *shape)
        return torch.stack([found.get(layer.name, blank) for layer in self.layers], 1)


def _add(table: dict[str, Tensor], name: str, value: Tensor) -> None:
    table[name] = table[name] + value if name in table else value


def _sum(values: list[Tensor]) -> Tensor:
    out = values[0]
    for value in values[1:]:
        out = out + value
    return out
