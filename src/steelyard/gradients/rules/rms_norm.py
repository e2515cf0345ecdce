"""RMSNorm in the variants of transformers: w x^ and (1 + w) x^. Costs a sample t d.

The module's own forward gives x^, with its weight set aside (ones or zeros in its place); the product with the weight
is ours. Which variant a class is, is measured once on a small input and not guessed from its name.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from steelyard.gradients.gradient import wide
from steelyard.gradients.rules import Rule, Seat
from steelyard.gradients.whole import Whole


class RMSNorm(Rule):
    kind = "norm"

    def __init__(self) -> None:
        self.offset: dict[type[nn.Module], float | None] = {}

    def covers(self, module: nn.Module) -> bool:
        kind = type(module)
        if not kind.__name__.endswith("RMSNorm") or [n for n, _ in module.named_parameters()] != ["weight"]:
            return False
        if kind not in self.offset:
            self.offset[kind] = _measured_offset(module)
        return self.offset[kind] is not None

    def forward(self, module: Any, seat: Seat, x: Tensor) -> Tensor:
        weight = module.weight
        offset = self.offset[type(module)] or 0.0
        normal = _without_weight(module, x, offset)
        return scaled(seat, normal, weight.detach() + offset if offset else weight.detach(), weight)


def scaled(seat: Seat, x: Tensor, scale: Tensor, parameter: Any, slope: Tensor | float = 1.0) -> Tensor:
    """Return x * scale, recording the gradient of the parameter that the scale (d,) or (1,) is made of.

    slope: the derivative of the scale with respect to the parameter.
    """
    return _Scale.apply(x, scale, seat.anchor, seat, seat.name_of(parameter), parameter.shape, slope)


class _Scale(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, scale: Tensor, anchor: Tensor, seat: Seat, name: str, shape: Any, slope: Any
    ) -> Tensor:
        ctx.save_for_backward(x, scale)
        ctx.seat, ctx.name, ctx.shape, ctx.slope = seat, name, shape, slope
        return scale * x

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        (g,) = grads
        x, scale = (v.detach() for v in ctx.saved_tensors)
        if ctx.name:
            ctx.seat.take(_whole(ctx.seat, ctx.name, ctx.shape, ctx.slope, g, x))
        return g * scale if ctx.needs_input_grad[0] else None, None, None, None, None, None, None


def _whole(seat: Seat, name: str, shape: Any, slope: Any, g: Tensor, x: Tensor) -> Whole:
    gs, xs, n = seat.by_sample(g), seat.by_sample(x), seat.n

    def build() -> dict[str, Tensor]:
        found = (wide(gs) * xs).sum(1)
        one = shape.numel() == 1
        return {name: ((found.sum(1) if one else found) * slope).view(n, *shape)}

    def exact() -> dict[str, Tensor]:
        if shape.numel() == 1:
            return {name: ((g * x).sum() * slope).view(shape)}
        return {name: ((g * x).sum(tuple(range(g.dim() - 1))) * slope).view(shape)}

    return Whole(seat.layer_of(name), build, exact)


def _without_weight(module: nn.Module, x: Tensor, offset: float) -> Tensor:
    weight: Any = module._parameters["weight"]
    module._parameters["weight"] = nn.Parameter(torch.full_like(weight, 1.0 - offset), requires_grad=False)
    try:
        return type(module).forward(module, x)
    finally:
        module._parameters["weight"] = weight


def _measured_offset(module: nn.Module) -> float | None:
    weight: Any = module._parameters["weight"]
    x = torch.linspace(-2, 3, 2 * len(weight), device=weight.device, dtype=weight.dtype).view(1, 2, -1)
    odd = nn.Parameter(torch.linspace(0.3, 1.7, len(weight), device=weight.device, dtype=weight.dtype))
    with torch.no_grad():
        for offset in (0.0, 1.0):
            normal = _without_weight(module, x, offset)
            module._parameters["weight"] = odd
            try:
                same = torch.allclose(type(module).forward(module, x), normal * (odd + offset), rtol=1e-3, atol=1e-4)
            finally:
                module._parameters["weight"] = weight
            if same and float(normal.square().mean() - 1) < 0.1:
                return offset
    return None
