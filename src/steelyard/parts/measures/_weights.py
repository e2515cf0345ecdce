"""Replicates of a bootstrap, a bounded number of figures at a time."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from steelyard.values.arrays import AnyArray, Floats
from steelyard.values.ranking import Ranking

CHUNK = 4_000_000


def as_weights(ranking: Ranking, weights: AnyArray) -> AnyArray:
    """Return weights (b, q) of any number type. Raises ValueError when q is not the number of groups."""
    if np.ndim(weights) != 2 or np.shape(weights)[1] != ranking.n_groups:
        raise ValueError(f"weights have shape {np.shape(weights)}, expected (b, {ranking.n_groups})")
    return np.asarray(weights)


def in_batches(of: Callable[[Floats], Floats], weights: AnyArray, width: int) -> Floats:
    """Return (b,): ``of`` weights (b', q) as floats, so few rows at once that b' x width stays near 4 million."""
    value = np.full(len(weights), np.nan)
    step = max(1, CHUNK // max(1, width))
    for start in range(0, len(weights), step):
        value[start : start + step] = of(np.asarray(weights[start : start + step], dtype=float))
    return value
