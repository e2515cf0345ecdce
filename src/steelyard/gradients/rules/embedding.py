"""Embedding tables of tokens, types and positions; tied output layers are met in ``readings``. Costs: see ``rows``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from steelyard.gradients.gradient import Layer
from steelyard.gradients.rows import Rows
from steelyard.gradients.rules import Rule, Seat


class Embedding(Rule):
    kind = "embedding"

    def covers(self, module: nn.Module) -> bool:
        if not isinstance(module, nn.Embedding) or not (_is_scaled(module) or _is_plain(module)):
            return False
        return module.max_norm is None and not module.sparse and not module.scale_grad_by_freq

    def layers(self, name: str, module: Any, names: Mapping[Any, str]) -> list[Layer]:
        weight = names[module.weight]
        return [Layer(name, (weight,), weight)]

    def forward(self, module: Any, seat: Seat, input: Tensor) -> Tensor:
        layer = seat.layer_of(seat.name_of(module.weight))
        out = _Embedding.apply(module.weight.detach(), input, module.padding_idx, seat.anchor, seat, layer)
        return out * module.embed_scale.to(module.weight.dtype) if _is_scaled(module) else out


def _is_plain(module: nn.Module) -> bool:
    return type(module).forward is nn.Embedding.forward


def _is_scaled(module: nn.Module) -> bool:
    """Gemma multiplies what it reads by a constant."""
    return type(module).__name__.endswith("ScaledWordEmbedding") and hasattr(module, "embed_scale")


class _Embedding(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, weight: Tensor, ids: Tensor, padding: int | None, anchor: Tensor, seat: Seat, layer: Layer
    ) -> Tensor:
        shared = (
            seat.shared(ids.unsqueeze(-1)) and len(ids) == 1
        )  # an expanded index is read as autograd reads it, in full
        ctx.ids, ctx.padding, ctx.size, ctx.seat, ctx.layer = ids, padding, len(weight), seat, layer
        out = F.embedding(ids, weight, padding)
        return out.expand(seat.n * seat.rows, *out.shape[1:]) if shared else out

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        (g,) = grads
        seat = ctx.seat
        ids = seat.by_sample(ctx.ids.reshape(len(ctx.ids), -1, 1))[..., 0]
        seat.take(Rows(ctx.layer, ids, seat.by_sample(g), ctx.size, ctx.padding))
        return None, None, None, None, None, None
