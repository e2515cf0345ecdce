"""Calibrating: suspicion as the chance that a label is wrong, learned from reviewed rows that never judge themselves.

Platt's logistic curve on log odds while few rows are reviewed, an isotonic curve from ISOTONIC rows on. Reviewed rows
are read by a curve from the other folds of groups, so that the reliability told is that of rows not yet reviewed, as
long as those were not chosen for review by something that suspicion does not know.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from steelyard.acts.folding import folds
from steelyard.acts.intervals import wilson
from steelyard.values.arrays import Floats, Ints, Mask

REVIEWED = 50  # reviewed rows from which suspicion is calibrated
ISOTONIC = 1000  # reviewed rows, and a tenth of that wrong, from which the curve may take any rising shape
BINS = 5  # of the reliability line, each with as many reviewed rows
FOLDS = 5

Curve = Callable[[Floats], Floats]


def calibrate(suspicion: Floats, wrong: Mask, reviewed: Mask, group: Ints, seed: int) -> tuple[Floats, dict[str, Any]]:
    """Return (n,) P(label wrong), and how reliable it is; (NaN everywhere, {}) with fewer than REVIEWED reviewed rows.

    suspicion: (n,) 0..1, NaN where there is no label. wrong, reviewed: (n,); wrong counts where reviewed.
    The facts: method, rows and wrong ones, Brier score and that of the plain share, expected calibration error, bins.
    """
    rows = np.flatnonzero(reviewed & np.isfinite(suspicion))
    out = np.full(len(suspicion), np.nan)
    if len(rows) < REVIEWED:
        return out, {}
    x, y = suspicion[rows], wrong[rows].astype(np.float64)
    isotonic = len(rows) >= ISOTONIC and min(y.sum(), (1 - y).sum()) >= ISOTONIC / 10
    learn = _isotonic if isotonic else _platt
    known = np.flatnonzero(np.isfinite(suspicion))
    out[known] = learn(x, y)(suspicion[known])
    fold = folds(group[rows], FOLDS, seed)
    for f in np.unique(fold):
        out[rows[fold == f]] = learn(x[fold != f], y[fold != f])(x[fold == f])
    return out, {"method": "isotonic" if isotonic else "platt", **_reliability(out[rows], y)}


def _reliability(p: Floats, y: Floats) -> dict[str, Any]:
    parts = np.array_split(np.argsort(p, kind="stable"), BINS)
    bins = []
    for part in parts:
        low, high = wilson(int(y[part].sum()), len(part))
        bins.append(
            {
                "n": len(part),
                "predicted": float(p[part].mean()),
                "observed": float(y[part].mean()),
                "low": float(low),
                "high": float(high),
            }
        )
    error = sum(b["n"] * abs(b["predicted"] - b["observed"]) for b in bins) / len(y)
    return {
        "rows": len(y),
        "wrong": int(y.sum()),
        "brier": float(np.mean((p - y) ** 2)),
        "brier_plain": float(y.mean() * (1 - y.mean())),
        "error": float(error),
        "bins": bins,
    }


def _platt(x: Floats, y: Floats, rounds: int = 50) -> Curve:
    """Return 1 / (1 + exp(-(a + b logit(x)))) by Newton's method; b >= 0, else the plain share.

    Source: Platt 1999, with its smoothed targets, so that few rows of one kind make no certainty.
    """
    good, bad = float((1 - y).sum()), float(y.sum())
    target = np.where(y > 0, (bad + 1) / (bad + 2), 1 / (good + 2))
    design = np.stack([np.ones(len(x)), _logit(x)], axis=1)
    beta = np.array([np.log((bad + 1) / (good + 1)), 0.0])
    for _ in range(rounds):
        p = 1 / (1 + np.exp(-np.clip(design @ beta, -30, 30)))
        slope = design.T @ (target - p) - 1e-6 * beta
        bend = design.T @ (design * (p * (1 - p))[:, None]) + 1e-6 * np.eye(2)
        step = np.linalg.solve(bend, slope)
        beta = beta + step / max(1.0, float(np.abs(step).max()) / 2)
    if beta[1] <= 0:
        share = (bad + 1) / (bad + good + 2)
        return lambda new: np.full(len(new), share)
    return lambda new: 1 / (1 + np.exp(-np.clip(beta[0] + beta[1] * _logit(new), -30, 30)))


def _isotonic(x: Floats, y: Floats) -> Curve:
    from sklearn.isotonic import IsotonicRegression

    fitted = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip").fit(x, y)
    return lambda new: np.asarray(fitted.predict(new), np.float64)


def _logit(p: Floats) -> Floats:
    p = np.clip(p, 1e-4, 1 - 1e-4)
    return np.log(p / (1 - p))
