"""A frozen encoder: texts to unit vectors, length-sorted, no gradients."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import torch

from steelyard.parts.models._loading import read, tokenizer_of
from steelyard.parts.models._memory import Room
from steelyard.parts.models._pooled import Pooled
from steelyard.parts.tasks._encoding import side
from steelyard.values.arrays import Floats, Ints

ROWS = 64


class Encoder:
    """path: where the files lie, or a hub name. max_length: tokens read of a text, at most as many as the network
    has places for. precision: fp32 or bf16."""

    def __init__(self, path: str, device: str, max_length: int, precision: str) -> None:
        from transformers import AutoModel

        self.path, self.precision = path, precision
        self.tokenizer = tokenizer_of(path)
        self.max_length = min(max_length, int(self.tokenizer.model_max_length))
        self.module = Pooled(read(path, lambda: AutoModel.from_pretrained(path, dtype=torch.float32)))
        self.module = self.module.eval().requires_grad_(False).to(device)
        self.room = Room(ROWS, torch.device(device))

    @property
    def identity(self) -> str:
        """What must be equal for vectors to be equal: weights, length, precision."""
        config: Any = self.module.encoder.config
        weights = getattr(config, "_commit_hash", None) or _digest(Path(self.path))
        return f"{weights}-{self.max_length}-{self.precision}"

    def embed(self, texts: list[str]) -> tuple[Floats, Ints]:
        """Return (n, d) float32 vectors of length 1 in the order of the texts, and (n,) tokens cut off each."""
        ids = self.tokenizer(texts, return_attention_mask=False, return_token_type_ids=False, verbose=False)[
            "input_ids"
        ]
        lost = np.maximum(np.array([len(row) for row in ids], np.int64) - self.max_length, 0)
        over = np.flatnonzero(lost).tolist()
        if over:
            cut = self.tokenizer([texts[i] for i in over], truncation=True, max_length=self.max_length)["input_ids"]
            for i, row in zip(over, cut, strict=True):
                ids[i] = row
        whole = side(ids)
        order = np.argsort(-whole.length, kind="stable")
        found: list[Floats] = []
        device = self.room.device

        def pass_by(places: Ints) -> None:
            arrays = whole.padded(places, self.tokenizer.pad_token_id)
            vectors = self.module(**{k: torch.from_numpy(v).to(device) for k, v in arrays.items()}).logits
            found.append(vectors.float().cpu().numpy())

        bf16 = self.precision == "bf16"
        with torch.inference_mode(), torch.autocast(device.type, dtype=torch.bfloat16, enabled=bf16):
            self.room.each(order, pass_by)
        sorted_ = np.concatenate(found or [np.zeros((0, 0), np.float32)])
        out = np.empty_like(sorted_)
        out[order] = sorted_
        return out, lost


def _digest(path: Path) -> str:
    found = hashlib.blake2b(digest_size=8)
    for file in sorted([*path.glob("*.safetensors"), *path.glob("*.bin"), *path.glob("config.json")]):
        with file.open("rb") as content:
            found.update(hashlib.file_digest(content, "blake2b").digest())
    return found.hexdigest()
