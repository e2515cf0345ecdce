"""DeBERTa-v2 and v3: relative positions that all samples and all blocks share.

The model projects one table of positions (s, d) and repeats the result for every sample, which adds the samples'
gradients up before any layer sees them. Here every sample has its own view of the table (nothing is copied), so that
the gradient arrives sample by sample: n s d numbers a block. Sums are then taken in another order than the model's:
training is equal up to rounding, not bit for bit.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from steelyard.gradients.gradient import Layer, wide
from steelyard.gradients.rules import Rule, Seat
from steelyard.gradients.whole import Whole

Replacement = tuple[nn.Module, str, Callable[..., Any]]


class RelativeTable(Rule):
    """The table itself, which the encoder reads as a parameter and not through its embedding."""

    kind = "embedding"

    def covers(self, module: Any) -> bool:
        return type(module).__name__ == "DebertaV2Encoder" and module.relative_attention

    def parameters(self, module: Any) -> list[nn.Parameter]:
        return [module.rel_embeddings.weight]

    def layers(self, name: str, module: Any, names: Mapping[Any, str]) -> list[Layer]:
        weight = names[module.rel_embeddings.weight]
        return [Layer(f"{name}.rel_embeddings", (weight,), weight)]

    def replaced(self, module: Any) -> Sequence[Replacement]:
        def table(seat: Seat) -> Tensor:
            weight = module.rel_embeddings.weight
            spread = _Spread.apply(weight.detach(), seat.anchor, seat, seat.name_of(weight))
            return module.LayerNorm(spread) if "layer_norm" in module.norm_rel_ebd else spread

        return ((module, "get_rel_embedding", table),)


class RelativeAttention(Rule):
    """The attention's bias, with the positions of every sample projected apart."""

    kind = "linear"
    hollow = True

    def covers(self, module: nn.Module) -> bool:
        return type(module).__name__ == "DisentangledSelfAttention" and "deberta_v2" in type(module).__module__

    def replaced(self, module: Any) -> Sequence[Replacement]:
        def bias(seat: Seat, query: Tensor, key: Tensor, relative: Any, table: Tensor, factor: int) -> Tensor:
            return _bias(module, query, key, relative, table[:, : module.pos_ebd_size * 2], factor)

        def dropout(seat: Seat, table: Tensor) -> Tensor:
            table = table if table.dim() == 3 else table.expand(seat.n * seat.rows, -1, -1)
            if not module.training:
                return table
            return _Masked.apply(table, F.dropout(torch.ones_like(table[0]), module.pos_dropout.p, True))

        if not module.relative_attention:
            return ()
        return ((module, "disentangled_attention_bias", bias), (module.pos_dropout, "forward", dropout))


class _Spread(torch.autograd.Function):
    """A parameter (s, d) as (n, s, d), one view a sample."""

    @staticmethod
    def forward(ctx: Any, weight: Tensor, anchor: Tensor, seat: Seat, name: str) -> Tensor:
        ctx.seat, ctx.name = seat, name
        return weight.expand(seat.n * seat.rows, *weight.shape)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        (g,) = grads
        seat, name = ctx.seat, ctx.name
        by_sample = g.view(seat.n, seat.rows, *g.shape[1:])
        seat.take(Whole(seat.layer_of(name), lambda: {name: wide(by_sample).sum(1)}, lambda: {name: g.sum(0)}))
        return None, None, None, None


class _Masked(torch.autograd.Function):
    """x * mask where all samples share x and the mask."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, mask: Tensor) -> Tensor:
        ctx.save_for_backward(mask)
        return (x[:1] * mask).expand(x.shape) if x.stride(0) == 0 else x * mask

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        return grads[0] * ctx.saved_tensors[0], None


def _bias(module: Any, query: Tensor, key: Tensor, relative: Tensor, table: Tensor, factor: int) -> Tensor:
    """Do what ``disentangled_attention_bias`` does, with a table (n, s, d) in place of one (s, d) that is repeated."""
    model = sys.modules[type(module).__module__]
    heads, span = module.num_attention_heads, module.pos_ebd_size
    if relative is None:
        relative = model.build_relative_position(
            query, key, bucket_size=module.position_buckets, max_position=module.max_relative_positions
        )
    relative = relative.to(query.device, torch.long)
    while relative.dim() < 4:
        relative = relative.unsqueeze(0 if relative.dim() == 2 else 1)
    to_key, to_query = (module.key_proj, module.query_proj)
    if not module.share_att_key:
        to_key, to_query = getattr(module, "pos_key_proj", None), getattr(module, "pos_query_proj", None)
    score: Any = 0
    if "c2p" in module.pos_att_type:
        pos = module.transpose_for_scores(to_key(table), heads)  # (n heads, s, d of a head)
        at = torch.clamp(relative + span, 0, span * 2 - 1).squeeze(0)
        found = torch.bmm(query, pos.transpose(-1, -2))
        found = found.gather(-1, at.expand(query.shape[0], query.shape[1], relative.shape[-1]))
        score = score + found / model.scaled_size_sqrt(pos, factor).to(found.dtype)
    if "p2c" in module.pos_att_type:
        pos = module.transpose_for_scores(to_query(table), heads)
        back = model.build_rpos(query, key, relative, module.max_relative_positions, module.position_buckets)
        at = torch.clamp(-back + span, 0, span * 2 - 1).squeeze(0)
        found = torch.bmm(key, pos.transpose(-1, -2))
        found = found.gather(-1, at.expand(query.shape[0], key.shape[-2], key.shape[-2])).transpose(-1, -2)
        score = score + found / model.scaled_size_sqrt(pos, factor).to(found.dtype)
    return score
