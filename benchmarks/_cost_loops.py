"""Our loop's plain step, and the same training as anybody would write it: AdamW, clipping, a schedule."""

from __future__ import annotations

import copy
from collections.abc import Callable

import numpy as np
import torch
from torch import nn

from _cost_minilm import Batch, losses
from steelyard import parts
from steelyard.acts.batching import Batches
from steelyard.acts.finetuning import train
from steelyard.acts.ledger import Ledger
from steelyard.acts.weighing import Weighing
from steelyard.parts.models._learner import Learner, groups
from steelyard.values.encoded import Encoded, Side
from steelyard.values.recipe import Recipe

RECIPE = Recipe(epochs=1, batch_size=32, learning_rate=1e-5)


def by_hand(model: nn.Module, batches: list[Batch]) -> Callable[[], None]:
    model = copy.deepcopy(model)
    optimizer = torch.optim.AdamW(groups(dict(model.named_parameters()), RECIPE), lr=RECIPE.learning_rate)

    def run() -> None:
        model.train()
        for number, b in enumerate(batches):
            losses(model, b).mean().backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), RECIPE.clip)
            for group in optimizer.param_groups:
                group["lr"] = RECIPE.rate(number, len(batches))
            optimizer.step()
            optimizer.zero_grad()

    return run


def ours(model: nn.Module, batches: list[Batch]) -> Callable[[], None]:
    tokens = [ids[mask.bool()].numpy() for b in batches for ids, mask in zip(b[0], b[1], strict=True)]
    starts = np.cumsum([0, *(len(t) for t in tokens)])
    label = torch.cat([b[2] for b in batches]).numpy()
    n, rows = len(label), np.arange(len(label))
    side = Side(np.concatenate(tokens).astype(np.int32), starts)
    encoded = Encoded((side,), rows, rows, np.zeros(n, bool), np.zeros(n, np.int64), {"label": label})
    steps = tuple(np.split(rows, np.cumsum([len(b[0]) for b in batches])[:-1]))
    planned = Batches(steps, np.zeros(len(steps), np.int64))
    learner = Learner(copy.deepcopy(model), parts.make("tasks", "classification"), encoded, RECIPE, 0)
    keys = rows.astype(str)

    def run() -> None:
        weighing = Weighing(n, parts.make("alphas", "uniform"))
        for _ in train(learner, planned, weighing, Ledger(n, 1), RECIPE, keys):
            pass

    return run
