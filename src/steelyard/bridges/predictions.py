"""Readings from probabilities that you have already: nobody has to use our models to find wrong labels."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from steelyard import api, parts
from steelyard.acts import estimating, repairing, scoring
from steelyard.errors import DataError
from steelyard.features import duplicates
from steelyard.features.table import Table
from steelyard.values.arrays import AnyArray, Floats
from steelyard.values.readings import Readings
from steelyard.values.scale import Scale
from steelyard.values.signals import Signals

#: Signals that probabilities and the table give. Estimators that look at training itself are left out.
GIVEN = {
    "given",
    "group",
    "distance",
    "probability",
    "repaired",
    "posterior",
    "loss",
    "agreeing",
    "contradicting",
    "twin_label",
}


def from_predictions(
    table: Any, pred_probs: Any, groups: Any = None, *, classes: Any = None, **reading: Any
) -> Readings:
    """Return readings of every row: suspicion, difficulty, flagged, p_wrong, posterior, suggested, and by estimator.

    table: whatever ``steelyard.read`` takes, with the options of ``reading``. pred_probs: (n, c) out-of-fold
    probabilities, rows in the order of the table; probabilities of rows that a model trained on hide its errors.
    groups: (n,) what was kept together in those folds, by default the table's queries. classes: (c,) the labels of the
    columns, by default those of the table in its order. There is no benefit: that needs gradients.
    Raises DataError D188 to D190 for probabilities that do not fit.
    """
    samples = api.read_samples(table, **reading)
    p = _fitting(np.asarray(pred_probs, np.float64), classes, samples.scale, len(samples))
    if groups is not None:
        codes = np.unique(np.asarray(groups), return_inverse=True)[1].astype(np.int64)
        if len(codes) != len(samples):
            raise DataError("D188", count=len(codes), rows=len(samples))
        samples = replace(samples, group=codes)
    positions = samples.scale.positions if samples.scale.ordered else None
    bare = Table(None, np.zeros((len(samples), 0), np.uint8), samples.label, samples.group, p.shape[1], positions)
    twins = duplicates.evidence(samples, duplicates.near_codes(samples))
    signals = scoring.as_signals(samples.row_key, bare, {**denoised(p, samples.label), **twins})
    readings = read_probabilities(signals)
    names = np.array(samples.scale.names, object)
    return readings.with_columns(suggested=names[readings["posterior"].argmax(1)], agreeing=twins["agreeing"],
                                 contradicting=twins["contradicting"])  # fmt: skip


def denoised(probability: Floats, label: AnyArray) -> dict[str, AnyArray]:
    """Return probability, repaired (n, c): freed of the estimated mixing of labels, and posterior, given the label."""
    matrix = repairing.confident_mixing(probability, label, repairing.kept(probability, label))
    clean = repairing.unmixed(probability, matrix)
    return {"probability": probability, "repaired": clean, "posterior": repairing.posterior(clean, label, matrix)}


def read_probabilities(signals: Signals) -> Readings:
    """Return what every estimator says that needs no more than GIVEN."""
    made = {name: parts.make("estimators", name) for name in parts.names("estimators")}
    able = {name: e for name, e in made.items() if set(e.needs) <= GIVEN}
    headline = {k: name for k, name in estimating.HEADLINE.items() if name in able}
    return estimating.read_out(signals, able, headline)


def _fitting(p: Floats, classes: Any, scale: Scale, rows: int) -> Floats:
    """Return (n, c) probabilities whose columns are the labels of the scale, in its order."""
    if p.ndim != 2 or len(p) != rows:
        raise DataError("D188", count=len(p) if p.ndim else 0, rows=rows)
    names = [str(c) for c in (scale.names if classes is None else classes)]
    if len(names) != p.shape[1] or sorted(names) != sorted(scale.names):
        raise DataError("D189", count=p.shape[1], names=", ".join(names[:20]), known=", ".join(scale.names[:20]))
    bad = np.flatnonzero(~np.isfinite(p).all(1) | (p < 0).any(1) | (np.abs(p.sum(1) - 1) > 1e-3))
    if len(bad):
        raise DataError("D190", count=len(bad), row=int(bad[0]), value=np.array2string(p[bad[0]], precision=3))
    p = p[:, [names.index(name) for name in scale.names]]
    return p / p.sum(1, keepdims=True)
