"""Builders that the training tests share."""

from __future__ import annotations

from typing import Any

import numpy as np

import steelyard as sy
from steelyard import parts
from steelyard.acts import batching
from steelyard.acts.finetuning import train
from steelyard.acts.ledger import Ledger
from steelyard.acts.weighing import Stages, Weighing
from steelyard.testing.networks import WORDS
from steelyard.values.recipe import Recipe
from steelyard.values.samples import Samples


def texts(n: int = 48, classes: int = 3, seed: int = 0) -> Samples:
    """Return n short texts whose class is that of their first word."""
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(n):
        c = i % classes
        rest = rng.choice(WORDS[classes:], int(rng.integers(1, 9)))
        rows.append({"text": " ".join([WORDS[c], *rest, "abcdefghij"[i % 10]]), "label": f"c{c}"})
    return sy.read(rows, task="classification")


def pairs(queries: int = 10, each: int = 4, seed: int = 0) -> Samples:
    """Return query-product rows: grade 2 repeats the query, 1 half of it, 0 nothing."""
    rng = np.random.default_rng(seed)
    rows = []
    for q in range(queries):
        a, b = rng.choice(WORDS, 2, replace=False)
        for i in range(each):
            grade = int(rng.integers(0, 3)) if i > 1 else 2 * i
            title = [[str(rng.choice(WORDS))], [a], [a, b]][grade]
            rows.append({"query_id": f"q{q}", "query": f"{a} {b}", "title": " ".join([*title, "abcdefghij"[i]]),
                         "label": grade})  # fmt: skip
    return sy.read(rows, task="relevance")


def sentences(n: int = 24, seed: int = 0) -> Samples:
    """Return tagged queries, BIO: brands are tagged."""
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(n):
        words = [str(w) for w in rng.choice(WORDS, int(rng.integers(2, 7)))] + ["abcdefghij"[i % 10]]
        tags = ["B-brand" if w in ("nike", "adidas", "puma") else "B-color" if w in ("red", "blue") else "O"
                for w in words]  # fmt: skip
        rows.append({"tokens": words, "tags": tags})
    return sy.read(rows, task="tagging")


RECIPE = Recipe(epochs=2, batch_size=8, learning_rate=2e-3, seed=5)
NEVER = Stages(warm=0.0, frozen=1.1)


class Setup:
    """A training ready to go: samples encoded, batches planned, a learner with seeded weights."""

    def __init__(
        self, path: str, samples: Samples, task: Any, recipe: Recipe = RECIPE, *, double: bool = False, **model: Any
    ) -> None:
        part = parts.make("models", "transformer", pretrained=path, **model)
        self.part, self.samples, self.task, self.recipe = part, samples, task, recipe
        self.encoded = task.encode(samples, part.tokenizer())
        group = self.encoded.group if task.unit == "query" else None
        self.batches = batching.plan(
            self.encoded.rows, self.encoded.length, group, recipe.epochs, recipe.batch_size, recipe.seed
        )
        self.learner = part.learner(task, self.encoded, task.outputs(samples), recipe, len(self.batches))
        if double:
            self.learner.module.double()
            self.learner.dtype = self.learner.trained[next(iter(self.learner.trained))].dtype
        self.ledger = Ledger(len(samples), recipe.epochs)

    def run(self, alpha: str = "uniform", stages: Stages = NEVER, stop_after: int | None = None, **how: Any) -> list:
        own = {k: how.pop(k) for k in ("fixed", "shuffled", "prior") if k in how}
        weighing = Weighing(len(self.samples), parts.make("alphas", alpha), stages=stages, seed=1, **own)
        out = []
        for step in train(self.learner, self.batches, weighing, self.ledger, self.recipe, self.samples.row_key, **how):
            out.append(step)
            if stop_after is not None and len(out) == stop_after:
                break
        return out

    def weights(self) -> dict[str, Any]:
        return self.learner.snapshot()


def without_rule(module: Any) -> Any:
    """Put a parameter into a network's pooler that no gradient rule covers."""
    import torch

    class Scaled(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = torch.nn.Parameter(torch.ones(32))

        def forward(self, x: Any) -> Any:
            return torch.tanh(x * self.scale)

    module.bert.pooler.activation = Scaled()
    return module


def with_leak(module: Any) -> Any:
    """Let a network's pooler use the weight of its layer once more, where no rule sees it; what it says is the same."""
    import torch

    dense = module.bert.pooler.dense

    class Twice(torch.nn.Module):
        def forward(self, x: Any) -> Any:
            return torch.tanh(x + 0.0 * dense.weight.sum())

    module.bert.pooler.activation = Twice()
    return module


def same(a: dict[str, Any], b: dict[str, Any]) -> bool:
    """Whether two sets of weights agree bit for bit."""
    import torch

    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


def apart(a: dict[str, Any], b: dict[str, Any]) -> float:
    """Return the largest difference of two sets of weights."""
    return max(float((a[k] - b[k]).abs().max()) for k in a)
