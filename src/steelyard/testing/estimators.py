"""What every estimator keeps."""

from __future__ import annotations

from typing import Any

import numpy as np

from steelyard.testing import tables
from steelyard.testing.holding import hold, same
from steelyard.values.signals import KNOWN


def check_estimator(estimator: Any, *, finds: bool = True) -> None:
    """Hold an Estimator to its contract: names, shape, range, unlabelled rows, order of rows, untouched signals.

    finds: for a suspicion, that planted wrong labels are doubted more than right ones; False for an estimator that
    reads signals in which they do not show.
    """
    hold(estimator.reading in ("suspicion", "benefit", "difficulty"), estimator, "must name its reading")
    unknown = sorted(set(estimator.needs) - set(KNOWN))
    hold(not unknown, estimator, f"needs signals that nobody records: {unknown}")
    signals = tables.signals()
    before = {name: signals[name].copy() for name in signals}
    value = np.asarray(estimator.estimate(signals))
    hold(value.shape == (tables.ROWS,), estimator, f"must return (n,) values, not {value.shape}")
    for name, kept in before.items():
        hold(np.array_equal(kept, signals[name], equal_nan=kept.dtype.kind == "f"), estimator, f"changes {name}")
    known = signals["given"] >= 0
    hold(np.isfinite(value[known]).all(), estimator, "must be finite for every row with a label")
    hold(np.isnan(value[~known]).all(), estimator, "must be NaN for rows without a label")
    order = np.random.default_rng(0).permutation(tables.ROWS)
    moved = estimator.estimate(signals.take(order))
    hold(same(value[order], moved), estimator, "must commute with the order of the rows")
    if estimator.reading == "suspicion":
        low, high = value[known].min(), value[known].max()
        hold(low >= 0 and high <= 1, estimator, f"must lie in 0..1, not {low:.3f}..{high:.3f}")
        wrong = np.arange(tables.ROWS) < tables.WRONG
        doubts = value[wrong].mean() > value[known & ~wrong].mean()
        hold(doubts or not finds, estimator, "must doubt wrong labels more than right ones")
