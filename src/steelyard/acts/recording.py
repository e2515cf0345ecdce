"""Recording: run both models over a table, let every estimator read, flag, give reasons, find slices."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from steelyard.acts import estimating, reasons, scoring
from steelyard.acts.aligning import OF_SLICES, whole_slices
from steelyard.acts.banding import slice_columns
from steelyard.acts.calibrating import REVIEWED, calibrate
from steelyard.acts.checks.labels import unseen_clicks
from steelyard.acts.disagreeing import carriers
from steelyard.acts.gathering import gather
from steelyard.acts.intervals import share
from steelyard.acts.marking import named
from steelyard.acts.neighbouring import neighbour_labels
from steelyard.acts.planting import planted
from steelyard.acts.reviewing import by_chance, judged
from steelyard.acts.slicing import Benefit, categories, slices
from steelyard.acts.stages import Keep, Progress
from steelyard.acts.suggesting import expected
from steelyard.features import duplicates
from steelyard.features.personal import mask
from steelyard.features.table import Table
from steelyard.values.arrays import AnyArray
from steelyard.values.readings import Readings
from steelyard.values.samples import Samples
from steelyard.values.signals import Signals
from steelyard.values.slices import ENDS, WHOM

#: What training itself showed of a row, where a network was trained (see ``acts.ledger``), and the loss of a blind one.
SEEN = ("aum", "forgetting_seen", "loss_seen", "loss_unseen")
#: What a deeper tier adds: signals in, signals and facts of the run out.
Deepen = Callable[[dict[str, AnyArray]], tuple[dict[str, AnyArray], dict[str, Any]]]

WORST = 1000  # most suspicious rows that have a reason, flagged or not


@dataclass(frozen=True)
class Recorded:
    """The result of scoring: scores (one row a sample, no text), readings for policies, slices, facts of the run."""

    scores: pa.Table
    readings: Readings
    slices: list[dict[str, Any]]
    facts: dict[str, Any]

    def write_scores(self, path: Path) -> None:
        pq.write_table(self.scores, path, compression="zstd")


def record(
    samples: Samples,
    table: Table,
    models: Mapping[str, Any],
    estimators: Mapping[str, Any],
    *,
    seed: int,
    folds: int,
    keep: Keep,
    each: Callable,
    progress: Progress,
    deepen: Deepen | None = None,
) -> Recorded:
    """Return everything a score run writes. models: linear and boosted; estimators: by name; each: an engine.

    deepen: what a tier above quick makes of the quick signals; it gives the same signals, more, and facts.
    """
    columns = categories(slice_columns(samples), len(samples))
    # a slice of one label asks for that label by definition: it gets no reference of its own
    sliced = [np.full(len(samples), -1, np.int32) if c.name == "label" else c.code for c in columns]
    measured = scoring.measure(
        table,
        models["linear"],
        models["boosted"],
        seed=seed,
        k=folds,
        slices=np.stack(sliced, axis=1) if sliced else None,
        keep=keep,
        each=each,
        progress=progress,
    )
    of_slices = {name: measured.pop(name) for name in OF_SLICES if name in measured}
    progress("evidence", 0, 4)
    deeper: dict[str, Any] = {}
    if deepen is not None:
        measured, deeper = deepen(measured)
    if "neighbour_label" not in measured:
        taught = table.muted(measured["marked"] > 0)
        measured |= keep("neighbours", lambda: neighbour_labels(taught, seed=seed))
    progress("evidence", 1, 4)
    twins = duplicates.near_codes(samples)
    measured |= duplicates.evidence(samples, twins)
    signals = scoring.as_signals(samples.row_key, table, measured)
    readings = estimating.read_out(signals, estimators)
    silent = unseen_clicks(samples)
    if silent:
        readings = readings.with_columns(flagged=np.zeros(len(samples), bool))
    progress("evidence", 2, 4)
    codes, facts = _reasons(samples, signals, readings)
    progress("evidence", 3, 4)
    scores = _scores(samples, signals, readings, estimators, codes, facts, suggest=not silent)
    chance, calibration = _calibrated(samples, readings, seed)
    scores = scores.append_column("p_mislabel", pa.array(chance))
    own = signals.get("alignment_own")
    for i, c in enumerate(columns if own is not None else []):
        if c.name == "label":
            continue
        scores = scores.append_column(f"benefit_in_{c.name}", pa.array(own[:, i]))  # type: ignore[index]
    found = slices(
        columns,
        readings["flagged"],
        suspicion=readings["suspicion"],
        benefit=Benefit(
            readings["benefit"],
            signals["gradient_norm"],
            signals["fold"],
            whole_slices(columns, of_slices) if of_slices else {},
        ),
        row_key=samples.row_key,
    )
    progress("evidence", 4, 4)
    told = {**_facts(samples, signals, readings), "calibration": calibration or None, **deeper}
    suspicion = estimators[estimating.HEADLINE["suspicion"]]
    told["unseen_clicks"] = silent
    told["planted"] = None if silent else planted(samples, table, measured, signals, readings, suspicion, twins, seed)
    if silent:
        told["error_rate"] = None
    told["marks"] = named(samples, measured["marked"])
    told["disagreement"] = carriers(samples, signals, columns, seed)
    if told["disagreement"]["carriers"]:
        _lower(told)
    return Recorded(scores, readings, [_slice(s) for s in found[:200]], told)


def _scores(
    samples: Samples,
    signals: Signals,
    readings: Readings,
    estimators: Mapping[str, Any],
    codes: list[str | None],
    facts: list[str | None],
    suggest: bool,
) -> pa.Table:
    names = np.array(samples.scale.names, object)
    posterior = signals["posterior"]
    given = signals["given"]
    best = posterior.argmax(1) if suggest else np.where(given >= 0, given, posterior.argmax(1))
    columns: dict[str, Any] = {
        "row": np.arange(len(samples), dtype=np.int64),
        "row_key": pa.array(samples.row_key, pa.string()),
        "given": pa.array([None if g < 0 else names[g] for g in given], pa.string()),
        "suggested": pa.array(names[best], pa.string()),
        "p_suggested": posterior[np.arange(len(best)), best],
        "expected": expected(posterior, samples.scale),
    }
    columns |= {name: readings[name] for name in ("suspicion", "difficulty", "benefit", "flagged")}
    columns |= {name: readings[name] for name in estimators}
    known = np.maximum(given, 0)
    trajectory = signals["trajectory"]
    columns["confidence"] = signals["probability"][np.arange(len(given)), known]
    columns["variability"] = trajectory.std(1) if trajectory.shape[1] > 1 else np.zeros(len(given))
    columns["agreeing"], columns["contradicting"] = signals["agreeing"], signals["contradicting"]
    columns["fold"] = signals["fold"]
    columns["marked"] = signals["marked"] > 0
    columns |= {name: signals[name] for name in SEEN if name in signals}
    columns["reason"] = pa.array(codes, pa.string())
    columns["reason_facts"] = pa.array(facts, pa.string())
    return pa.table(columns)


def _reasons(samples: Samples, signals: Signals, readings: Readings) -> tuple[list[str | None], list[str | None]]:
    """Return the reason code and its facts (JSON) of flagged, contradicted and the WORST rows, None for the others."""
    codes: list[str | None] = [None] * len(samples)
    facts: list[str | None] = [None] * len(samples)
    worst = np.argsort(-np.nan_to_num(readings["suspicion"], nan=-1.0), kind="stable")[:WORST]
    telling = readings["flagged"] | (signals["contradicting"] > 0)
    telling[worst] = True
    wanted = np.flatnonzero(telling & (signals["given"] >= 0))
    for row, known in zip(wanted, gather(samples, signals, wanted, votes=_votes(signals)), strict=True):
        code, said = reasons.reason(known)
        codes[row], facts[row] = code, json.dumps(_masked(said), ensure_ascii=False, sort_keys=True)
    return codes, facts


def _masked(said: Mapping[str, Any]) -> dict[str, Any]:
    """Return a reason's facts with personal data masked: judges go by e-mail addresses, codes may be phone numbers."""
    return {k: mask(v) if isinstance(v, str) else v for k, v in said.items()}


