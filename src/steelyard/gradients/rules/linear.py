"""Linear layers, of torch and of GPT-2 (Conv1D, whose weight is transposed). Costs: see ``outer``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from steelyard.gradients.gradient import Layer, wide
from steelyard.gradients.outer import Outer
from steelyard.gradients.packing import Packed, Packing
from steelyard.gradients.rules import Rule, Seat
from steelyard.gradients.whole import Whole


class Linear(Rule):
    kind = "linear"

    def covers(self, module: nn.Module) -> bool:
        return type(module) is nn.Linear or _is_conv1d(module)

    def layers(self, name: str, module: Any, names: Mapping[Any, str]) -> list[Layer]:
        weight, bias = names.get(module.weight), names.get(module.bias)
        if not weight:
            return [Layer(name, (bias,))] if bias else []
        return [Layer(name, (weight, bias) if bias else (weight,), weight, bias, _is_conv1d(module))]

    def forward(self, module: Any, seat: Seat, x: Tensor) -> Tensor:
        return linear(seat, x, module.weight, module.bias, _is_conv1d(module))


def linear(seat: Seat, x: Tensor, weight: Any, bias: Any, transposed: bool = False) -> Tensor:
    """Return x W^T + b (x W + b when transposed), recording A = x and G."""
    names = seat.name_of(weight), seat.name_of(bias)
    w, b = weight.detach(), None if bias is None else bias.detach()
    device = x.device.type
    if not torch.is_autocast_enabled(device):
        return _Linear.apply(x, w, b, seat.anchor, seat, names, transposed)
    dtype = torch.get_autocast_dtype(device)
    with torch.autocast(device, enabled=False):
        b = None if b is None else b.to(dtype)
        return _Linear.apply(x.to(dtype), w.to(dtype), b, seat.anchor, seat, names, transposed)


class _Linear(torch.autograd.Function):
    """The products of autograd's own linear, shape for shape, so that every number is equal bit for bit."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        anchor: Tensor,
        seat: Seat,
        names: Any,
        transposed: bool,
    ) -> Tensor:
        shared = seat.shared(x)
        packing = None if shared else seat.packing(x)
        one = x[:1] if shared else packing.pack_once(x) if packing else x
        ctx.save_for_backward(one, weight)
        ctx.seat, ctx.names, ctx.transposed, ctx.packing, ctx.shape = seat, names, transposed, packing, x.shape
        if transposed:
            flat = one.reshape(-1, one.shape[-1])
            out = (flat.mm(weight) if bias is None else torch.addmm(bias, flat, weight)).view(*one.shape[:-1], -1)
        else:
            out = F.linear(one, weight, bias)
        if packing:
            return packing.unpack(out).view(*x.shape[:-1], -1)
        return out.expand(seat.n * seat.rows, *out.shape[1:]) if shared else out

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        (g,) = grads
        x, weight = (v.detach() for v in ctx.saved_tensors)
        packing, x, g = ctx.seat.packed(ctx.packing, x, g)
        weight_name, bias_name = ctx.names
        _record(ctx.seat, weight_name, bias_name, x, g, packing)
        dx = None
        if ctx.needs_input_grad[0]:
            flat = g.reshape(-1, g.shape[-1])
            dx = flat.mm(weight.t() if ctx.transposed else weight)
            if packing:
                dx = packing.unpack(dx)
            dx = dx.view(-1, *ctx.shape[1:])
            if len(dx) > ctx.shape[0]:
                dx = dx.sum(0, keepdim=True)
        return dx, None, None, None, None, None, None


def _record(seat: Seat, weight: str, bias: str, x: Tensor, g: Tensor, packing: Packing | None) -> None:
    if weight:
        layer = seat.layer_of(weight)
        if packing:
            seat.take(Packed(layer, packing, x, g, layer.bias == bias))
        else:
            seat.take(Outer(layer, seat.by_sample(x), seat.by_sample(g), layer.bias == bias))
    if bias and not (weight and layer.bias == bias):  # its weight is frozen, or shared with a layer of another bias
        flat = g.reshape(-1, g.shape[-1])
        by_sample = packing.aligned(g) if packing else seat.by_sample(g)
        seat.take(Whole(seat.layer_of(bias), lambda: {bias: wide(by_sample).sum(1)}, lambda: {bias: flat.sum(0)}))


def _is_conv1d(module: nn.Module) -> bool:
    return type(module).__name__ == "Conv1D" and type(module).__module__ == "transformers.pytorch_utils"
