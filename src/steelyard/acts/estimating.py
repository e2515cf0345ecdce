"""From signals to readings: every estimator's column, the three headlines, the flags."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from steelyard.values.arrays import AnyArray, Mask
from steelyard.values.readings import Readings
from steelyard.values.signals import SAME, Signals

SURE = 0.75  # three to one for another label

#: Which estimator gives which headline when nothing else is asked.
HEADLINE = {"suspicion": "evidence", "difficulty": "el2n", "benefit": "alignment"}


def read_out(signals: Signals, estimators: Mapping[str, Any], headline: Mapping[str, str] = HEADLINE) -> Readings:
    """Return one column an estimator, plus suspicion, difficulty, benefit, flagged, posterior, gradient_norm, given,
    twin_label.

    Rows whose label came with a word (``marked``) are ranked and told, never flagged, and no policy acts on them: the
    word may be a good reason. People decide.

    estimators: name -> Estimator; the headline's estimators must be among them. Raises KeyError naming a signal that
    an estimator needs and nobody recorded.
    """
    columns: dict[str, AnyArray] = {}
    for name, estimator in estimators.items():
        missing = [s for s in estimator.needs if s not in signals]
        if missing:
            raise KeyError(f"estimator {name} needs the signals {missing}")
        columns[name] = estimator.estimate(signals)
    for reading, name in headline.items():
        columns[reading] = columns[name]
    posterior, given = signals["posterior"], signals["given"]
    mute = (signals["marked"] > 0) & (given >= 0)
    if mute.any():
        posterior = np.where(mute[:, None], np.eye(posterior.shape[1], dtype=posterior.dtype)[given], posterior)
    columns["flagged"] = flags(columns["suspicion"], posterior, signals["distance"], given)
    columns["posterior"] = posterior
    for name in ("given", "gradient_norm", "twin_label"):
        columns[name] = signals[name]
    wrong = chance_wrong(posterior, signals["distance"])
    columns["p_wrong"] = np.where(signals["given"] >= 0, wrong, np.nan)
    columns["p_wrong_se"] = signals["wrong_se"] if "wrong_se" in signals else np.zeros(len(wrong), np.float32)
    return Readings(signals.row_key, columns)


def chance_wrong(posterior: AnyArray, distance: AnyArray) -> AnyArray:
    """Return (n,) P(label wrong | text, label): of all labels (n, c) that are not as good as the given one."""
    return np.asarray((posterior * (distance >= SAME)).sum(1))


def flags(suspicion: AnyArray, posterior: AnyArray, distance: AnyArray, given: AnyArray) -> Mask:
    """Return (n,) the rows to look at: those whose label is more likely wrong than right, most suspicious first.

    Another label must be at least SURE, and their number is capped by the expected number of wrong labels, the sum
    of P(label wrong | text, label): a model that is unsure of everything flags little.
    posterior (n, c): P(true | text, given); distance (n, c): of every label from the given one, nearer than SAME is no
    error; given (n,) codes, -1 = no label.
    """
    known = np.flatnonzero((given >= 0) & np.isfinite(suspicion))
    other = distance[known] >= SAME
    wrong = chance_wrong(posterior[known], distance[known])
    fine = other.sum(1).max(initial=0) < posterior.shape[1] - 1  # a scale so fine that neighbours mean the same
    surest = wrong if fine else posterior[known].max(1)
    sure = (wrong > 0.5) & (surest >= SURE)
    count = min(int(sure.sum()), round(float(wrong.sum())))
    out = np.zeros(len(given), bool)
    sure_rows = known[sure]
    out[sure_rows[np.argsort(-suspicion[sure_rows], kind="stable")[:count]]] = True
    return out
