"""An encoder that gives each text one vector, the mean of its tokens, of length 1; and a head on pairs of these."""

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


class Cosine(Pooled):
    """``logits`` (n, c) of 2 n texts, each query before its product: w cosine + b.

    The head begins where a sentence encoder stands: classes in their order along the cosine, 0.5 in their middle.
    """

    steepness = 10.0

    def __init__(self, encoder: torch.nn.Module, outputs: int) -> None:
        super().__init__(encoder)
        self.score = torch.nn.Linear(1, outputs)
        place = torch.linspace(-1, 1, outputs) if outputs > 1 else torch.ones(1)
        with torch.no_grad():
            self.score.weight.copy_(self.steepness * place[:, None])
            self.score.bias.copy_(-self.steepness * place / 2)

    def forward(self, input_ids: Any, attention_mask: Any, **more: Any) -> SimpleNamespace:
        vectors = super().forward(input_ids, attention_mask, **more).logits.unflatten(0, (-1, 2))
        cosine = vectors.prod(1).sum(1, keepdim=True)
        with torch.autocast(cosine.device.type, enabled=False):  # bf16 knows a cosine to two digits
            return SimpleNamespace(logits=self.score(cosine.to(self.score.weight.dtype)))
