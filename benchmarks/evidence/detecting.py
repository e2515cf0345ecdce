"""A cell of detection: how well each score finds the wrong labels of one table, over all, by class and by slice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score

from benchmarks.evidence.detectors import Found
from benchmarks.evidence.labelled import Labelled
from steelyard import parts
from steelyard.acts import scoring
from steelyard.features.table import Table

LEAST = 10  # wrong rows, and right ones, that a class or slice needs to be judged


def judged(of: Labelled, found: Found, column: str = "", network: Mapping[str, float] | None = None) -> dict[str, Any]:
    """Return the figures of every score: auc, ap, precision at 1, 5, 10% and at the true count, worst class, slice.

    Ties are in a random order, the same for all scores. network: seconds of one fine-tuning and of reading all texts
    once; then ``trainings`` is what a score takes, both included, over that fine-tuning.
    """
    wrong, n = of.wrong, len(of.wrong)
    order = np.random.default_rng(0).permutation(n)
    parts = {"class": np.asarray(of.samples.label)}
    if column:
        parts["slice"] = np.array([str(v) for v in of.samples.table[column].to_pylist()], object)
    out: dict[str, Any] = {}
    for name, score in found.scores.items():
        ranked = wrong[order[np.argsort(-score[order], kind="stable")]]
        at = {f"p@{share:.0%}": float(ranked[: max(1, round(share * n))].mean()) for share in (0.01, 0.05, 0.1)}
        out[name] = {
            "auc": float(roc_auc_score(wrong, score)),
            "ap": float(average_precision_score(wrong, score)),
            **at,
            "p@count": float(ranked[: int(wrong.sum())].mean()),
            "cost": round(found.cost[name], 3),
            **({"trainings": round(_trainings(network, found.beyond[name]), 3)} if network else {}),
            **{f"{kind}_{k}": v for kind, of_row in parts.items() for k, v in _by(of_row, wrong, score).items()},
        }
    return {"rows": n, "wrong": float(wrong.mean()), "classes": len(of.samples.scale), "accuracy": found.accuracy,
            "marked": _told(found.signals["marked"] > 0, wrong), "scores": out}  # fmt: skip


def _trainings(network: Mapping[str, float], beyond: float) -> float:
    return 1.0 + (network["reading"] + beyond) / max(network["training"], 1e-9)


def marks(of: Labelled, table: Table, seed: int) -> dict[str, Any]:
    """Return what one scoring says of words that labels came with; nothing need be wrong in the table."""
    found = scoring.measure(table, parts.make("models", "linear"), parts.make("models", "boosted"), seed=seed)
    return {"marked": _told(found["marked"] > 0, of.wrong)}


def _told(marked: np.ndarray, wrong: np.ndarray) -> dict[str, int]:
    return {"rows": int(marked.sum()), "wrong": int(wrong[marked].sum())}


def _by(part: np.ndarray, wrong: np.ndarray, score: np.ndarray) -> dict[str, float]:
    """Return the mean and the worst AUROC over the parts that have enough of both; nothing where there is none."""
    found = []
    for value in np.unique(part):
        rows = part == value
        if LEAST <= wrong[rows].sum() <= rows.sum() - LEAST:
            found.append(roc_auc_score(wrong[rows], score[rows]))
    return {"auc_mean": float(np.mean(found)), "auc_worst": float(np.min(found)), "n": len(found)} if found else {}
