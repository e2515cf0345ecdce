"""Weights for anything with a ``sample_weight``: checked, in the order of the rows, mean 1."""

from __future__ import annotations

from typing import Any

import numpy as np

from steelyard.errors import DataError
from steelyard.values.arrays import Floats
from steelyard.values.weights import Weights


def per_row(weights: Any, rows: int | None = None) -> Floats:
    """Return (n,) float64 weights of mean 1, in the order given.

    weights: a Weights, or (n,) numbers >= 0. rows: n as the model sees it; None: whatever comes.
    Raises DataError D180 for another number of rows, D185 for what is negative, not finite, or all 0.
    """
    values = np.asarray(weights.weight if isinstance(weights, Weights) else weights, np.float64).reshape(-1)
    if rows is not None and len(values) != rows:
        raise DataError("D180", count=len(values), rows=rows)
    bad = np.flatnonzero(~np.isfinite(values) | (values < 0))
    if len(bad):
        raise DataError("D185", count=len(bad), row=int(bad[0]), value=f"{values[bad[0]]:g}")
    if len(values) and values.max() == 0:
        raise DataError("D185", count=len(values), row=0, value="0")
    return values / values.mean() if len(values) else values
