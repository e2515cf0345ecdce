"""Losses of single rows, from logits and labels: unreduced, whatever reduction the model's own loss has.

n rows, t tokens, c classes. A row of tokens has the sum of its tokens' losses, and as many items; other rows one item.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional as F

from steelyard.errors import UsageError

IGNORED = -100


def items(labels: torch.Tensor, shift: bool = False) -> int:
    """Return what a batch's loss is a mean over: labelled rows, or labelled tokens."""
    if labels.is_floating_point():
        return len(labels)
    return int((labels[..., 1:] if shift and labels.ndim > 1 else labels).ne(IGNORED).sum())


def row_losses(
    logits: torch.Tensor, labels: torch.Tensor, *, shift: bool = False, smoothing: float = 0.0
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return (n,) losses, nats or squared units, and (n,) items each is a sum over; 0 where a row has no label.

    labels: (n,) classes; (n, t) classes of tokens; floats (n,) or (n, 1) to regress; floats (n, c) several at once.
    shift: tokens predict the next one. smoothing: share of label smoothing. Raises UsageError U165.
    """
    logits = logits.float()
    if labels.is_floating_point():
        return _numbers(logits, labels), torch.ones(len(labels), device=logits.device)
    logits, labels = aligned(logits, labels, shift)
    if logits.ndim == labels.ndim:
        raise UsageError("U165", reason=f"logits {tuple(logits.shape)}, labels {tuple(labels.shape)}")
    each = F.cross_entropy(
        logits.movedim(-1, 1), labels, ignore_index=IGNORED, reduction="none", label_smoothing=smoothing
    )
    known = labels.ne(IGNORED).float()
    if labels.ndim == 1:
        return each, known
    return each.sum(1), known.sum(1)


def observed(logits: torch.Tensor, labels: torch.Tensor, shift: bool = False) -> dict[str, torch.Tensor]:
    """Return (n,) each: loss, margin z_y - max z_other, confidence p_y, right, el2n |p - e_y|; means over tokens.

    NaN for rows without a label. Raises UsageError U165 for labels that are no classes.
    """
    if labels.is_floating_point():
        raise UsageError("U165", reason=f"labels are numbers, {labels.dtype}: they have no margin")
    logits, labels = aligned(logits.float(), labels, shift)
    if logits.ndim != labels.ndim + 1 or logits.shape[-1] < 2:
        raise UsageError("U165", reason=f"logits {tuple(logits.shape)}, labels {tuple(labels.shape)}")
    known = labels.ne(IGNORED)
    y = labels.masked_fill(~known, 0)[..., None]
    log_p = logits.log_softmax(-1)
    p = log_p.exp()
    own = logits.gather(-1, y).squeeze(-1)
    others = logits.scatter(-1, y, -torch.inf).amax(-1)
    p_own = p.gather(-1, y).squeeze(-1)
    seen = {
        "loss": -log_p.gather(-1, y).squeeze(-1),
        "margin": own - others,
        "confidence": p_own,
        "right": (own > others).float(),
        "el2n": (p.square().sum(-1) - 2 * p_own + 1).clamp_min(0).sqrt(),
    }
    if labels.ndim == 1:
        return {name: values.masked_fill(~known, torch.nan) for name, values in seen.items()}
    count = known.sum(1)
    means = {name: (values * known).sum(1) / count for name, values in seen.items()}
    return {**means, "right": (means["right"] == 1).float().masked_fill(count == 0, torch.nan)}


def aligned(logits: torch.Tensor, labels: torch.Tensor, shift: bool) -> tuple[torch.Tensor, torch.Tensor]:
    """Return logits and the labels they are for: those of the next token where the model predicts it."""
    if shift and labels.ndim == 2 and logits.ndim == 3:
        return logits[:, :-1], labels[:, 1:]
    return logits, labels


def logits_of(outputs: Any) -> torch.Tensor:
    """Return the logits among a model's outputs. Raises UsageError U165."""
    found = outputs.get("logits") if hasattr(outputs, "get") else getattr(outputs, "logits", None)
    if not isinstance(found, torch.Tensor):
        raise UsageError("U165", reason=f"{type(outputs).__name__} holds no logits")
    return found


def _numbers(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    if logits.ndim == 2 and logits.shape == labels.shape and logits.shape[1] > 1:
        return F.binary_cross_entropy_with_logits(logits, labels, reduction="none").mean(1)
    if logits.numel() != labels.numel():
        raise UsageError("U165", reason=f"logits {tuple(logits.shape)}, labels {tuple(labels.shape)}")
    return (logits.reshape(len(labels), -1) - labels.reshape(len(labels), -1)).square().mean(1)
