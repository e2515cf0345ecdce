"""Doubting: signals of interactions, from a recommender that saw the row and from ones that did not.

Folds are dealt inside each user, so that a model without a row still knows its user. What a row's item is worth to
its user is its place among the items that the user did not take, which all recommenders have in common.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from steelyard.acts.placing import places
from steelyard.acts.stages import Keep, Progress, keep_nothing, no_progress
from steelyard.values.arrays import AnyArray, Floats, Ints
from steelyard.values.interactions import Interactions
from steelyard.values.signals import Signals

#: Least propensity: no row weighs more than 1/CLIP times one that everybody saw.
CLIP = 0.05
#: Exponent of popularity, from a power law of attention. Source: Yang et al. 2018, section 4; Saito 2020 has 1/2.
POWER = 0.5


def measure(
    rows: Interactions,
    model: Any,
    *,
    k: int = 5,
    seed: int = 0,
    keep: Keep = keep_nothing,
    progress: Progress = no_progress,
) -> dict[str, AnyArray]:
    """Return the signals of interactions by name (see ``values.signals.KNOWN``); all rows are taken as positive.

    model: a Recommender part. k: folds. The loss of a row is minus the log of its place, in nats.
    """
    fold = folds(rows, k, seed)
    signals: dict[str, AnyArray] = {"fold": fold}
    progress("models", 0, k + 1)
    signals["fitted_loss"] = keep("fitted", partial(_losses, model, rows, rows, seed))["loss"]
    progress("models", 1, k + 1)
    loss = np.empty(len(rows))
    for place in range(k):
        out = np.flatnonzero(fold == place)
        if len(out):
            told = keep(f"fold-{place}", partial(_losses, model, rows.take(fold != place), rows.take(out), seed))
            loss[out] = told["loss"]
        progress("models", place + 2, k + 1)
    given = np.ones(len(rows), np.int32)
    return {**signals, "loss": loss, "user": rows.user, "item": rows.item, "given": given, **exposure(rows)}


def as_signals(rows: Interactions, measured: Mapping[str, AnyArray]) -> Signals:
    return Signals(rows.row_key, measured)


def read_out(signals: Signals, estimators: Mapping[str, Any]) -> dict[str, Floats]:
    """Return (n,) of each estimator by name; one whose signals were not recorded, such as views by text, has none."""
    return {name: e.estimate(signals) for name, e in estimators.items() if all(s in signals for s in e.needs)}


def folds(rows: Interactions, k: int, seed: int) -> Ints:
    """Return (n,) fold 0..k-1: the rows of a user are dealt out by chance, each user beginning at a fold of its own."""
    rng = np.random.default_rng(seed)
    order = np.lexsort((rng.random(len(rows)), rows.user))
    count = np.bincount(rows.user, minlength=rows.n_users)
    first = rng.integers(0, k, rows.n_users)
    out = np.empty(len(rows), dtype=np.int64)
    out[order] = (np.arange(len(rows)) - np.repeat(np.cumsum(count) - count, count) + np.repeat(first, count)) % k
    return out


def exposure(rows: Interactions, power: float = POWER, clip: float = CLIP) -> dict[str, Floats]:
    """Return ``propensity`` (n,): the chance that the row's user saw its item at all.

    As it was logged, where the table brings it. Else (takers of the item / takers of the most taken item) ** power, at
    least ``clip``: attention follows popularity. That is known up to a factor only, so weights 1 / propensity are
    self-normalised (Swaminathan and Joachims 2015).
    """
    if rows.propensity is not None:
        return {"propensity": rows.propensity}
    takers = np.bincount(rows.item, minlength=rows.n_items)
    return {"propensity": np.maximum((takers / max(takers.max(initial=0), 1)) ** power, clip)[rows.item]}


def _losses(model: Any, learn: Interactions, asked: Interactions, seed: int) -> dict[str, Floats]:
    """Return the losses (k,) of the ``asked`` rows under the model of ``learn``: minus the log of their places."""
    fitted = model.fit(learn, seed=seed)
    return {"loss": -np.log(places(fitted, learn.matrix(), asked.user, asked.item, seed))}
