"""What a comparison is judged by: the labels, the measure that suits them, the test rows, the slices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from steelyard.acts.banding import slice_columns
from steelyard.acts.cells import Judged
from steelyard.errors import DataError, UsageError
from steelyard.features.similarity import encode
from steelyard.values.arrays import AnyArray, Mask
from steelyard.values.samples import Samples

FEW_GROUPS = 30
#: What is told of clicks besides the measure that decides; GAUC needs users.
OF_CLICKS = ("auc", "gauc", "log_loss", "ece")
SLICE_VALUES = 12  # a column with more values is no slice of a comparison


def judged(samples: Samples, measure: Any | None, parse: Callable[[str], Any], marked: Mask | None = None) -> Judged:
    """Return the Judged of a table: gold labels where they are complete enough, its test split where it has one.

    marked: (n,) rows whose given label came with one word alone, see ``acts.marking``: it judges nobody. Clicks are
    judged inside each user where a column names users. Raises UsageError U221 for a measure of clicks inside each user
    when none does, DataError D123 for test rows of one label.
    """
    gold = samples.gold
    on = "gold" if gold is not None and np.mean(gold >= 0) > 0.9 else "given"
    trusted = samples.label if marked is None else np.where(marked, -1, samples.label)
    label = gold if on == "gold" and gold is not None else trusted
    split = samples.split
    test = np.flatnonzero((split == "test") & (label >= 0))  # rows without a label judge nobody
    own_test = len(np.unique(samples.group[test])) >= FEW_GROUPS
    if own_test and (label[test] == label[test[0]]).all():
        raise DataError("D123", count=len(test), label=samples.scale.names[label[test[0]]])
    clicks = samples.fields is not None
    users = encode(samples.table["user_id"])[0] if clicks and samples.has("user_id") else None
    measure = measure or parse(default_measure(samples))
    if clicks and users is None and measure.name.startswith("gauc"):
        raise UsageError("U221", measure=measure.name)
    binary = clicks and len(samples.scale) == 2
    return Judged(
        label=label,
        on=on,
        measure=measure,
        scale=samples.scale,
        test=test if own_test else None,
        slices=_slices(samples),
        lists=users,
        further=tuple(parse(m) for m in OF_CLICKS if users is not None or m != "gauc") if binary else (),
    )


def default_measure(samples: Samples) -> str:
    """Return the measure that suits the labels.

    Classes: accuracy. Clicks: AUC. Two grades: average precision. More grades: NDCG@10 when queries have several rows
    to order, else quadratic kappa (ranking measures mean nothing for a query with one row).
    """
    if samples.fields is not None and len(samples.scale) == 2:
        return "auc"
    if samples.task != "relevance" or not samples.scale.ordered:
        return "acc"
    if len(samples.scale) == 2:
        return "ap"
    size = np.bincount(np.unique(samples.group, return_inverse=True)[1]) if len(samples) else np.zeros(1)
    return "ndcg@10" if np.mean(size > 1) > 0.3 else "qwk"


def _slices(samples: Samples) -> dict[str, AnyArray]:
    """Return the categorical columns with few values, '' for null; the label itself is no slice of a comparison."""
    out: dict[str, AnyArray] = {}
    for column, values in slice_columns(samples).items():
        texts = values.to_pylist() if hasattr(values, "to_pylist") else list(values)
        named = np.array(["" if v is None else str(v) for v in texts], object)
        if column != "label" and 2 <= len(set(named)) <= SLICE_VALUES:
            out[column] = named
    return out
