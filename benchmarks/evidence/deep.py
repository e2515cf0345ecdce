"""What reading with a network takes, and the evidence of the full tier: networks fine-tuned blind to each fold."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from steelyard import parts
from steelyard.acts import batching, networking
from steelyard.acts.finetuning import train
from steelyard.acts.ledger import Ledger
from steelyard.acts.stages import keep_nothing, no_progress
from steelyard.acts.weighing import Weighing
from steelyard.features.table import Table
from steelyard.tiers import FOLDS, TASK, Deep
from steelyard.values.samples import Samples

LENGTH, PRECISION = 64, "bf16"  # tokens read, and how a frozen encoder reads them
TIMED, WARM = 10, 2  # batches that are timed, and those before them
#: The full tier as it is shipped, but for the length and vectors in bf16: three epochs of every weight of MiniLM, fp32.
DEEP = Deep(max_length=LENGTH)


def task_of(samples: Samples) -> Any:
    return parts.make("tasks", TASK[samples.task], max_length=LENGTH)


def model() -> Any:
    return parts.make("models", "transformer", pretrained=DEEP.model)


def encoder() -> Any:
    """Return the frozen encoder of the embed tier; bf16 reads in a third of the time of fp32, vectors 0.99997 alike."""
    return model().encoder(LENGTH, PRECISION)


def seconds(samples: Samples, seed: int) -> dict[str, float]:
    """Return processor seconds of one fine-tuning on all rows and of reading all texts once, from a part of them.

    One batch costs what its lengths cost, and batches are dealt by chance: ten of them stand for all.
    """
    part, task, n = model(), task_of(samples), len(samples)
    recipe = DEEP.recipe(seed)
    encoded = task.encode(samples, part.tokenizer())
    some = np.random.default_rng(seed).permutation(encoded.rows)[: (WARM + TIMED) * recipe.batch_size]
    batches = batching.plan(np.sort(some), encoded.length, None, 1, recipe.batch_size, seed)
    learner = part.learner(task, encoded, task.outputs(samples), recipe, len(batches))
    steps = train(learner, batches, Weighing(n, parts.make("alphas", "uniform")), Ledger(n, 1), recipe, samples.row_key)
    began = used = 0.0
    for step in steps:
        if step.step + 1 == WARM:
            began = time.process_time()
        used = time.process_time()
    timed = max(len(batches) - WARM, 1)
    training = (used - began) * recipe.epochs * n / (timed * recipe.batch_size)
    return {"training": round(training, 2), "reading": round(_reading(task, samples, seed), 2)}


def _reading(task: Any, samples: Samples, seed: int) -> float:
    first, second = task.texts(samples)
    every = sorted({*first, *(second or ())})
    some = [every[i] for i in np.random.default_rng(seed).permutation(len(every))[:256]]
    reads = encoder()
    reads.embed(some[:16])
    began = time.process_time()
    reads.embed(some)
    return (time.process_time() - began) * len(every) / max(len(some), 1)


def networks(
    samples: Samples, table: Table, measured: Mapping[str, Any], folder: Path, seed: int
) -> dict[str, np.ndarray]:
    """Return the signals of the full tier. measured: what the quick models said, in the full tier's folds."""
    how = networking.Networks(task_of(samples), model(), parts.make("alphas", "uniform"), DEEP.recipe(seed), folder)
    try:
        signals, _ = networking.measure(
            samples, table, measured, how, k=FOLDS["full"], keep=keep_nothing, progress=no_progress
        )
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return signals
