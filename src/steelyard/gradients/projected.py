"""Projected: a direction as the sketches of its layers; a product with it is one of two sketches.

    E <S_i, S_V> = <g_i, V>

Unbiased whatever V is, where a direction of rank r leaves out what r factors cannot hold; but noisy, by about
|g_i| |V| / k a layer. Where sketches are asked anyway it is free, and sketches that were kept meet a V of later.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from steelyard.gradients.gradient import Layer
from steelyard.gradients.sketching import Sketching


@dataclass(frozen=True)
class Projected:
    """sketches: (k, k) by the name of the layer, what it lacks counts as zero; made by ``Direction.sketched``."""

    sketching: Sketching
    sketches: Mapping[str, Tensor]

    def products(self, sketches: Tensor, layers: Sequence[Layer]) -> Tensor:
        """Return (n, layers), of ``Step.sketch`` (n, layers, k, k) with the same sketching."""
        k = self.sketching.k
        own = [self.sketches.get(layer.name, sketches.new_zeros(k, k)) for layer in layers]
        return torch.einsum("nlij,lij->nl", sketches, torch.stack(own).to(sketches))
