"""The network of DeepFM: a factorisation machine and layers over the same vectors of the fields."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class DeepFmNetwork(nn.Module):
    """Codes and values (b, f) -> logits (b, c): b_c + sum of weights + pairs of fields + layers over all f vectors.

    columns: known columns; the code ``columns`` stands for one that training has not seen, and adds nothing.
    Source: Guo et al. 2017, eq. 1 to 4, with a machine for each class.
    """

    def __init__(
        self, columns: int, fields: int, classes: int, size: int, layers: tuple[int, ...], prior: Tensor, seed: int
    ) -> None:
        super().__init__()
        source = torch.Generator().manual_seed(seed)
        self.classes, self.size, self.columns = classes, size, columns
        self.intercept = nn.Parameter(prior)
        self.weight = nn.Parameter(torch.zeros(columns + 1, classes))
        self.vectors = nn.Parameter(0.02 * torch.randn(columns + 1, classes * size, generator=source))
        widths = (fields * classes * size, *layers, classes)
        self.layers = nn.ParameterList(
            torch.randn(a, b, generator=source) * (2 / a) ** 0.5 * (i < len(layers))
            for i, (a, b) in enumerate(pairwise(widths))
        )
        self.shifts = nn.ParameterList(torch.zeros(b) for b in widths[1:])

    def forward(self, code: Tensor, value: Tensor) -> Tensor:
        value = (value * (code < self.columns)).unsqueeze(2)
        vectors = F.embedding(code, self.vectors) * value  # indexing would add up in any order
        by_class = vectors.view(*code.shape, self.classes, self.size)
        pairs = 0.5 * (by_class.sum(1) ** 2 - (by_class**2).sum(1)).sum(2)
        deep = vectors.flatten(1)
        for i, (layer, shift) in enumerate(zip(self.layers, self.shifts, strict=True)):
            deep = deep @ layer + shift
            deep = torch.relu(deep) if i < len(self.layers) - 1 else deep
        return self.intercept + (F.embedding(code, self.weight) * value).sum(1) + pairs + deep
