"""An encoder that gives each text one vector: the mean of its tokens, of length 1."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import torch
from torch.nn.functional import normalize


class Pooled(torch.nn.Module):
    """``logits`` (n, d) of unit length; padding has no part in the mean. Source: Reimers & Gurevych 2019, §3."""

    mean_pooled = True

    def __init__(self, encoder: torch.nn.Module) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, input_ids: Any, attention_mask: Any, **more: Any) -> SimpleNamespace:
        hidden = self.encoder(input_ids=input_ids, attention_mask=attention_mask, **more).last_hidden_state
        inside = attention_mask[..., None].to(hidden.dtype)
        mean = (hidden * inside).sum(1) / inside.sum(1).clamp(min=1)
        return SimpleNamespace(logits=normalize(mean if mean.dtype.itemsize > 4 else mean.float(), dim=1))

    def activation_checkpointing_enable(self, how: dict[str, Any]) -> None:
        self.encoder.activation_checkpointing_enable(how)
