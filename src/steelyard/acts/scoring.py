"""Scoring, quick tier: out-of-fold passes of two small models, from which estimators read every row.

Five models each leave one fold of queries out, so that what is said of a row was learned from other queries. The
models: softmax regression on hashed text (closed-form gradients) and boosted trees on similarity features.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

from steelyard.acts import repairing
from steelyard.acts.folding import folds, spread
from steelyard.gradients import closed_form
from steelyard.values.arrays import AnyArray, Floats, Ints
from steelyard.values.signals import Signals

Keep = Callable[[str, Callable[[], Mapping[str, AnyArray]]], Mapping[str, AnyArray]]
Progress = Callable[[str, int, int], None]

ROWS_AT_ONCE = 50_000
LEARN_FROM = 200_000  # rows that a model learns from at most; more change little and cost much


@dataclass(frozen=True)
class Table:
    """What the models see of samples: text rows on demand, similarity features, labels, groups.

    text: (start, stop) -> (stop - start, d) sparse rows, or None without text; features: (n, f) float32.
    label: (n,) codes, -1 none; group: (n,); classes: c; positions: (c,) places of ordered grades, or None.
    """

    text: Callable[[int, int], sp.csr_matrix] | None
    features: Floats
    label: Ints
    group: Ints
    classes: int
    positions: Floats | None

    def __len__(self) -> int:
        return len(self.label)

    def rows(self, which: Ints) -> sp.csr_matrix:
        """Return the text rows at ``which`` (rising)."""
        assert self.text is not None
        blocks = []
        for start in range(0, len(self), ROWS_AT_ONCE):
            stop = min(start + ROWS_AT_ONCE, len(self))
            inside = which[(which >= start) & (which < stop)]
            if len(inside):
                blocks.append(self.text(start, stop)[inside - start])
        return sp.vstack(blocks, format="csr") if blocks else self.text(0, 0)


def no_progress(_stage: str, _done: int, _total: int) -> None:
    """Say nothing."""


def keep_nothing(_stage: str, compute: Callable[[], Mapping[str, AnyArray]]) -> Mapping[str, AnyArray]:
    """Compute a stage and keep nothing: for work in memory."""
    return compute()


def measure(
    table: Table,
    linear: Any,
    boosted: Any,
    *,
    seed: int = 0,
    k: int = 5,
    repairs: int = 2,
    keep: Keep = keep_nothing,
    progress: Progress = no_progress,
) -> dict[str, AnyArray]:
    """Return the signals of every row of ``table``, by name (see ``steelyard.values.signals.KNOWN``).

    linear, boosted: the two Model parts. k: folds of groups. repairs: times the trees are refitted on what the
    previous round took for the truth; a round that explains the given labels worse is not used.
    """
    fold = folds(table.group, k, seed)
    signals: dict[str, AnyArray] = {"fold": fold}
    candidates: dict[str, Floats] = {}
    if table.text is not None:
        read = keep("linear", lambda: _linear(table, linear, fold, k, seed, progress))
        signals |= {name: read[name] for name in ("learned", "trajectory", "gradient_norm", "alignment")}
        candidates["linear"] = read["probability"]
    if table.features.shape[1]:
        candidates["boosted"] = _boosted(table, boosted, fold, k, seed, None, "boosted", keep, progress)
    if not candidates:
        raise ValueError("a table with neither text nor features cannot be scored")
    share = _blend(candidates, table.label)
    signals["blend"] = np.full(len(table), share)
    probability = _mix(candidates, share)
    signals["probability"] = probability
    for name, p in candidates.items():
        signals[f"probability_{name}"] = p.astype(np.float32)
    clean, matrix = _repair(table, candidates, share, linear, boosted, fold, k, seed, repairs, keep, progress)
    signals["repaired"] = clean
    signals["posterior"] = repairing.posterior(clean, table.label, matrix)
    signals["confidently_wrong"] = repairing.confidently_wrong(probability, table.label)
    return signals


def as_signals(row_key: AnyArray, table: Table, columns: Mapping[str, AnyArray]) -> Signals:
    """Return signals with what every estimator may ask for: given label, loss, group, grade positions."""
    n, rows = len(table), np.arange(len(table))
    p = columns["probability"]
    known = table.label >= 0
    loss = np.full(n, np.nan)
    loss[known] = -np.log(np.maximum(p[rows[known], table.label[known]], 1e-12))
    positions = np.eye(table.classes) if table.positions is None else table.positions[None, :]
    more = {
        "given": table.label.astype(np.int32),
        "group": table.group,
        "loss": loss,
        "distance": _distances(table, positions),
    }
    defaults: dict[str, AnyArray] = {
        "learned": np.zeros((n, 1), np.int8),
        "trajectory": np.zeros((n, 1), np.float32),
        "gradient_norm": np.full(n, np.nan),
        "alignment": np.full(n, np.nan),
        "neighbour_label": np.full((n, 1), -1, np.int32),
        "agreeing": np.zeros(n, np.int32),
        "contradicting": np.zeros(n, np.int32),
    }
    return Signals(row_key, {**defaults, **columns, **more})


def _distances(table: Table, positions: Floats) -> Floats:
    """Return (n, c) distance of every label from the given one: 1 apart for classes, 0..1 for grades."""
    known = np.maximum(table.label, 0)
    if table.positions is None:
        return 1.0 - np.eye(table.classes)[known]
    return np.abs(positions - table.positions[known][:, None])


def _linear(table: Table, linear: Any, fold: Ints, k: int, seed: int, progress: Progress) -> dict[str, AnyArray]:
    """Train k models in lock-step, each blind to its fold, and read every row by the model that did not see it."""
    n = len(table)
    learners = _learners(table, seed)
    x = table.rows(learners)
    target = np.zeros((len(learners), table.classes), np.float32)
    target[np.arange(len(learners)), table.label[learners]] = 1.0
    alpha = (fold[learners][:, None] != np.arange(k)).astype(np.float32)
    right = np.zeros((n, linear.epochs), np.int8)
    said = np.zeros((n, linear.epochs), np.float32)
    probability = np.full((n, table.classes), 1.0 / table.classes, np.float32)
    best = np.inf
    for epoch, fitted in enumerate(linear.train(x, target, alpha, seed)):
        progress("linear", epoch + 1, linear.epochs)
        p = _held_out(table, fitted, fold)
        right[:, epoch] = p.argmax(1) == table.label
        said[:, epoch] = p[np.arange(n), np.maximum(table.label, 0)]
        loss = _loss(p, table.label)
        if loss < best:
            best, probability = loss, p
    norm, cosine = _gradients(table, probability, fold, k)
    return {
        "probability": probability,
        "learned": right,
        "trajectory": said,
        "gradient_norm": norm,
        "alignment": cosine,
    }


def _held_out(table: Table, fitted: Any, fold: Ints) -> Floats:
    out = np.empty((len(table), table.classes), np.float32)
    assert table.text is not None
    for start in range(0, len(table), ROWS_AT_ONCE):
        stop = min(start + ROWS_AT_ONCE, len(table))
        x = table.text(start, stop)
        here = fold[start:stop]
        for f in np.unique(here):
            rows = np.flatnonzero(here == f)
            out[start + rows] = fitted.one(int(f)).predict(x[rows])[:, 0]
    return out


def _gradients(table: Table, probability: Floats, fold: Ints, k: int) -> tuple[Floats, Floats]:
    """Return (n,) gradient lengths and their cosines with the mean gradient of the other rows of the same fold.

    Both a row and its reference were unseen by the model of their fold: the cosine says whether a step on the row
    would have lowered the loss on other unseen queries.
    """
    n = len(table)
    norm, cosine = np.full(n, np.nan), np.full(n, np.nan)
    assert table.text is not None
    residual = closed_form.residual(probability, table.label)
    width = table.text(0, 0).shape[1]
    reference = np.zeros((k, width, table.classes), np.float32) if width * table.classes * k < 2e8 else None
    for last in (False, True):
        for start in range(0, n, ROWS_AT_ONCE):
            stop = min(start + ROWS_AT_ONCE, n)
            x = table.text(start, stop)
            for f in range(k):
                rows = np.flatnonzero((fold[start:stop] == f) & (table.label[start:stop] >= 0))
                if not len(rows):
                    continue
                r = residual[start + rows]
                if last:
                    norm[start + rows] = closed_form.norms(x[rows], r)
                    if reference is not None:
                        cosine[start + rows] = closed_form.alignments(x[rows], r, reference[f], counts_itself=True)
                elif reference is not None:
                    reference[f] += closed_form.total(x[rows], r)
    return norm, cosine


def _boosted(
    table: Table,
    boosted: Any,
    fold: Ints,
    k: int,
    seed: int,
    target: Floats | None,
    name: str,
    keep: Keep,
    progress: Progress,
) -> Floats:
    """Return (n, c) out-of-fold probabilities of the trees; each fold is a stage that can be resumed."""
    out = np.full((len(table), table.classes), 1.0 / table.classes)
    for f in range(k):
        held = np.flatnonzero(fold == f)
        if not len(held):
            continue

        def fit(f: int = f, held: Ints = held) -> dict[str, AnyArray]:
            seen = np.flatnonzero(fold != f)
            seen = seen[spread(table.group[seen], LEARN_FROM, seed + f)]
            fitted = boosted.fit(
                table.features[seen],
                table.label[seen],
                table.classes,
                target=None if target is None else target[seen],
                seed=seed + f,
                positions=table.positions,
            )
            return {"p": fitted.predict(table.features[held])}

        out[held] = keep(f"{name}-{f}", fit)["p"]
        progress(name, f + 1, k)
    return out


def _repair(
    table: Table,
    candidates: Mapping[str, Floats],
    share: float,
    linear: Any,
    boosted: Any,
    fold: Ints,
    k: int,
    seed: int,
    repairs: int,
    keep: Keep,
    progress: Progress,
) -> tuple[Floats, Floats]:
    """Return (n, c) held-out probabilities of the true label, and the (c, c) noise they imply.

    Each round fits the stronger model, out of fold, on what the round before takes for the truth.
    """
    plain = _mix(candidates, share)
    matrix = repairing.confident_mixing(plain, table.label)
    clean = repairing.unmixed(plain, matrix)
    trees = "boosted" in candidates and share >= 0.5
    for round_ in range(repairs):
        target = repairing.posterior(clean, table.label, matrix)
        salt, name = seed + 100 * (round_ + 1), f"repair{round_}"
        if trees:
            clean = _boosted(table, boosted, fold, k, salt, target, name, keep, progress)
        else:
            clean = _linear_again(table, linear, fold, k, salt, target, name, keep, progress)
        matrix = repairing.mixing(clean, table.label)
    return clean, matrix


def _linear_again(
    table: Table,
    linear: Any,
    fold: Ints,
    k: int,
    seed: int,
    target: Floats,
    name: str,
    keep: Keep,
    progress: Progress,
) -> Floats:
    """Return (n, c) held-out probabilities of the linear model trained on soft labels."""

    def fit() -> dict[str, AnyArray]:
        learners = _learners(table, seed)
        alpha = (fold[learners][:, None] != np.arange(k)).astype(np.float32)
        soft = target[learners].astype(np.float32)
        fitted = None
        for epoch, trained in enumerate(linear.train(table.rows(learners), soft, alpha, seed)):
            progress(name, epoch + 1, linear.epochs)
            fitted = trained
        return {"p": _held_out(table, fitted, fold)}

    return np.asarray(keep(name, fit)["p"], np.float64)


def _learners(table: Table, seed: int) -> Ints:
    """Return the labelled rows that the linear model learns from."""
    chosen = spread(table.group, LEARN_FROM, seed)
    return chosen[table.label[chosen] >= 0]


def _loss(p: Floats, label: Ints) -> float:
    known = np.flatnonzero(label >= 0)
    return float(-np.log(np.maximum(p[known, label[known]], 1e-12)).mean()) if len(known) else 0.0


def _blend(candidates: Mapping[str, Floats], label: Ints) -> float:
    """Return the share of the trees in the blend, of 0, 1/4 .. 1: the one with the least out-of-fold loss."""
    if len(candidates) == 1:
        return 1.0 if "boosted" in candidates else 0.0
    shares = np.linspace(0, 1, 5)
    return float(shares[np.argmin([_loss(_mix(candidates, s), label) for s in shares])])


def _mix(candidates: Mapping[str, Floats], share: float) -> Floats:
    if len(candidates) == 1:
        return np.asarray(next(iter(candidates.values())), np.float64)
    return share * candidates["boosted"] + (1 - share) * candidates["linear"]
