"""From signals to readings: every estimator's column, the three headlines, the flags."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from steelyard.values.arrays import AnyArray, Mask
from steelyard.values.readings import Readings
from steelyard.values.signals import Signals

#: Which estimator gives which headline when nothing else is asked.
HEADLINE = {"suspicion": "evidence", "difficulty": "el2n", "benefit": "alignment"}


def read_out(signals: Signals, estimators: Mapping[str, Any], headline: Mapping[str, str] = HEADLINE) -> Readings:
    """Return one column an estimator, plus suspicion, difficulty, benefit, flagged, posterior, gradient_norm, given.

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
    columns["flagged"] = flags(columns["suspicion"], signals["confidently_wrong"], signals["contradicting"])
    for name in ("posterior", "given", "gradient_norm"):
        columns[name] = signals[name]
    return Readings(signals.row_key, columns)


def flags(suspicion: AnyArray, confidently_wrong: Mask, contradicting: AnyArray) -> Mask:
    """Return (n,) the rows to look at: as many of the most suspicious as confident learning counts.

    The count comes from the class thresholds, the order from all the evidence; twins with another label always
    count as evidence, so their number is the least that is flagged.
    """
    n = len(suspicion)
    known = np.isfinite(suspicion)
    count = min(int(max(confidently_wrong.sum(), (contradicting > 0).sum() // 2)), int(known.sum()))
    out = np.zeros(n, bool)
    if count:
        order = np.argsort(np.where(known, -suspicion, np.inf), kind="stable")
        out[order[:count]] = True
    return out
