"""Recipe: how a model is trained, apart from what it is and what it reads."""

from __future__ import annotations

import math
from dataclasses import dataclass

from steelyard.errors import UsageError

SCHEDULES = ("linear", "cosine", "constant")
PRECISIONS = ("fp32", "bf16")


@dataclass(frozen=True)
class Recipe:
    """One training: theta <- theta - learning_rate * mean(alpha_i g_i), by AdamW.

    batch_size: rows a step. micro_batch: rows that pass through the network at once, at most; smaller ones need less
    memory and change nothing else. warmup: share of the steps in which the rate rises. schedule: linear, cosine or
    constant. head_rate: the new head's rate over that of the pretrained weights; it starts at random, so that short
    trainings want more, such as 10. clip: greatest length of the step's gradient, 0 = never clipped. patience: epochs
    without a better value on the rows to stop by before training ends, 0 = all epochs; the best one is kept.
    precision: fp32, or bf16 (autocast; losses and sums stay fp32). Raises UsageError U150 for a value out of range.
    """

    epochs: int = 3
    batch_size: int = 32
    micro_batch: int | None = None
    learning_rate: float = 1e-4
    warmup: float = 0.06
    schedule: str = "linear"
    head_rate: float = 1.0
    weight_decay: float = 0.01
    clip: float = 1.0
    patience: int = 0
    precision: str = "fp32"
    seed: int = 7

    def __post_init__(self) -> None:
        ranges = {
            "epochs": (self.epochs >= 1, "1, 2, 3 ..."),
            "batch_size": (self.batch_size >= 1, "1, 2, 3 ..."),
            "micro_batch": (self.micro_batch is None or self.micro_batch >= 1, "1, 2, 3 ..."),
            "learning_rate": (self.learning_rate > 0, "above 0, such as 1e-4"),
            "warmup": (0 <= self.warmup < 1, "0 to below 1"),
            "schedule": (self.schedule in SCHEDULES, ", ".join(SCHEDULES)),
            "head_rate": (self.head_rate > 0, "above 0, such as 10"),
            "weight_decay": (self.weight_decay >= 0, "0 or more"),
            "clip": (self.clip >= 0, "0 or more"),
            "patience": (self.patience >= 0, "0, 1, 2 ..."),
            "precision": (self.precision in PRECISIONS, ", ".join(PRECISIONS)),
        }
        for option, (fits, known) in ranges.items():
            if not fits:
                raise UsageError("U150", option=option, value=str(getattr(self, option)), known=known)

    def rate(self, step: int, total: int) -> float:
        """Return the learning rate of step 0..total-1: it rises to the full rate, then follows the schedule to 0."""
        rising = math.ceil(self.warmup * total)
        if step < rising:
            return self.learning_rate * (step + 1) / (rising + 1)
        left = (total - step) / max(total - rising, 1)
        shape = {"linear": left, "cosine": 0.5 - 0.5 * math.cos(math.pi * left), "constant": 1.0}
        return self.learning_rate * shape[self.schedule]