def _votes(signals: Signals) -> AnyArray:
    """Return (n, v) the label that each model gives a row that it never saw."""
    models = [
        m for m in ("probability_network", "probability_linear", "probability_boosted", "repaired") if m in signals
    ]
    return np.stack([signals[m].argmax(1) for m in models], axis=1)


def _slice(found: Any) -> dict[str, Any]:
    return {
        "column": " & ".join(found.columns),
        "value": mask(" & ".join(found.values)),
        "n": int(found.n),
        "flagged": int(found.flagged),
        "share": float(found.share),
        "low": float(found.low),
        "high": float(found.high),
        "lift": float(found.lift) if np.isfinite(found.lift) else None,
        "q_value": float(found.q_value),
        "star": bool(found.star),
        "suspicion": found.suspicion,
        **{f"{whom}{end}": getattr(found, f"{whom}{end}") for whom in WHOM for end in ENDS},
        "example": found.row_key,
    }


def _facts(samples: Samples, signals: Signals, readings: Readings) -> dict[str, Any]:
    """Return what run.json says of the result: which model explains the labels, how many rows are flagged, rates."""
    given = signals["given"]
    known = np.flatnonzero(given >= 0)

    def loss(name: str) -> float:
        p = signals[name][known, given[known]] if name in signals else np.full(1, np.nan)
        return float(-np.log(np.maximum(p, 1e-12)).mean()) if len(p) else float("nan")

    losses = {m: loss(f"probability_{m}") for m in ("linear", "boosted", "network")}
    usable = {m: v for m, v in losses.items() if np.isfinite(v)}
    p = signals["probability"]
    return {
        "model": min(usable, key=lambda m: usable[m]) if usable else "linear",
        "blend_boosted": float(signals["blend"][0]) if len(given) else 0.0,
        "out_of_fold": {
            "log_loss": loss("probability"),
            **{f"log_loss_{m}": v for m, v in usable.items()},
            "accuracy": float(np.mean(p[known].argmax(1) == given[known])) if len(known) else None,
        },
        "labelled": len(known),
        "flagged": int(readings["flagged"].sum()),
        "contradicted": int((signals["contradicting"] > 0).sum()),
        "benefit": _benefit(readings),
        "error_rate": _error_rate(samples, readings),
        "reviewed": judged(readings["suspicion"], readings["flagged"], samples.label, samples.gold),
    }


