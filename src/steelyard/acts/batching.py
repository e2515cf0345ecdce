"""Batches: which rows make a step. Seeded, of like length, queries whole; the same for every arm and every resume."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from steelyard.values.arrays import Ints

POOL = 50  # batches that are sorted by length together: little padding, and still another order each epoch


@dataclass(frozen=True)
class Batches:
    """All steps of a training: ``steps[i]`` are the rows of step i, ``epoch[i]`` the epoch it belongs to."""

    steps: tuple[Ints, ...]
    epoch: Ints

    def __len__(self) -> int:
        return len(self.steps)

    def ends_epoch(self, step: int) -> bool:
        return step + 1 == len(self) or bool(self.epoch[step + 1] != self.epoch[step])


def plan(rows: Ints, length: Ints, group: Ints | None, epochs: int, batch_size: int, seed: int) -> Batches:
    """Return the steps of ``epochs`` passes over ``rows`` (k,).

    length: (n,) tokens of every row. group: (n,) queries that must not be split between batches, or None; a batch
    then takes whole queries while they fit, one at least. Rows of like length share a batch.
    """
    steps: list[Ints] = []
    epoch_of: list[int] = []
    for epoch in range(epochs):
        rng = np.random.default_rng([seed, epoch])
        found = _epoch(_units(rows, group), length, batch_size, rng)
        steps += [found[i] for i in rng.permutation(len(found))]
        epoch_of += [epoch] * len(found)
    return Batches(tuple(steps), np.array(epoch_of, np.int64))


def _units(rows: Ints, group: Ints | None) -> list[Ints]:
    """Return what stays together: single rows, or the rows of a query."""
    if group is None:
        return list(rows[:, None])
    order = rows[np.argsort(group[rows], kind="stable")]
    return np.split(order, np.flatnonzero(np.diff(group[order])) + 1)


def _epoch(units: list[Ints], length: Ints, batch_size: int, rng: np.random.Generator) -> list[Ints]:
    order = rng.permutation(len(units))
    longest = np.array([length[u].max() for u in units])
    size = np.array([len(u) for u in units])
    per_pool = max(1, int(POOL * batch_size / max(float(size.mean()), 1.0))) if len(units) else 1
    batches: list[Ints] = []
    for start in range(0, len(units), per_pool):
        pool = order[start : start + per_pool]
        pool = pool[np.argsort(longest[pool], kind="stable")]
        batches += _packed([units[i] for i in pool], batch_size)
    return batches


def _packed(units: list[Ints], batch_size: int) -> list[Ints]:
    """Return units laid into batches of at most ``batch_size`` rows (a larger unit has a batch of its own)."""
    batches: list[Ints] = []
    taken: list[Ints] = []
    for unit in units:
        if taken and sum(map(len, taken)) + len(unit) > batch_size:
            batches.append(np.concatenate(taken))
            taken = []
        taken.append(unit)
    return [*batches, np.concatenate(taken)] if taken else batches
