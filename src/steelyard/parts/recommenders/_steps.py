"""The steps of a training: every row once an epoch, in an order of its own, with items drawn against it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from steelyard.parts.recommenders._negatives import Negatives
from steelyard.values.arrays import Ints
from steelyard.values.interactions import Interactions

#: Steps that an epoch has at least, where there are as many rows.
_LEAST = 40


@dataclass(frozen=True)
class Step:
    """rows: (b,) of the step. drawn: (b, c) items that their users have not met. number: from 1, over all epochs.
    progress: 0..1 of the training."""

    rows: Ints
    drawn: Ints
    number: int
    progress: float


def epochs(
    interactions: Interactions, rng: np.random.Generator, count: int, batch_size: int, each: int
) -> Iterator[tuple[int, Iterator[Step]]]:
    """Yield ``count`` epochs, each its number from 1 and its steps; order and items come from ``rng``, anew for each.

    batch_size: rows a step, at most a 40th of them. each: items drawn for a row.
    """
    n, negatives = len(interactions), Negatives(interactions)
    batch = max(1, min(batch_size, n // _LEAST + 1))
    steps = -(-n // batch)

    def of(epoch: int) -> Iterator[Step]:
        order = rng.permutation(n)
        drawn = negatives.draw(rng, order, each)
        for step in range(steps):
            own = slice(step * batch, (step + 1) * batch)
            done = epoch * steps + step
            yield Step(order[own], drawn[own], done + 1, done / (steps * count))

    return ((epoch + 1, of(epoch)) for epoch in range(count))
