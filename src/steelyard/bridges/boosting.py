"""Weights in the shape that gradient boosting takes them: LightGBM one a row, XGBoost one a query when it ranks."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from steelyard.bridges.sample_weight import per_row
from steelyard.errors import DataError, UsageError
from steelyard.values.arrays import AnyArray, Floats


def to_lightgbm(weights: Any, rows: int | None = None) -> Floats:
    """Return (n,) weights of mean 1 for ``Dataset(weight=...)`` or ``fit(sample_weight=...)``, ranking included."""
    return per_row(weights, rows)


def to_xgboost(weights: Any, qid: AnyArray | None = None, how: Literal["mean"] | None = None) -> Floats:
    """Return weights for ``DMatrix(weight=...)`` or ``fit(sample_weight=...)``, mean 1.

    Without qid: (n,), one a row. With qid (n,), as XGBoost's ranking takes it: (q,), one a query in the order of the
    rows, since XGBoost weighs whole lists and no rows in them. how: what becomes of differing weights in a list;
    ``mean`` takes their mean, which keeps how much a query counts and loses which of its rows are trusted.
    Raises UsageError U169 for differing weights without how, DataError D180 and D187 for qid that does not fit or
    whose rows do not stand together.
    """
    if how not in (None, "mean"):
        raise UsageError("U150", option="how", value=how, known="mean")
    weight = per_row(weights, None if qid is None else len(qid))
    if qid is None or not len(weight):
        return weight
    qid = np.asarray(qid)
    starts = np.flatnonzero(np.r_[True, qid[1:] != qid[:-1]])
    if len(starts) > len(np.unique(qid)):
        raise DataError("D187", count=len(starts) - len(np.unique(qid)))
    ends = np.r_[starts[1:], len(qid)]
    mixed = int((np.maximum.reduceat(weight, starts) > np.minimum.reduceat(weight, starts)).sum())
    if mixed and how is None:
        raise UsageError("U169", count=mixed, queries=len(starts))
    mean = np.add.reduceat(weight, starts) / (ends - starts)
    return mean / mean.mean()