def _benefit(readings: Readings) -> dict[str, float] | None:
    """Return the mean benefit, weighted by the gradients' lengths, and the share of rows that pull back; None without.

    The mean is what a step on all rows does for unseen queries; most rows are easy and hardly count in it.
    """
    cosine, length = readings["benefit"], readings["gradient_norm"]
    known = np.isfinite(cosine) & (length > 0)
    if not known.any():
        return None
    mean = float(np.average(cosine[known], weights=length[known]))
    return {"mean": mean, "negative": float(np.mean(cosine[known] < 0))}


def _error_rate(samples: Samples, readings: Readings) -> dict[str, Any] | None:
    """Return the share of wrong labels: from reviewed rows with their interval, else from confident learning."""
    known = samples.label >= 0
    if not known.any():
        return None
    found = by_chance(readings["suspicion"], samples.label, samples.gold)
    count, wrong = int(found.rows.sum()), int(found.wrong.sum())
    if count >= REVIEWED and found.unlike is None:
        low, high = share(wrong, count)
        return {"value": wrong / count, "low": low, "high": high, "how": "RH01", "n": count}
    return {"value": float(readings["flagged"][known].mean()), "low": None, "high": None, "how": "RH02", "n": 0}


def _lower(told: dict[str, Any]) -> None:
    """Take back what is said of the whole table where the models may have learned wrong labels (changes ``told``)."""
    if told["error_rate"] and told["error_rate"]["how"] == "RH02":
        told["error_rate"] = {**told["error_rate"], "how": "RH03"}
    if told["planted"]:
        told["planted"] = {**told["planted"], "rate": None}


def _calibrated(samples: Samples, readings: Readings, seed: int) -> tuple[AnyArray, dict[str, Any]]:
    """Return (n,) chance that the label is wrong by reviewed rows, NaN without enough of them, and its reliability."""
    found = by_chance(readings["suspicion"], samples.label, samples.gold)
    return calibrate(readings["suspicion"], found.wrong, found.rows, samples.group, seed)
