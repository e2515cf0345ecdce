"""Passes: one model each over a whole table, out of fold; what one process computes and keeps as a stage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from steelyard.acts.folding import spread
from steelyard.acts.stages import Keep
from steelyard.features.blocks import ROWS_AT_ONCE
from steelyard.features.table import Table
from steelyard.gradients import closed_form
from steelyard.values.arrays import AnyArray, Floats, Ints
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
    """

    table: Table
    linear: Any
    fold: Ints
    k: int
    seed: int
    target: Floats | None
    stage: str
    keep: Keep

    def compute(self) -> dict[str, AnyArray]:
        table, n = self.table, len(self.table)
        learners = _learners(table, self.seed)
        soft = _one_hot(table.label[learners], table.classes) if self.target is None else self.target[learners]
        alpha = (self.fold[learners][:, None] != np.arange(self.k)).astype(np.float32)
        right = np.zeros((n, self.linear.epochs), np.int8)
        said = np.zeros((n, self.linear.epochs), np.float32)
        best, probability, raw = np.inf, np.full((n, table.classes), 1.0 / table.classes, np.float32), None
        for epoch, fitted in enumerate(self.linear.train(table.rows(learners), table.targets(soft), alpha, self.seed)):
            if self.target is not None and epoch + 1 < self.linear.epochs:
                continue
            output = _held_out(table, fitted, self.fold)
            p = graded(table, output, self.fold, self.k)
            right[:, epoch] = p.argmax(1) == table.label
            said[:, epoch] = p[np.arange(n), np.maximum(table.label, 0)]
            loss = loss_of(p, table.label)
            if self.target is not None or loss < best:
                best, probability, raw = loss, p, output
        if self.target is not None or raw is None:
            return {"probability": probability}
        norm, cosine = _gradients(table, raw, self.fold, self.k)
        read = {"learned": right, "trajectory": said, "gradient_norm": norm, "alignment": cosine}
        return {"probability": probability, **read}


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


def _gradients(table: Table, output: Floats, fold: Ints, k: int) -> tuple[Floats, Floats]:
    """Return (n,) gradient lengths and their cosines with the mean gradient of the other rows of the same fold.

    output: (n, o) what the model said. Both a row and its reference were unseen by the model of their fold: the cosine
    says whether a step on the row would have lowered the loss on other unseen queries.
    """
    n = len(table)
    norm, cosine = np.full(n, np.nan), np.full(n, np.nan)
    assert table.text is not None
    known = table.label >= 0
    target = np.zeros_like(output)
    target[known] = table.targets(_one_hot(table.label[known], table.classes))
    residual = closed_form.residual(output, target)
    width, o = table.text(0, 0).shape[1], output.shape[1]
    reference = np.zeros((k, width, o), np.float32) if width * o * k < 2e8 else None
    for last in (False, True):
        for start in range(0, n, ROWS_AT_ONCE):
            stop = min(start + ROWS_AT_ONCE, n)
            x = table.text(start, stop)
            for f in range(k):
                inside = (fold[start:stop] == f) & known[start:stop]
                rows = np.flatnonzero(inside)
                if not len(rows):
                    continue
                if not last and reference is not None:
                    reference[f] += closed_form.total(x, residual[start:stop] * inside[:, None])
                elif last:
                    r, part = residual[start + rows], x[rows]
                    norm[start + rows] = closed_form.norms(part, r)
                    if reference is not None:
                        cosine[start + rows] = closed_form.alignments(part, r, reference[f], counts_itself=True)
    return norm, cosine


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
