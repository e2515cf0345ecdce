"""Bottleneck adapters (Houlsby et al. 2019, arXiv 1902.00751): two small layers after a block's output layers."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Bottleneck(nn.Module):
    """x + up(gelu(down(x))) behind a layer that it wraps; up starts at zero, so that the model starts unchanged."""

    def __init__(self, layer: nn.Linear, width: int) -> None:
        super().__init__()
        place = {"device": layer.weight.device, "dtype": layer.weight.dtype}
        self.layer = layer
        self.down = nn.Linear(layer.out_features, width, **place)
        self.up = nn.Linear(width, layer.out_features, **place)
        nn.init.zeros_(self.up.weight)
        nn.init.zeros_(self.up.bias)

    def forward(self, x: Tensor) -> Tensor:
        out = self.layer(x)
        return out + self.up(F.gelu(self.down(out)))


def with_bottlenecks(model: nn.Module, width: int = 64, train: tuple[str, ...] = ("classifier", "pooler")) -> nn.Module:
    """Wrap every ``attention.output.dense`` and ``output.dense`` of ``model`` in place, and freeze the rest.

    width: of the bottleneck. train: modules whose name begins so stay trainable beside the adapters.
    Draws the first weights from torch's generator: seed it before.
    """
    for name, p in model.named_parameters():
        p.requires_grad_(any(part.startswith(train) for part in name.split(".")))
    ends = [name for name, module in model.named_modules() if name.endswith("output.dense") and _is_linear(module)]
    for name in ends:
        parent: Any = model.get_submodule(name.rpartition(".")[0])
        parent.dense = Bottleneck(parent.dense, width)
    return model


def _is_linear(module: Any) -> bool:
    return isinstance(module, nn.Linear) and torch.is_floating_point(module.weight)
