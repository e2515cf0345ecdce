"""LayerNorm of torch. Costs a sample t d: two passes over the gradient of the output."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from steelyard.gradients.gradient import wide
from steelyard.gradients.rules import Rule, Seat
from steelyard.gradients.whole import Whole


class LayerNorm(Rule):
    kind = "norm"

    def covers(self, module: nn.Module) -> bool:
        plain = isinstance(module, nn.LayerNorm) and type(module).forward is nn.LayerNorm.forward
        return plain and len(module.normalized_shape) == 1

    def forward(self, module: Any, seat: Seat, input: Tensor) -> Tensor:
        names = seat.name_of(module.weight), seat.name_of(module.bias)
        if input.is_cuda and torch.is_autocast_enabled("cuda"):
            input = input.float()
        w, b = (None if p is None else p.detach() for p in (module.weight, module.bias))
        return _LayerNorm.apply(input, w, b, module.normalized_shape, module.eps, seat.anchor, seat, names)


class _LayerNorm(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, w: Any, b: Any, shape: Any, eps: float, anchor: Tensor, seat: Seat, names: Any
    ) -> Tensor:
        shared = seat.shared(x)
        one = (x[:1] if shared else x).contiguous()
        out, mean, rstd = torch.native_layer_norm(one, list(shape), w, b, eps)
        ctx.save_for_backward(one, w, b, mean, rstd)
        ctx.shape, ctx.seat, ctx.names, ctx.leading = list(shape), seat, names, len(x)
        return out.expand(seat.n * seat.rows, *out.shape[1:]) if shared else out

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        g = grads[0].contiguous()
        kept: Any = [v if v is None else v.detach() for v in ctx.saved_tensors]
        x, w, b, mean, rstd = kept
        if len(x) < len(g):  # the samples share x, and each has its own gradient
            x, mean, rstd = (v.expand(len(g), *v.shape[1:]).contiguous() for v in (x, mean, rstd))
        seat, shape = ctx.seat, ctx.shape
        if any(ctx.names):
            seat.take(_whole(seat, ctx.names, g, x, mean, rstd, w, b, shape))
        dx = None
        if ctx.needs_input_grad[0]:
            backward = torch.ops.aten.native_layer_norm_backward
            dx = backward(g, x, shape, mean, rstd, w, b, [True, False, False])[0]
            if ctx.leading < len(g):
                dx = dx.sum(0, keepdim=True)
        return dx, None, None, None, None, None, None, None


def _whole(
    seat: Seat, names: Any, g: Tensor, x: Tensor, mean: Tensor, rstd: Tensor, w: Any, b: Any, shape: list[int]
) -> Whole:
    weight, bias = names
    n, gs, xs = seat.n, seat.by_sample(g), seat.by_sample(x)

    def build() -> dict[str, Tensor]:
        """sum_t g (x - mean) rstd, with the two sums over tokens as products, so that g is read and never copied."""
        grad = wide(gs)
        m, r = mean.reshape(n, 1, -1).to(grad.dtype), rstd.reshape(n, 1, -1).to(grad.dtype)
        sums = torch.cat([m * r, torch.ones_like(r)], 1) @ grad  # (n, 2, d)
        out = {bias: sums[:, 1]} if bias else {}
        if weight:
            out[weight] = (r @ (grad * xs))[:, 0] - sums[:, 0]
        return out

    def exact() -> dict[str, Tensor]:
        wanted = [False, bool(weight), bool(bias)]
        _, dw, db = torch.ops.aten.native_layer_norm_backward(g, x, shape, mean, rstd, w, b, wanted)
        return {name: value for name, value in ((weight, dw), (bias, db)) if name}

    return Whole(seat.layer_of(weight or bias), build, exact)
