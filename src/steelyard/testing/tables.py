"""Tiny data with known answers: rows of which it is known whose label is wrong."""

from __future__ import annotations

import numpy as np

from steelyard.acts import estimating, scoring
from steelyard.acts.scoring import Table
from steelyard.parts import make, names
from steelyard.values.ranking import Ranking
from steelyard.values.readings import Readings
from steelyard.values.scale import Scale
from steelyard.values.signals import Signals

ROWS, CLASSES, WRONG, UNLABELLED = 120, 3, 12, 3  # the first WRONG labels are wrong, the last ones missing


def signals(seed: int = 1) -> Signals:
    """Return every signal of KNOWN for 120 rows on a scale of 3 grades, as a fair model would have recorded them."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, CLASSES, ROWS)
    given = truth.copy()
    given[:WRONG] = (given[:WRONG] + 1) % CLASSES
    given[-UNLABELLED:] = -1
    p = np.full((ROWS, CLASSES), 0.1)
    p[np.arange(ROWS), truth] = 0.8
    p += 0.02 * rng.random((ROWS, CLASSES))
    p /= p.sum(1, keepdims=True)
    right = given == truth
    near = np.where(rng.random((ROWS, 15)) < 0.8, truth[:, None], rng.integers(0, CLASSES, (ROWS, 15)))
    table = Table(None, np.zeros((ROWS, 0)), given, np.arange(ROWS), CLASSES, np.array([0, 0.5, 1]))
    columns = {
        "fold": np.arange(ROWS) % 5,
        "probability": p,
        "repaired": p,
        "posterior": p,
        "learned": (rng.random((ROWS, 4)) < np.where(right, 0.8, 0.1)[:, None]).astype(np.int8),
        "trajectory": rng.random((ROWS, 4)).astype(np.float32),
        "gradient_norm": np.where(given >= 0, rng.random(ROWS) + ~right, np.nan),
        "alignment": np.where(given >= 0, rng.random(ROWS) - 0.5 - 0.3 * ~right, np.nan),
        "confidently_wrong": ~right,
        "neighbour_label": near.astype(np.int32),
        "twin_label": given.astype(np.int32),
        "agreeing": rng.integers(0, 3, ROWS).astype(np.int32),
        "contradicting": np.where(right, 0, rng.integers(0, 3, ROWS)).astype(np.int32),
        "loss_seen": np.where(given >= 0, 0.5 + rng.random(ROWS), np.nan),
        "loss_unseen": np.where(given >= 0, 0.5 + rng.random(ROWS) + ~right, np.nan),
        "user": rng.integers(0, 9, ROWS),
        "item": np.where(right, rng.integers(3, 20, ROWS), rng.integers(0, 3, ROWS)),
        "fitted_loss": np.where(given >= 0, rng.random(ROWS) + ~right, np.nan),
        "text_place": np.where(rng.random(ROWS) < 0.1, np.nan, np.where(right, 0.7, 0.3)),
        "others_place": np.where(rng.random(ROWS) < 0.1, np.nan, np.where(right, 0.8, 0.4)),
        "propensity": np.where(right, 0.2, 0.4) + 0.1 * rng.random(ROWS),
    }
    return scoring.as_signals(np.array([f"k{i}" for i in range(ROWS)], object), table, columns)


def readings(seed: int = 1) -> Readings:
    """Return what every estimator of the package reads from ``signals``; ``basis`` as in a comparison."""
    seen = signals(seed)
    found = estimating.read_out(seen, {n: make("estimators", n) for n in names("estimators")})
    users = {n: seen[n] for n in ("user", "item", "propensity")}
    return found.with_columns(basis=np.linspace(0, 2, ROWS), **users)


def ranking(seed: int = 0, classes: int = 4, groups: int = 12) -> Ranking:
    """Return scores that know something of the labels, with ties and rows without a label."""
    rng = np.random.default_rng(seed)
    n = groups * 8
    label = rng.integers(0, classes, n).astype(np.int32)
    relevance = np.round(label + 1.5 * rng.standard_normal(n), 1)
    p = np.exp(-np.abs(np.arange(classes) - relevance[:, None]))
    label[rng.random(n) < 0.1] = -1
    names_ = tuple(str(c) for c in range(classes))
    docid = np.array([f"d{i:03d}" for i in rng.permutation(n)], object)
    p /= p.sum(1, keepdims=True)
    return Ranking(np.repeat(np.arange(groups), 8), label, Scale(names_, True), relevance, p, docid)
