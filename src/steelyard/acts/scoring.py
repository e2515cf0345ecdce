"""Scoring, quick tier: out-of-fold passes of two small models, from which estimators read every row.

Five models each leave one fold of queries out, so that what is said of a row was learned from other queries. The
models: softmax regression on hashed text (closed-form gradients) and boosted trees on similarity features.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from steelyard.acts import marking, repairing
from steelyard.acts.estimating import chance_wrong
from steelyard.acts.folding import folds
from steelyard.acts.passes import LinearPass, TreeFold, gathered, loss_of, run, tree_folds
from steelyard.acts.stages import Keep, Progress, counted, keep_nothing, no_progress
from steelyard.features.table import Table
from steelyard.values.arrays import AnyArray, Floats, Ints
from steelyard.values.signals import Signals


def measure(
    table: Table,
    linear: Any,
    boosted: Any,
    *,
    seed: int = 0,
    k: int = 5,
    repairs: int = 2,
    slices: Ints | None = None,
    marks: bool = True,
    keep: Keep = keep_nothing,
    each: Callable = map,
    progress: Progress = no_progress,
) -> dict[str, AnyArray]:
    """Return the signals of every row of ``table``, by name (see ``steelyard.values.signals.KNOWN``).

    linear, boosted: the two Model parts. k: folds of groups. repairs: times the stronger model is refitted on what
    the previous round took for the truth. slices: (n, s) codes, see ``LinearPass``; what is found of whole slices is
    returned beside the signals, under the names of ``acts.aligning.OF_SLICES``. each: an engine; keep: a run's stages,
    shared by all processes. marks: look for words that labels came with; such rows teach no model, and their label is
    no evidence of the truth.
    """
    fold = folds(table.group, k, seed)
    passes: list[LinearPass | TreeFold] = []
    if table.text is not None:
        passes.append(LinearPass(table, linear, fold, k, seed, None, "linear", keep, slices))
    if table.features.shape[1]:
        passes += tree_folds(table, boosted, fold, k, seed, None, "boosted", keep)
    if not passes:
        raise ValueError("a table with neither text nor features cannot be scored")
    progress("models", 0, len(passes))
    done = list(counted(each, progress, "models", len(passes))(run, passes))
    signals: dict[str, AnyArray] = {"fold": fold}
    marked: Ints = np.zeros(len(table), np.int16)
    candidates: dict[str, Floats] = {}
    if table.text is not None:
        read = done.pop(0)
        if marks and table.fields is None:
            progress("marks", 0, 2)
            read, marked = _unmarked(table, linear, fold, k, seed, slices, keep, progress, read)
            progress("marks", 2, 2)
        signals |= {name: value for name, value in read.items() if name != "probability"}
        candidates["linear"] = read["probability"]
    if done:
        candidates["boosted"] = gathered(table, fold, done)
    signals["marked"], mute = marked, marked > 0
    label = table.muted(mute).label
    share = _blend(candidates, label)
    signals["blend"] = np.full(len(table), share)
    probability = _mix(candidates, share)
    signals["probability"] = probability
    for name, p in candidates.items():
        signals[f"probability_{name}"] = p
    trees = "boosted" in candidates and share >= 0.5
    level = repairing.levelled(probability, label)
    least = repairing.kept(level, label)
    matrix = repairing.confident_mixing(level, label, least)
    clean = repairing.unmixed(level, matrix).astype(np.float32)
    rounds: list[Floats] = []
    posterior = repairing.posterior(clean, label, matrix)
    errors = [_wrong(posterior, table)]
    for round_ in range(repairs):
        target = posterior.astype(np.float32)
        salt, name = seed + 100 * (round_ + 1), f"repair{round_}"
        again: list[LinearPass | TreeFold] = [LinearPass(table, linear, fold, k, salt, target, name, keep, mute=mute)]
        if trees:
            again = [*tree_folds(table, boosted, fold, k, salt, target, name, keep)]
        total = repairs * len(again)
        done = list(counted(each, progress, "repair", total, round_ * len(again))(run, again))
        clean = gathered(table, fold, done) if trees else done[0]["probability"]
        matrix = repairing.mixing(clean, label, least)
        rounds.append(clean)
        posterior = repairing.posterior(clean, label, matrix)
        errors.append(_wrong(posterior, table))
    signals["wrong_se"] = (np.std(errors, axis=0, ddof=min(1, repairs)) / np.sqrt(len(errors))).astype(np.float32)
    signals["repaired"] = repairing.pooled(rounds).astype(np.float32) if rounds else clean
    signals["latest"] = clean
    signals["posterior"] = posterior.astype(np.float32)
    return signals


def _unmarked(
    table: Table, linear: Any, fold: Ints, k: int, seed: int, slices: Ints | None, keep: Keep, progress: Progress,
    read: Mapping[str, AnyArray],
) -> tuple[Mapping[str, AnyArray], Ints]:  # fmt: skip
    """Return what the linear pass read, a second time where rows carry a mark, which then teach nothing; and (n,)
    the marks, see ``acts.marking``."""
    found = keep("marked", lambda: {"marked": marking.marked(table, linear, read["probability"], seed)})["marked"]
    if found.any():
        progress("marks", 1, 2)
        read = run(LinearPass(table, linear, fold, k, seed, None, "unmarked", keep, slices, found > 0))
    return read, found


def as_signals(row_key: AnyArray, table: Table, columns: Mapping[str, AnyArray]) -> Signals:
    """Return signals with what every estimator may ask for: given label, loss, group, grade positions."""
    n, rows = len(table), np.arange(len(table))
    p = columns["probability"]
    known = table.label >= 0
    loss = np.full(n, np.nan)
    loss[known] = -np.log(np.maximum(p[rows[known], table.label[known]], 1e-12))
    more = {
        "given": table.label.astype(np.int32),
        "group": table.group,
        "loss": loss,
        "distance": _distances(table),
    }
    defaults: dict[str, AnyArray] = {
        "learned": np.zeros((n, 1), np.int8),
        "trajectory": np.zeros((n, 1), np.float32),
        "gradient_norm": np.full(n, np.nan),
        "alignment": np.full(n, np.nan),
        "neighbour_label": np.full((n, 1), -1, np.int32),
        "marked": np.zeros(n, np.int16),
        "agreeing": np.zeros(n, np.int32),
        "contradicting": np.zeros(n, np.int32),
        "wrong_se": np.zeros(n, np.float32),
        "twin_label": table.label.astype(np.int32),
    }
    return Signals(row_key, {**defaults, **columns, **more})


def _wrong(posterior: Floats, table: Table) -> Floats:
    """Return (n,) P(another label than the given one) of one round; 0 for rows without a label."""
    return np.where(table.label >= 0, chance_wrong(posterior, _distances(table)), 0.0)


def _distances(table: Table) -> Floats:
    """Return (n, c) distance of every label from the given one: 1 apart for classes, 0..1 for grades."""
    known = np.maximum(table.label, 0)
    if table.positions is None:
        return 1.0 - np.eye(table.classes)[known]
    return np.abs(table.positions[None, :] - table.positions[known][:, None])


def _blend(candidates: Mapping[str, Floats], label: Ints) -> float:
    """Return the share of the trees in the blend, of 0, 1/4 .. 1: the one with the least out-of-fold loss."""
    if len(candidates) == 1:
        return 1.0 if "boosted" in candidates else 0.0
    shares = np.linspace(0, 1, 5)
    return float(shares[np.argmin([loss_of(_mix(candidates, s), label) for s in shares])])


def _mix(candidates: Mapping[str, Floats], share: float) -> Floats:
    if len(candidates) == 1:
        return next(iter(candidates.values()))
    return np.float32(share) * candidates["boosted"] + np.float32(1 - share) * candidates["linear"]
