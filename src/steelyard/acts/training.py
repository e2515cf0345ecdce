"""Training arms in lock-step: same rows, same seeds, same tuning; only weights and targets differ."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from steelyard.features.table import Table
from steelyard.values.arrays import Floats, Ints
from steelyard.values.levels import Levels

STAGES = 12  # points of training at which an arm may stop


@dataclass(frozen=True)
class Way:
    """One arm's training: weight (n,) and target (n, c), or None for the labels; early: may stop early.

    alpha: an Alpha part that decides the weights inside each step instead; shuffled: its weights on the wrong rows.
    """

    name: str
    weight: Floats
    target: Floats | None
    early: bool = True
    alpha: Any = None
    shuffled: bool = False


@dataclass(frozen=True)
class Trained:
    """What an arm predicts for the test rows, (t, c), and the rows it went through in an epoch: a copy a class of a
    soft label, and a network's looks at reference rows.

    ess: effective sample size over n of the weights it trained with; None: those of its Way.
    """

    name: str
    probability: Floats
    rows: int
    ess: float | None = None


def train_boosted(
    table: Table, ways: list[Way], train: Ints, stop: Ints, test: Ints, model: Any, seed: int, judge: Callable
) -> list[Trained]:
    """Fit the trees of every arm with one seed; each stops at its best stage by ``judge`` on the rows ``stop``."""
    out = []
    for way in ways:
        fitted = model.fit(
            table.features[train],
            table.label[train],
            table.classes,
            sample_weight=way.weight,
            target=way.target,
            seed=seed,
            positions=table.positions,
        )
        scores = [judge(p) for p in _every(fitted.staged(table.features[stop]), model.rounds)]
        best = int(np.argmax(scores)) if way.early else len(scores) - 1
        for stage, p in enumerate(_every(fitted.staged(table.features[test]), model.rounds)):
            if stage == best:
                out.append(Trained(way.name, p, fitted.rows))
                break
    return out


def train_linear(
    table: Table, ways: list[Way], train: Ints, stop: Ints, test: Ints, model: Any, seed: int, judge: Callable
) -> list[Trained]:
    """Train all arms in one pass over the rows, one column of weights an arm; each keeps its best epoch.

    Many grades are learned as one number; what grades it means is read, for every arm, off the rows to stop by.
    """
    hard = np.eye(table.classes, dtype=np.float32)[np.maximum(table.label[train], 0)]
    target = table.targets(hard)
    if any(w.target is not None for w in ways):
        target = np.stack([target if w.target is None else table.targets(w.target) for w in ways], axis=1)
    alpha = np.stack([w.weight for w in ways], axis=1).astype(np.float32)
    x, x_stop, x_test = table.rows(train), table.rows(stop), table.rows(test)
    stop_target = np.eye(table.classes)[np.maximum(table.label[stop], 0)]
    best = np.full(len(ways), -np.inf)
    kept: list[Floats] = [np.zeros(0)] * len(ways)
    for fitted in model.train(x, target, alpha, seed):
        said_stop, said_test = fitted.predict(x_stop), fitted.predict(x_test)
        for m, way in enumerate(ways):
            p_stop, p_test = said_stop[:, m], said_test[:, m]
            if table.numbered:
                levels = Levels.of(p_stop[:, 1], stop_target)
                p_stop, p_test = levels.outcome(p_stop[:, 1]), levels.outcome(p_test[:, 1])
            score = judge(p_stop) if way.early else np.inf
            if score > best[m] or not way.early:
                best[m], kept[m] = score, p_test.copy()
    return [Trained(way.name, p, int((way.weight > 0).sum())) for way, p in zip(ways, kept, strict=True)]


def train_fields(
    table: Table, ways: list[Way], train: Ints, stop: Ints, test: Ints, model: Any, seed: int, judge: Callable
) -> list[Trained]:
    """Train a click model for every arm with one seed; each keeps its best epoch by ``judge`` on the rows ``stop``."""
    assert table.fields is not None
    x, x_stop, x_test = (table.fields.take(rows) for rows in (train, stop, test))
    out = []
    for way in ways:
        best, kept = -np.inf, np.zeros(0)
        for fitted in model.epochs_of(x, table.label[train], table.classes, way.weight, way.target, seed):
            score = judge(fitted.predict(x_stop)) if way.early else np.inf
            if score > best or not way.early:
                best, kept = score, fitted.predict(x_test)
        out.append(Trained(way.name, kept, int((way.weight > 0).sum())))
    return out


def _every(stages: Any, rounds: int) -> Any:
    """Yield STAGES evenly spaced stages of ``rounds``, the last always among them."""
    marks = set(np.unique(np.linspace(1, rounds, min(STAGES, rounds)).astype(int)).tolist())
    last, kept = None, 0
    for number, p in enumerate(stages, 1):
        last = p
        if number in marks:
            kept = number
            yield p
    if last is not None and kept == 0:
        yield last
