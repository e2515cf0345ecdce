"""What scoring and comparing interactions will take here: seconds and memory, from one table of constants."""

from __future__ import annotations

from typing import Any

import numpy as np

from steelyard.acts.checks.cost import Machine
from steelyard.acts.checks.looked import Findings
from steelyard.values.findings import Finding
from steelyard.values.interactions import Interactions

#: Seconds of one core with the defaults: item_knn reads, bpr is trained. Measured by processor time on generated tables
#: of 900 to 17,000 items and 12,000 to 120,000 rows; good to a factor of about two. Views and EASE use all cores.
SECONDS = {
    "start": 2.0,
    "pair": 1.0e-7,  # two items of one user, counted together once
    "place": 6.0e-8,  # an item ranked for a user
    "list": 1.6e-5,  # a user's list
    "listed": 5.0e-9,  # an item that may stand in it
    "view": 4.5e-4,  # a user's strangers
    "cube": 6.0e-11,  # of the rows of the matrix that EASE inverts
    "step": 2.5e-6,  # a row in one epoch of bpr
    "row": 2.0e-5,  # a row read, written, explained
}
FOLDS, INNER, SEEDS, EPOCHS = 5, 3, 5, 25
LOOKS, BETTER = 13, 9  # lists of the rows to stop by in one training, and of those to test on, where a look is better
ARMS = 9  # trained: uniform, four by weights, four inside the step
RANKED = 4096  # items that a place is among, at most
VIEWED = 10_000
BASE_BYTES, ROW_BYTES, PAIR_BYTES, BLOCK = 2.5e8, 400.0, 12.0, 1024


def ease_bytes(of: Interactions) -> float:
    """Return the memory of the one matrix that EASE inverts, of items or of users, whichever are fewer."""
    return 5.0 * float(min(of.n_items, len(np.unique(of.user[of.positive])))) ** 2


def check_memory(of: Interactions, machine: Machine, told: dict[str, dict[str, Any]]) -> Findings:
    """Warn where EASE cannot take part in a comparison here, and where scoring itself is short of memory."""
    facts = {"items": of.n_items, "free": machine.memory / 1e9}
    if ease_bytes(of) > machine.memory:
        yield Finding("D233", "warn", of.n_items, {**facts, "needed": ease_bytes(of) / 1e9})
    needed = told["score"]["memory_bytes"]
    if needed > machine.memory:
        yield Finding("D234", "warn", len(of), {**facts, "needed": needed / 1e9})


def tolls(of: Interactions, machine: Machine) -> dict[str, dict[str, Any]]:
    """Return by verb, ``score`` and ``compare``, seconds, rows a second, memory in bytes and cores, as tiers have them.

    compare: its default of five seeds, every arm of ``bpr``.
    """
    rows = of.take(of.positive)
    each = np.unique(rows.pair) // max(of.n_items, 1)
    size = np.bincount(each, minlength=1).astype(float)
    users, items, n = int((size > 0).sum()), of.n_items, len(rows)
    together, small = float((size**2).sum()), min(users, items)
    s = SECONDS
    read = s["pair"] * together + s["place"] * users * min(items, RANKED)
    seen = of.titles is not None and small <= VIEWED
    score = s["start"] + (FOLDS + 1) * read + s["row"] * len(of) + seen * (s["view"] * users + s["cube"] * small**3)
    lists = users * (s["list"] + s["listed"] * items)
    arm = EPOCHS * s["step"] * n + (LOOKS + BETTER) * lists
    ease = ease_bytes(of) if ease_bytes(of) <= machine.memory else 0.0
    compare = SEEDS * ((INNER + 1) * read + ARMS * arm + s["cube"] * small**3 * (ease > 0) + 3 * lists)
    held = BASE_BYTES + ROW_BYTES * len(of) + PAIR_BYTES * min(together, float(items) * items)
    blocks = 4.0 * BLOCK * items * 3
    memory = {"score": held + blocks + seen * ease_bytes(of), "compare": held + blocks + ease}
    told = {"score": score, "compare": s["start"] + compare}
    return {
        verb: {
            "seconds": round(seconds, 1),
            "rows_per_second": round(len(of) / seconds),
            "memory_bytes": round(memory[verb]),
            "cores": machine.cores,
        }
        for verb, seconds in told.items()
    }
