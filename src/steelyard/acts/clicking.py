"""Clicking: where the table says what was shown, what a recommender says of each shown row is judged as a click.

A recommender's relevance is no probability. One logistic curve, fitted on the rows to stop by, makes it one (Platt
1999); so every arm is calibrated after its weights, which shift a click rate (He et al. 2014, section 6.3).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from steelyard.values.arrays import AnyArray, Floats, Mask, Strings
from steelyard.values.interactions import Interactions
from steelyard.values.ranking import Ranking
from steelyard.values.scale import Scale

#: Measures of clicks, in the order of the table; gauc: the AUC inside each user, by the user's shown rows.
MEASURES = ("auc", "gauc", "log_loss", "ece")
#: Clicks that were predicted, over those that happened.
RATIO = "predicted_observed"
CLICKS = Scale(("no", "yes"), True)


@dataclass(frozen=True)
class Shown:
    """Rows that were shown, taken or not, to calibrate by (``stop``) and to test on."""

    stop: Interactions
    test: Interactions


def shown(rows: Interactions, split: Strings) -> Shown | None:
    """Return the shown rows of a cell; None where nothing tells what was shown, or one set has one kind only."""
    if rows.label is None:
        return None
    stop, test = (rows.take((rows.label >= 0) & (split == s)) for s in ("valid", "test"))
    return Shown(stop, test) if _both_kinds(clicked(stop)) and _both_kinds(clicked(test)) else None


def clicked(rows: Interactions) -> Mask:
    assert rows.label is not None
    return np.asarray(rows.label == 1)


def said(fitted: Any, of: Shown) -> dict[str, Floats]:
    """Return of the test rows (n,) ``score``, the relevance, and ``p``, the chance of a click by a curve from ``stop``.

    fitted: a fitted recommender.
    """
    known, asked = (fitted.pairs(r.user, r.item).astype(np.float64) for r in (of.stop, of.test))
    return {"score": asked, "p": calibrated(known, clicked(of.stop), asked)}


def calibrated(known: Floats, happened: Mask, asked: Floats) -> Floats:
    """Return (n,) chances of asked scores (n,): sigmoid(a s + b) of the highest likelihood on ``known`` (k,)."""
    from sklearn.linear_model import LogisticRegression

    spread = known.std()
    if not spread > 0:
        return np.full(len(asked), happened.mean())
    middle = known.mean()
    curve = LogisticRegression(C=1e4).fit(((known - middle) / spread)[:, None], happened)
    found: Floats = curve.predict_proba(((asked - middle) / spread)[:, None])[:, 1]
    return found


def as_ranking(of: Interactions, score: Floats, p: Floats | None = None) -> Ranking:
    """Return shown rows as a Ranking that every measure reads; a user is a group."""
    both = None if p is None else np.stack([1 - p, p], axis=1)
    return Ranking(of.user, clicked(of).astype(np.int32), CLICKS, score, both)


def judge(told: dict[str, AnyArray], of: Interactions, measures: dict[str, Any]) -> dict[str, float]:
    """Return every measure of clicks, and predicted / observed clicks. told: of ``said``; measures: Measure parts."""
    ranked = as_ranking(of, told["score"], told["p"])
    found = {name: measure.overall(ranked) for name, measure in measures.items()}
    return {**found, RATIO: float(told["p"].sum() / clicked(of).sum())}


def both_within(rows: Interactions) -> bool:
    """Return whether some user took one shown row and left another: else no AUC is defined inside a user."""
    of = clicked(rows)
    return len(np.intersect1d(rows.user[of], rows.user[~of])) > 0


def _both_kinds(of: Mask) -> bool:
    return bool(of.any() and not of.all())
