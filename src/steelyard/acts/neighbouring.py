"""Neighbouring: the labels of the rows of other groups that are most alike; no label is used to find them."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp

from steelyard.acts.folding import spread
from steelyard.acts.passes import LEARN_FROM
from steelyard.features.blocks import ROWS_AT_ONCE
from steelyard.features.nearest import directions, nearest
from steelyard.features.table import Table
from steelyard.values.arrays import AnyArray, Floats

K = 15
FIT_SLICES, SLICE_ROWS = 8, 500  # evenly spaced slices of the table from which the directions are fitted


def neighbour_labels(table: Table, k: int = K, seed: int = 0) -> dict[str, AnyArray]:
    """Return ``neighbour_label`` (n, k) int32: codes of the labels of the nearest labelled rows, nearest first, -1
    where there are fewer.

    Pairs of query and product are alike when the two match in the same way (similarity features); without such
    features rows are alike by their words (hashed text). Every row is compared with at most LEARN_FROM labelled rows
    of other groups. Memory: 128 + 4k bytes a row.
    """
    n = len(table)
    out = np.full((n, k), -1, np.int32)
    known = np.flatnonzero(table.label >= 0)
    if not len(known):
        return {"neighbour_label": out}
    group = table.group if len(np.unique(table.group)) > 1 else np.arange(n)
    rows = known[spread(group[known], LEARN_FROM, seed)]
    for start, near in nearest(_vectors(table, seed), group, rows, k, seed):
        out[start : start + len(near)] = np.where(near >= 0, table.label[near], -1)
    return {"neighbour_label": out}


def _vectors(table: Table, seed: int) -> Floats:
    """Return (n, d) unit vectors of the similarity features, or of the hashed text of a table without them."""
    n = len(table)
    starts = np.unique(np.linspace(0, max(n - SLICE_ROWS, 0), FIT_SLICES).astype(np.int64))
    if n <= FIT_SLICES * SLICE_ROWS:
        starts, step = np.zeros(1, np.int64), n
    else:
        step = SLICE_ROWS
    some = [_rows(table, int(s), min(int(s) + step, n)) for s in starts]
    compact = directions(np.concatenate(some) if isinstance(some[0], np.ndarray) else sp.vstack(some, "csr"), seed)
    return np.concatenate([compact(_rows(table, s, min(s + ROWS_AT_ONCE, n))) for s in range(0, n, ROWS_AT_ONCE)])


def _rows(table: Table, start: int, stop: int) -> Any:
    if table.features.shape[1] or table.text is None:
        return table.features[start:stop]
    return table.text(start, stop)
