"""Whole: gradients small enough to be built for every sample: biases, norm weights, single vectors.

Costs a sample: t d to build, d afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

from torch import Tensor

from steelyard.gradients.direction import Direction
from steelyard.gradients.gradient import Gradient, Layer, sketched, wide
from steelyard.gradients.sketching import Sketching


@dataclass(frozen=True)
class Whole(Gradient):
    """Gradients by parameter.

    build: gives (n, *shape) for every parameter name. exact: gives the sum over samples as autograd forms it.
    Both are called when something is asked, and not before.
    """

    layer: Layer
    build: Callable[[], Mapping[str, Tensor]]
    exact: Callable[[], Mapping[str, Tensor]]

    @cached_property
    def parts(self) -> dict[str, Tensor]:
        return {name: wide(value) for name, value in self.build().items()}

    def norm_sq(self) -> Tensor:
        return sum_of([value.flatten(1).square().sum(1) for value in self.parts.values()])

    def dot(self, direction: Direction) -> Tensor:
        found = []
        for name, value in self.parts.items():
            flat = value.flatten(1)
            known = name in direction.parts
            found.append(
                flat @ (direction.dense(name).to(flat.dtype).flatten() if known else flat.new_zeros(flat.shape[1]))
            )
        return sum_of(found)

    def sketch(self, sketching: Sketching) -> Tensor:
        return sketched(self.layer, self.parts, sketching)

    def built(self) -> dict[str, Tensor]:
        return dict(self.parts)

    def total(self, alpha: Tensor | None) -> dict[str, Tensor]:
        if alpha is None:
            return dict(self.exact())
        return {n: (alpha.to(v.dtype) @ v.flatten(1)).view(v.shape[1:]) for n, v in self.parts.items()}


def sum_of(values: list[Tensor]) -> Tensor:
    out = values[0]
    for value in values[1:]:
        out = out + value
    return out
