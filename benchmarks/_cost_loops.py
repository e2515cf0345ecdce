"""Our loop, plain and with weights inside the step; and the same training as anybody would write it by hand."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from torch import nn

from _cost_minilm import Batch, batch, lengths, losses
from steelyard import parts
from steelyard.acts.batching import Batches
from steelyard.acts.finetuning import Reference, train
from steelyard.acts.ledger import Ledger
from steelyard.acts.weighing import Prior, Weighing
from steelyard.parts.models._learner import Learner, groups
from steelyard.values.encoded import Encoded, Side
from steelyard.values.recipe import Recipe

RECIPE = Recipe(epochs=1, batch_size=32, learning_rate=1e-5)
LOOKS = parts.make("alphas", "alignment")


def by_hand(model: nn.Module, batches: list[Batch]) -> Callable[[], None]:
    model = copy.deepcopy(model)
    device = next(model.parameters()).device
    fused = device.type == "cuda" or None
    optimizer = torch.optim.AdamW(groups(dict(model.named_parameters()), RECIPE), lr=RECIPE.learning_rate, fused=fused)

    def run() -> None:
        model.train()
        for number, b in enumerate(batches):
            losses(model, tuple(t.to(device) for t in b)).mean().backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), RECIPE.clip)
            for group in optimizer.param_groups:
                group["lr"] = RECIPE.rate(number, len(batches))
            optimizer.step()
            optimizer.zero_grad()

    return run


def passes(batches: list[Batch]) -> int:
    """Return the fewest passes over the batches that hold a whole number of looks at reference rows."""
    return LOOKS.every // math.gcd(len(batches), LOOKS.every)


def ours(model: nn.Module, batches: list[Batch], alpha: str = "uniform", passes: int = 1) -> Callable[[], None]:
    """Train by our loop, armed as ``compare`` arms it: a reference and a prior of every row, where the alpha asks."""
    n = sum(len(b[0]) for b in batches)
    shown = [*batches, batch(lengths(LOOKS.look))]
    tokens = [ids[mask.bool()].numpy() for b in shown for ids, mask in zip(b[0], b[1], strict=True)]
    starts = np.cumsum([0, *(len(t) for t in tokens)])
    label = torch.cat([b[2] for b in shown]).numpy()
    rows = np.arange(len(label))
    side = Side(np.concatenate(tokens).astype(np.int32), starts)
    encoded = Encoded((side,), rows, rows, np.zeros(len(rows), bool), np.zeros(len(rows), np.int64), {"label": label})
    steps = tuple(np.split(rows[:n], np.cumsum([len(b[0]) for b in batches])[:-1]))
    planned = Batches(steps * passes, np.repeat(np.arange(passes), len(steps)))
    recipe = replace(RECIPE, batch_size=max(len(step) for step in steps))
    learner = Learner(copy.deepcopy(model), parts.make("tasks", "classification"), encoded, recipe, 0)
    part, keys = parts.make("alphas", alpha), rows.astype(str)
    margin = np.random.default_rng(0).normal(2.0, 2.0, len(rows))

    def run() -> None:
        weighing = Weighing(len(rows), part, prior=Prior(margin, 3.0))
        ledger, reference = Ledger(len(rows), passes), Reference.of(rows[n:], LOOKS)
        for _ in train(learner, planned, weighing, ledger, recipe, keys, reference=reference):
            pass

    return run
