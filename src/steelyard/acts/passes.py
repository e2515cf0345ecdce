"""Passes: one model each over a whole table, out of fold; what one process computes and keeps as a stage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from steelyard.acts.aligning import align
from steelyard.acts.folding import spread
from steelyard.acts.stages import Keep
from steelyard.features.blocks import ROWS_AT_ONCE
from steelyard.features.table import Table
from steelyard.gradients import closed_form
from steelyard.values.arrays import AnyArray, Floats, Ints, Mask
from steelyard.values.levels import Levels

LEARN_FROM = 200_000  # rows that a model learns from at most; more change little and cost much
TOGETHER = 200  # outputs of all folds' models that are computed for every row, rather than sorting rows by fold


def run(part: LinearPass | TreeFold) -> Mapping[str, AnyArray]:
    """Run one pass, in whatever process this is, and keep what it found as a stage."""
    return part.keep(part.stage, part.compute)


@dataclass(frozen=True)
class LinearPass:
    """Train k linear models in lock-step, each blind to its fold; read every row by the one that did not see it.

    target: (n, c) soft labels of a repair, or None for the labels, whose training is then read as well.
    slices: (n, s) slice of each row in each column that makes slices, -1 none: who helps whom, see ``acts.aligning``.
    mute: (n,) rows that teach nothing and are read like the others, None for none.
    """

    table: Table
    linear: Any
    fold: Ints
    k: int
    seed: int
    target: Floats | None
    stage: str
    keep: Keep
    slices: Ints | None = None
    mute: Mask | None = None

    def compute(self) -> dict[str, AnyArray]:
        table, n = self.table, len(self.table)
        taught = table if self.mute is None else table.muted(self.mute)
        learners = _learners(taught, self.seed)
        soft = _one_hot(table.label[learners], table.classes) if self.target is None else self.target[learners]
        alpha = (self.fold[learners][:, None] != np.arange(self.k)).astype(np.float32)
        right = np.zeros((n, self.linear.epochs), np.int8)
        said = np.zeros((n, self.linear.epochs), np.float32)
        best, probability, raw = np.inf, np.full((n, table.classes), 1.0 / table.classes, np.float32), None
        for epoch, fitted in enumerate(self.linear.train(table.rows(learners), table.targets(soft), alpha, self.seed)):
            if self.target is not None and epoch + 1 < self.linear.epochs:
                continue
            output = _held_out(table, fitted, self.fold)
            p = graded(taught, output, self.fold, self.k)
            right[:, epoch] = p.argmax(1) == table.label
            said[:, epoch] = p[np.arange(n), np.maximum(table.label, 0)]
            loss = loss_of(p, taught.label)
            if self.target is not None or loss < best:
                best, probability, raw = loss, p, output
        if self.target is not None or raw is None:
            return {"probability": probability}
        codes = np.empty((n, 0), np.int32) if self.slices is None else self.slices
        aligned = align(taught, _residual(taught, raw), self.fold, self.k, codes)
        if self.slices is None:
            aligned = {name: aligned[name] for name in ("gradient_norm", "alignment")}
        return {"probability": probability, "learned": right, "trajectory": said, **aligned}


def _held_out(table: Table, fitted: Any, fold: Ints) -> Floats:
    """Return (n, o) what the model blind to a row's fold says of it: probabilities of o classes, or of two ends."""
    assert table.text is not None
    _, m, o = fitted.coefficients.shape
    out = np.empty((len(table), o), np.float32)
    for start in range(0, len(table), ROWS_AT_ONCE):
        stop = min(start + ROWS_AT_ONCE, len(table))
        x, here = table.text(start, stop), fold[start:stop]
        if m * o <= TOGETHER:
            out[start:stop] = fitted.predict(x)[np.arange(stop - start), here]
            continue
        for f in np.unique(here):
            rows = np.flatnonzero(here == f)
            out[start + rows] = fitted.one(int(f)).predict(x[rows])[:, 0]
    return out


def graded(table: Table, output: Floats, fold: Ints, k: int) -> Floats:
    """Return (n, c) probabilities; a number becomes grades by the levels of the rows of the other folds."""
    if not table.numbered:
        return output
    p = np.full((len(table), table.classes), 1.0 / table.classes, np.float32)
    known = table.label >= 0
    for f in range(k):
        others, held = np.flatnonzero(known & (fold != f)), np.flatnonzero(fold == f)
        others = others[:: max(1, len(others) // LEARN_FROM)]
        if len(others) and len(held):
            soft = _one_hot(table.label[others], table.classes)
            p[held] = Levels.of(output[others, 1], soft).outcome(output[held, 1])
    return p


def _one_hot(label: Ints, classes: int) -> Floats:
    return np.eye(classes, dtype=np.float32)[label]


def _residual(table: Table, output: Floats) -> Floats:
    """Return (n, o) what the model said less what it should have said; 0 in rows without a label."""
    known = table.label >= 0
    target = np.zeros_like(output)
    target[known] = table.targets(_one_hot(table.label[known], table.classes))
    return closed_form.residual(output, target)


@dataclass(frozen=True)
class TreeFold:
    """Fit the trees without one fold and say what they make of it; table: without text, target: as for the linear."""

    table: Table
    boosted: Any
    fold: Ints
    held: int
    seed: int
    target: Floats | None
    stage: str
    keep: Keep

    def compute(self) -> dict[str, AnyArray]:
        table = self.table
        seen = np.flatnonzero(self.fold != self.held)
        seen = seen[spread(table.group[seen], LEARN_FROM, self.seed)]
        fitted = self.boosted.fit(
            table.features[seen],
            table.label[seen],
            table.classes,
            target=None if self.target is None else self.target[seen],
            seed=self.seed,
            positions=table.positions,
        )
        return {"p": fitted.predict(table.features[self.fold == self.held]).astype(np.float32)}


def tree_folds(
    table: Table, boosted: Any, fold: Ints, k: int, seed: int, target: Floats | None, name: str, keep: Keep
) -> list[TreeFold]:
    bare = replace(table, text=None)
    return [TreeFold(bare, boosted, fold, f, seed + f, target, f"{name}-{f}", keep) for f in range(k)]


def gathered(table: Table, fold: Ints, done: list[Mapping[str, AnyArray]]) -> Floats:
    """Return (n, c) out-of-fold probabilities from what was said of each fold."""
    out = np.full((len(table), table.classes), 1.0 / table.classes, np.float32)
    for f, read in enumerate(done):
        out[fold == f] = read["p"]
    return out


def _learners(table: Table, seed: int) -> Ints:
    """Return the labelled rows that the linear model learns from."""
    chosen = spread(table.group, LEARN_FROM, seed)
    return chosen[table.label[chosen] >= 0]


def loss_of(p: Floats, label: Ints) -> float:
    """Return the mean negative log probability of the given labels, nats."""
    known = np.flatnonzero(label >= 0)
    return float(-np.log(np.maximum(p[known, label[known]], 1e-12)).mean()) if len(known) else 0.0
