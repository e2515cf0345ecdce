"""Detectors side by side on the same folds: ours, and what others read off a training or off held-out rows.

Every score is (n,), higher = more likely wrong. Its cost is what it takes, processor time of training included, over
the processor time of one training alone: what a team trains anyway. A score that reads the rows trained on (AUM,
EL2N, forgetting, self-influence) rides on that training.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from steelyard import parts
from steelyard.acts import estimating, scoring
from steelyard.acts.neighbouring import neighbour_labels
from steelyard.acts.passes import LinearPass
from steelyard.acts.stages import keep_nothing
from steelyard.acts.training import _every
from steelyard.features import duplicates
from steelyard.features.table import Table
from steelyard.parts.models._classes import one_hot
from steelyard.values.samples import Samples

EARLY = 2  # epochs after which EL2N is read, of six; Paul et al. 2021 read it early
DEFAULT, BASE = "suspicion", "out_of_fold_loss"
#: What our own estimators are called here: name of the column -> name in the tables.
OWN = {"suspicion": DEFAULT, "out_of_fold_loss": BASE, "confident_margin": "cleanlab_adjusted_margin",
       "neighbours": "neighbours", "repaired": "repaired"}  # fmt: skip


@dataclass(frozen=True)
class Found:
    """scores: name -> (n,). cost: name -> over one training. accuracy: of the held-out models, on given labels.

    beyond: name -> processor seconds beside the training.
    """

    scores: dict[str, np.ndarray]
    cost: dict[str, float]
    accuracy: float
    signals: dict[str, np.ndarray]
    beyond: Mapping[str, float] = field(default_factory=dict)


def find(
    samples: Samples, table: Table, model: str, seed: int, meaning: Any = None, deepen: Any = None, k: int = 5
) -> Found:
    """Return all scores of a table. model: linear or boosted, which one a team would train on it.

    meaning: the vectors of the embed tier, where rows are alike by them. deepen: signals -> those of the full tier.
    k: folds.
    """
    seconds: dict[str, float] = {}

    def each(function, items) -> Iterator[Any]:
        for item in items:
            with _clock(seconds, item.stage.split("-")[0]):
                done = function(item)
            yield done

    made = {m: parts.make("models", m) for m in ("linear", "boosted")}
    if model == "boosted":
        seen = _watched_trees(table, made["boosted"], seed, seconds)
        with _clock(seconds, "self"):
            linear = _watched_linear(table, made["linear"], seed, {})
    else:
        seen = linear = _watched_linear(table, made["linear"], seed, seconds)
    measured = scoring.measure(table, made["linear"], made["boosted"], seed=seed, k=k, each=each)
    if deepen is not None:
        with _clock(seconds, "network"):
            measured = deepen(measured)
    with _clock(seconds, "near"):
        measured |= _near(table, meaning, seed)
    with _clock(seconds, "twins"):
        measured |= duplicates.evidence(samples, duplicates.near_codes(samples))
    signals = scoring.as_signals(samples.row_key, table, measured)
    read = estimating.read_out(signals, parts.of_samples("estimators"))
    scores = {name: np.asarray(read[column], float) for column, name in OWN.items()}
    p, given = signals["probability"], signals["given"]
    if deepen is not None:  # what a team would read off the networks alone
        alone = measured["probability_network"][np.arange(len(given)), np.maximum(given, 0)]
        scores["network_loss"] = -np.log(np.maximum(alone, 1e-12))
    elif measured["marked"].any():  # rivals know no marks: their models are taught by every row
        p = LinearPass(table, made["linear"], measured["fold"], k, seed, None, "plain", keep_nothing).compute()[
            "probability"
        ]
        plain = estimating.read_out(
            scoring.as_signals(samples.row_key, table, {**measured, "probability": p}), parts.of_samples("estimators")
        )
        scores |= {OWN[n]: np.asarray(plain[n], float) for n in ("out_of_fold_loss", "confident_margin")}
    scores["cleanlab_normalized_margin"] = _margin(p, given)
    scores |= {
        "aum": -seen["margin"].mean(1),
        "el2n": seen["error"][:, min(EARLY, seen["error"].shape[1]) - 1],
        "forgetting": _forgetting(seen["right"]),
        "in_sample_loss": seen["loss"].mean(1),
        "self_influence": linear["squared"].sum(1),
        "shuffled": np.random.default_rng(seed).permutation(scores[DEFAULT]),
    }
    one, look = seconds["training"], seconds["look"]
    networks = seconds.get("network", 0.0)
    folds = seconds.get("linear", 0.0) + seconds.get("boosted", 0.0) + networks
    repairs = sum(v for k, v in seconds.items() if k.startswith("repair"))
    beyond = {
        DEFAULT: folds + repairs + seconds["twins"],
        "repaired": folds + repairs,
        "neighbours": seconds["near"],
        "self_influence": look if model == "linear" else seconds["self"],
        "shuffled": 0.0,
        "network_loss": networks,
    }
    beyond |= dict.fromkeys(("aum", "el2n", "forgetting", "in_sample_loss"), look)
    beside = {n: beyond.get(n, folds) for n in scores}
    cost = {n: 1.0 + v / max(one, 1e-9) for n, v in beside.items()}
    kept = {"label": given, "near": measured["neighbour_label"], "p": p, **{f"seen_{k}": v for k, v in seen.items()}}
    kept |= {
        n: signals[n] for n in ("repaired", "posterior", "trajectory", "fold", "marked", "agreeing", "contradicting")
    }
    return Found(scores, cost, float((p.argmax(1) == given).mean()), kept, beside)


class _clock:
    """Add the processor seconds of a block to a name: other work on the machine disturbs them less than wall time."""

    def __init__(self, into: dict[str, float], name: str) -> None:
        self.into, self.name = into, name

    def __enter__(self) -> None:
        self.start = time.process_time()

    def __exit__(self, *_: object) -> None:
        self.into[self.name] = self.into.get(self.name, 0.0) + time.process_time() - self.start


def _near(table: Table, meaning: Any, seed: int) -> dict[str, np.ndarray]:
    if meaning is None:
        return neighbour_labels(table, seed=seed)
    from steelyard.acts.embedding import meant_alike

    return meant_alike(meaning, table, seed=seed)


def _watched_linear(table: Table, linear: Any, seed: int, seconds: dict[str, float]) -> dict[str, np.ndarray]:
    """Train once on all rows and watch them: (n, e) margin, error, right, loss, squared gradient after each epoch."""
    x, y = table.rows(np.arange(len(table))), np.asarray(table.label)
    ones = np.ones((len(y), 1), np.float32)
    seen = []
    with _clock(seconds, "training"):
        for fitted in linear.train(x, table.targets(one_hot(y, table.classes)), ones, seed):
            with _clock(seconds, "look"):
                seen += [_look(fitted.predict(x)[:, 0], y)]
    seconds["training"] = seconds.get("training", 0.0) - seconds.get("look", 0.0)
    found = {name: np.stack([s[name] for s in seen], 1) for name in seen[0]}
    squares = np.asarray(x.multiply(x).sum(1)).ravel() + 1.0
    return {**found, "squared": squares[:, None] * 2.0 * np.square(found["error"])}


def _watched_trees(table: Table, boosted: Any, seed: int, seconds: dict[str, float]) -> dict[str, np.ndarray]:
    """Fit the trees once on all rows and watch them at STAGES points."""
    y = np.asarray(table.label)
    with _clock(seconds, "training"):
        fitted = boosted.fit(table.features, y, table.classes, seed=seed, positions=table.positions)
    with _clock(seconds, "look"):
        seen = [_look(p, y) for p in _every(fitted.staged(table.features), boosted.rounds)]
    return {name: np.stack([s[name] for s in seen], 1) for name in seen[0]}


def _look(p: np.ndarray, y: np.ndarray) -> dict[str, np.ndarray]:
    """Return what one look at probabilities (n, c) says of each row; the margin is of logits, up to a constant."""
    rows = np.arange(len(y))
    logs = np.log(np.maximum(p, 1e-12))
    own = logs[rows, y].copy()
    other = logs.copy()
    other[rows, y] = -np.inf
    square = np.square(p).sum(1) - 2 * p[rows, y] + 1.0
    return {
        "margin": own - other.max(1),
        "error": np.sqrt(np.maximum(square, 0) / 2),
        "right": (p.argmax(1) == y).astype(np.int8),
        "loss": -own,
    }


def _margin(p: np.ndarray, y: np.ndarray) -> np.ndarray:
    """cleanlab's normalized_margin, 1 - (p_given - p_best_other + 1) / 2; self_confidence orders as the loss does."""
    rows = np.arange(len(y))
    other = p.copy()
    other[rows, y] = -np.inf
    return (1.0 - p[rows, y] + other.max(1)) / 2


def _forgetting(right: np.ndarray) -> np.ndarray:
    """Toneva et al. 2019: times a row was unlearned; one more than anybody's where it was never learned."""
    events = (np.diff(right, axis=1) < 0).sum(1).astype(float)
    return np.where(right.any(1), events, right.shape[1])
