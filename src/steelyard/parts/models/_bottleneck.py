"""Bottleneck adapters: two small layers behind every block's output; the identity until they have learned something."""

from __future__ import annotations

from typing import Any

import torch

from steelyard.errors import UsageError

#: How the output layers of attention and feed-forward are called: BERT and its kin, DistilBERT, GPT-2, Llama and Qwen,
#: ModernBERT.
OUTPUTS = (
    "attention.output.dense", "output.dense", "attention.out_lin", "ffn.lin2", "attn.c_proj", "mlp.c_proj",
    "self_attn.o_proj", "mlp.down_proj", "attn.Wo", "mlp.Wo",
)  # fmt: skip


class Bottleneck(torch.nn.Module):
    """y -> y + up(gelu(down(y))) behind a layer; ``up`` starts at 0. Source: Houlsby et al. 2019, fig. 2."""

    def __init__(self, inner: torch.nn.Module, size: int, width: int) -> None:
        super().__init__()
        self.inner = inner
        self.down = torch.nn.Linear(size, width)
        self.up = torch.nn.Linear(width, size)
        torch.nn.init.normal_(self.down.weight, std=0.02)
        for start in (self.down.bias, self.up.weight, self.up.bias):
            torch.nn.init.zeros_(start)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.inner(x)
        return y + self.up(torch.nn.functional.gelu(self.down(y)))


def insert(module: Any, width: int) -> None:
    """Put a bottleneck of ``width`` behind every output layer, in place. Raises UsageError U156 when none is found."""
    found = [n for n, _ in module.named_modules() if any(n == o or n.endswith(f".{o}") for o in OUTPUTS)]
    if not found:
        raise UsageError("U156", known=", ".join(OUTPUTS))
    for name in found:
        parent, _, own = name.rpartition(".")
        layer = getattr(module.get_submodule(parent), own)
        size = layer.out_features if hasattr(layer, "out_features") else layer.weight.shape[1]  # GPT-2's Conv1D
        setattr(module.get_submodule(parent), own, Bottleneck(layer, size, width))
