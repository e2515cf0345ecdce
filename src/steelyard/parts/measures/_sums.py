"""Measures of rows that are a function of sums over groups: a bootstrap is one matrix product."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from scipy import sparse

from steelyard.errors import DataError
from steelyard.parts.measures._weights import CHUNK, in_batches
from steelyard.values.arrays import AnyArray, Floats, Ints
from steelyard.values.ranking import Ranking

Of = Callable[[Floats], Floats]


def group_sums(ranking: Ranking, column: Sequence[Ints], value: Sequence[AnyArray], width: int) -> sparse.csr_array:
    """Return (q, width): for each judged row and each pair, add ``value`` to ``column`` of the row's group.

    column, value: one array (m,) a pair, m the judged rows in their order.
    """
    group = ranking.codes[ranking.judged]
    rows = np.concatenate([group] * len(column))
    data = np.concatenate([np.asarray(v, dtype=float) for v in value])
    return sparse.coo_array((data, (rows, np.concatenate(column))), shape=(ranking.n_groups, width)).tocsr()


def replicates(sums: sparse.csr_array, of: Of, weights: AnyArray) -> Floats:
    """Return (b,): ``of`` the weighted sums. weights: (b, q). of: (b, width) -> (b,)."""
    return in_batches(lambda drawn: of(np.asarray((sums.T @ drawn.T).T)), weights, max(sums.shape))


def by_group(sums: sparse.csr_array, of: Of) -> Floats:
    """Return (q,): ``of`` each group's own sums, a part of the groups at a time."""
    step = max(1, CHUNK // max(1, sums.shape[1]))
    parts = [of(sums[at : at + step].toarray()) for at in range(0, sums.shape[0], step)]
    return np.concatenate(parts) if parts else np.zeros(0)


def ratio(above: Floats, below: Floats) -> Floats:
    """Return above / below, NaN where below is 0."""
    return np.divide(above, below, out=np.full(np.shape(above), np.nan), where=below > 0)


def probabilities(ranking: Ranking) -> Floats:
    """Return (m, c) of the judged rows. Raises DataError D163 without probabilities, D164 outside 0..1."""
    if ranking.probability is None:
        raise DataError("D163")
    outside = ((ranking.probability < 0) | (ranking.probability > 1)).any(axis=1)
    if outside.any():
        raise DataError("D164", count=int(outside.sum()), rows=len(ranking), first=int(np.argmax(outside)))
    return ranking.probability[ranking.judged]


def predicted(ranking: Ranking) -> Ints:
    """Return (m,) the most probable label of each judged row; of equal ones the lowest code."""
    given = probabilities(ranking)
    return given.argmax(axis=1) if len(given) else np.zeros(0, dtype=np.int64)
