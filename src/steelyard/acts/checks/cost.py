"""What a run will take on this machine: seconds and memory, from one table of constants."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from steelyard.acts.checks.looked import Findings, Looked
from steelyard.machine import memory_left
from steelyard.values.levels import MANY_GRADES

#: Recalibrate here, and only here, with benchmarks/speed.py. Seconds are those of one core; bytes of all processes.
#: Measured on home_depot (74,067 and 2 million rows), crowdflower_search, qbqtc_zh and banking77; good to a factor of
#: about 1.5 where the machine is like ours.
QUICK = {
    "start_s": 3.0,
    "row_s": 1.1e-4,  # a row encoded, predicted, explained
    "character_s": 2.1e-6,
    "tree_s": 4.5e-5,  # a row and output of one fit of the trees
    "linear_character_s": 1.2e-6,  # a row of one training of the linear model
    "linear_output_s": 5.0e-6,
    "start_bytes": 600e6,
    "row_bytes": 100.0,
    "character_bytes": 7.0,
    "learner_bytes": 7000.0,
    "other_core": 0.75,
}
LEARN_FROM = 200_000  # as in acts.passes: rows that a model learns from at most
FITS, REFITS = 5, 10  # folds; two repairs of five folds
COPIES = 2.5  # labels that a repaired label names, on average


@dataclass(frozen=True)
class Load:
    """What a table asks of the quick tier. characters: mean length of a row's text; outputs: of the models."""

    rows: int
    characters: float
    outputs: int = 1
    trees: bool = True

    @classmethod
    def of(cls, looked: Looked) -> Load:
        """Return the load of a table: two labels and many grades are one output, classes and few grades one each."""
        scale, samples = looked.samples.scale, looked.samples
        one = len(scale) <= 2 or (scale.ordered and len(scale) >= MANY_GRADES)
        trees = samples.task == "relevance" or samples.numeric is not None
        return cls(len(samples), mean_characters(looked), 1 if one else len(scale), trees)


@dataclass(frozen=True)
class Machine:
    """cores: usable ones; memory: bytes free for this process; torch: whether it is installed."""

    cores: int
    memory: float
    torch: bool

    @classmethod
    def here(cls) -> Machine:
        """Return this machine, within the limits of its container."""
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        return cls(cores, memory_left(), find_spec("torch") is not None)


def quick_cost(load: Load, machine: Machine) -> dict[str, Any]:
    """Return seconds, rows_per_second and memory_bytes of the quick tier. Memory hardly grows with the cores."""
    learners = min(load.rows, LEARN_FROM)
    each = QUICK["row_s"] + QUICK["character_s"] * load.characters
    trainings = 1 if load.trees else 1 + REFITS / FITS
    linear = trainings * (QUICK["linear_character_s"] * load.characters + QUICK["linear_output_s"] * load.outputs)
    fits = FITS + REFITS * (COPIES if load.outputs > 1 else 1.0) if load.trees else 0.0
    work = load.rows * each + learners * (linear + QUICK["tree_s"] * fits * load.outputs)
    work /= 1 + QUICK["other_core"] * (machine.cores - 1)
    bytes_each = QUICK["row_bytes"] + QUICK["character_bytes"] * load.characters
    memory = QUICK["start_bytes"] + load.rows * bytes_each + learners * QUICK["learner_bytes"]
    return {
        "seconds": round(QUICK["start_s"] + work, 1),
        "rows_per_second": round(load.rows / work) if work else 0,
        "memory_bytes": round(memory),
        "cores": machine.cores,
    }


#: The packaged MiniLM in float32, tokens a second and core (a larger model is slower in proportion
#: to its parameters). Folds and epochs are the defaults of the full tier. Good to a factor of two on a quiet machine.
READ_TOKENS, LEARN_TOKENS = 2900.0, 1150.0
DEEP_FOLDS, DEEP_EPOCHS, MOST_TOKENS, DEEP_BYTES = 3, 3, 128, 1.5e9


def deep_costs(load: Load, machine: Machine, quick: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the costs of the embed and full tiers with MiniLM, which come on top of the quick tier's."""
    tokens = load.rows * min(load.characters / 4 + 4, MOST_TOKENS)
    speed = 1 + QUICK["other_core"] * (machine.cores - 1)
    learned = tokens * DEEP_EPOCHS * (DEEP_FOLDS - 1) / LEARN_TOKENS
    times = 1 + DEEP_EPOCHS + 2  # for vectors, after every epoch, and gradients twice as dear as reading
    read = tokens * times / READ_TOKENS
    seconds = {"embed": tokens / READ_TOKENS / speed, "full": (learned + read) / speed}
    return {
        tier: {
            "seconds": round(quick["seconds"] + work, 1),
            "rows_per_second": round(load.rows / work) if work else 0,
            "memory_bytes": round(quick["memory_bytes"] + DEEP_BYTES),
            "cores": machine.cores,
        }
        for tier, work in seconds.items()
    }


def mean_characters(looked: Looked) -> float:
    """Return the mean number of UTF-8 bytes of the text columns of a row."""
    import pyarrow as pa
    import pyarrow.compute as pc

    total = 0
    for name in ("query", "title", "description", "brand", "category", "text"):
        if looked.samples.has(name):
            column = looked.samples.table[name]
            if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
                total += pc.sum(pc.binary_length(column)).as_py() or 0
    return total / max(1, len(looked.samples))


def check_cost(looked: Looked, machine: Machine, cost: dict[str, Any]) -> Findings:
    """Say the time of the quick tier; E220 where its memory is short."""
    needed, free = cost["memory_bytes"] / 1e9, machine.memory / 1e9
    rows = len(looked.samples)
    if needed > free:
        fits = max(1000, int(rows * max(0.0, free - 0.4) / max(needed - 0.4, 1e-9) * 0.8) // 1000 * 1000)
        yield looked.finding("E220", "error", count=rows, needed=needed, free=free, fits=min(fits, rows))
    minutes = cost["seconds"] / 60
    yield looked.finding(
        "E222.ok", "ok", count=rows, cores=machine.cores, minutes=minutes, rate=cost["rows_per_second"], needed=needed
    )
    if not machine.torch:
        yield looked.finding("E223", "note")
