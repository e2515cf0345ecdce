"""The network of SASRec: causal self-attention over the items of a user in the order of time."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Attention(nn.Module):
    """Items (b, t) -> states (b, t, d), where state t has seen the items 0..t; relevance is state times item vector.

    items: m; the code m stands before the first item of a user. length: the most items a user has. Randomness comes
    from ``source`` alone. Source: Kang and McAuley 2018, section III; norms before the blocks, as in GPT-2.
    """

    def __init__(self, items: int, width: int, length: int, blocks: int, heads: int, dropout: float, seed: int) -> None:
        super().__init__()
        self.source = torch.Generator().manual_seed(seed)
        self.items, self.heads, self.dropout = items, heads, dropout
        self.item = nn.Parameter(self._drawn(items + 1, width))
        self.place = nn.Parameter(self._drawn(length, width))
        self.blocks = nn.ModuleList(Block(self, width) for _ in range(blocks))
        self.norm = Norm(width)

    def _drawn(self, *shape: int) -> Tensor:
        return 0.02 * torch.randn(*shape, generator=self.source)

    def dropped(self, x: Tensor) -> Tensor:
        """Return x with entries dropped while training."""
        if not self.training or self.dropout == 0:
            return x
        kept = torch.rand(x.shape, generator=self.source) >= self.dropout
        return x * kept / (1 - self.dropout)

    def forward(self, items: Tensor) -> Tensor:
        x = self.dropped(self.item[items] + self.place[: items.shape[1]])
        for block in self.blocks:
            x = block(self, x)
        return self.norm(x)


class Block(nn.Module):
    """Attention, then two layers at each place, both added to what came in."""

    def __init__(self, network: Attention, width: int) -> None:
        super().__init__()
        self.before_attention, self.before_layers = Norm(width), Norm(width)
        self.asking = nn.Parameter(network._drawn(width, 3 * width))
        self.answer = nn.Parameter(network._drawn(width, width))
        self.wider = nn.Parameter(network._drawn(width, 4 * width))
        self.narrower = nn.Parameter(network._drawn(4 * width, width))

    def forward(self, network: Attention, x: Tensor) -> Tensor:
        b, t, d = x.shape
        parts = (self.before_attention(x) @ self.asking).view(b, t, 3, network.heads, d // network.heads)
        q, k, v = parts.permute(2, 0, 3, 1, 4)
        seen = F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).reshape(b, t, d)
        x = x + network.dropped(seen @ self.answer)
        return x + network.dropped(F.gelu(self.before_layers(x) @ self.wider) @ self.narrower)


class Norm(nn.Module):
    """Layer norm over the last axis."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.size = nn.Parameter(torch.ones(width))
        self.shift = nn.Parameter(torch.zeros(width))

    def forward(self, x: Tensor) -> Tensor:
        return F.layer_norm(x, x.shape[-1:], self.size, self.shift)
