"""Taking: a recommender reads all positive rows; every estimator's column, reasons for the most doubted."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from steelyard.acts import doubting, viewing
from steelyard.acts.recommending import HEADLINE
from steelyard.acts.stages import Keep, Progress
from steelyard.values.arrays import Floats, Ints, Mask
from steelyard.values.interactions import Interactions
from steelyard.values.readings import Readings
from steelyard.values.signals import Signals

WORST = 1000  # most doubted rows that have a reason
#: Fewer rows whose truth is known say nothing of how right the doubt is.
LEAST_KNOWN = 50


@dataclass(frozen=True)
class Found:
    """scores: one row an interaction, NaN where it is not positive. readings: of the positive rows, for policies."""

    scores: pa.Table
    readings: Readings
    facts: dict[str, Any]


def take(
    rows: Interactions,
    model: Any,
    estimators: Mapping[str, Any],
    *,
    seed: int,
    folds: int,
    keep: Keep,
    progress: Progress,
    look: Callable[[Interactions], viewing.Views | None] | None = None,
) -> Found:
    """Return everything a score run of interactions writes. model: a Recommender part. estimators: by name.

    look: both views of the positive rows (``acts/viewing.py``), where items have texts; None where they do not fit.
    """
    positive = np.flatnonzero(rows.positive)
    learned = rows.take(positive)
    measured = doubting.measure(learned, model, k=folds, seed=seed, keep=keep, progress=progress)
    views = look(learned) if look else None
    if views:
        measured |= {"text_place": views.text_place, "others_place": views.others_place}
    signals = doubting.as_signals(learned, measured)
    columns = doubting.read_out(signals, estimators)
    names = list(columns)
    columns["suspicion"] = columns[HEADLINE]
    readings = Readings(learned.row_key, {**columns, **{c: signals[c] for c in ("user", "item", "propensity")}})
    facts = {
        "labelled": len(positive),
        "users": rows.n_users,
        "items": rows.n_items,
        "place": {"fitted": _mean_place(signals["fitted_loss"]), "held_out": _mean_place(signals["loss"])},
        "reviewed": reviewed(learned, readings, names),
        "propensity": _propensity(rows, signals["propensity"]),
    }
    if views:
        facts["views"] = viewing.counted(views)
    return Found(_scores(rows, positive, signals, readings, names), readings, facts)


def _propensity(rows: Interactions, chance: Floats) -> dict[str, Any]:
    """Return where the propensities come from, ``logged`` or ``popularity``, and their ends over the positive rows."""
    by = "popularity" if rows.propensity is None else "logged"
    return {"by": by, "least": float(chance.min(initial=1.0)), "most": float(chance.max(initial=0.0))}


def reviewed(rows: Interactions, readings: Readings, names: list[str]) -> dict[str, Any] | None:
    """Return how well each estimator finds the rows that were not truly wanted: AUC, average precision; None without.

    Needs ``gold`` (the reading option ``relevant``) with at least 50 known rows of both kinds.
    """
    if rows.gold is None or (rows.gold >= 0).sum() < LEAST_KNOWN:
        return None
    known = rows.gold >= 0
    wrong = rows.gold[known] == 0
    if wrong.all() or not wrong.any():
        return None
    found = {n: detection(wrong, readings[n][known]) for n in ("suspicion", *names)}
    return {"rows": int(known.sum()), "wrong": int(wrong.sum()), "by": found}


def detection(wrong: Mask, doubt: Floats) -> dict[str, float]:
    """Return AUC and average precision of finding ``wrong`` (n,) by ``doubt`` (n,); equal doubt in expectation."""
    from sklearn.metrics import average_precision_score, roc_auc_score

    return {"auc": float(roc_auc_score(wrong, doubt)), "ap": float(average_precision_score(wrong, doubt))}


def _scores(rows: Interactions, positive: Ints, signals: Signals, readings: Readings, names: list[str]) -> pa.Table:
    def whole(values: Floats) -> pa.Array:
        out = np.full(len(rows), np.nan)
        out[positive] = values
        return pa.array(out)

    codes, facts = _reasons(signals, readings)
    reason, told = np.full(len(rows), None, object), np.full(len(rows), None, object)
    reason[positive], told[positive] = codes, facts
    label = np.ones(len(rows), np.int8) if rows.label is None else rows.label
    return pa.table(
        {
            "row": pa.array(np.arange(len(rows))),
            "row_key": pa.array(rows.row_key, pa.string()),
            "user": pa.array(rows.user_ids[rows.user], pa.string()),
            "item": pa.array(rows.item_ids[rows.item], pa.string()),
            "value": pa.array(rows.value),
            "label": pa.array(label),
            "split": pa.array(rows.split, pa.string()),
            "suspicion": whole(readings["suspicion"]),
            **{n: whole(readings[n]) for n in names},
            "propensity": whole(readings["propensity"]),
            **_views(signals, positive, len(rows)),
            "reason": pa.array(reason, pa.string()),
            "reason_facts": pa.array(told, pa.string()),
        }
    )


def _views(signals: Signals, positive: Ints, n: int) -> dict[str, pa.Array]:
    """Return the columns of both views, none where nobody looked: two places and what they say together."""
    if "text_place" not in signals:
        return {}
    out: dict[str, pa.Array] = {}
    for name in ("text_place", "others_place"):
        whole = np.full(n, np.nan)
        whole[positive] = signals[name]
        out[name] = pa.array(whole)
    told = np.full(n, None, object)
    told[positive] = viewing.quadrant(signals["text_place"], signals["others_place"])
    return {**out, "quadrant": pa.array(told, pa.string())}


def _reasons(signals: Signals, readings: Readings) -> tuple[np.ndarray, np.ndarray]:
    """Return code and facts (JSON) of the most doubted rows: how the item stands with all who took it, and here."""
    n = signals.n
    codes, facts = np.full(n, None, object), np.full(n, None, object)
    place = np.exp(-signals["loss"])
    takers = np.bincount(signals["item"])
    mean = np.bincount(signals["item"], weights=place) / np.maximum(takers, 1)
    for row in np.argsort(-readings["suspicion"], kind="stable")[:WORST]:
        item = signals["item"][row]
        others = int(takers[item]) - 1
        codes[row] = "RI01" if others else "RI02"
        told = {"others": others, "standing": round(float(mean[item]), 4), "own": round(float(place[row]), 4)}
        facts[row] = json.dumps(told if others else {"own": told["own"]})
    return codes, facts


def _mean_place(loss: Floats) -> float:
    return float(np.exp(-loss).mean())
