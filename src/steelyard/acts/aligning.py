"""Aligning: whom a step on a row would help, all unseen queries or those of one slice; closed form, nothing sampled.

Each row's gradient is compared with the mean gradient of other rows of its fold, which the same model never saw: of
all of them, and of those in the same slice, once for each column that makes slices. References of slices are summed
one fold at a time, so that they fit in memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from scipy.stats import t

from steelyard.features.blocks import ROWS_AT_ONCE
from steelyard.features.table import Table
from steelyard.gradients import closed_form
from steelyard.values.arrays import AnyArray, Floats, Ints
from steelyard.values.slices import Category

Interval = tuple[float, float, float]

#: Numbers in the references of one fold, 4 bytes each; slices beyond it, the smallest first, get no reference.
MOST_NUMBERS = 40_000_000
#: What ``align`` tells of whole slices, not of rows.
OF_SLICES = ("alignment_rest", "slice_column", "slice_code")


@dataclass
class _Reference:
    """The mean direction of a slice within one fold, and what its own rows are to it."""

    column: int
    code: int
    total: Floats
    rows: int = 0
    own: float = 0.0


def align(table: Table, residual: Floats, fold: Ints, k: int, codes: Ints) -> dict[str, AnyArray]:
    """Return the gradients' lengths and cosines, NaN in rows without a label; by name:

    ``gradient_norm``, ``alignment`` (n,): length, and cosine with the mean gradient of the other rows of the fold.
    ``alignment_own`` (n, c): cosine with the mean of the other rows of the fold in the row's own slice of each column.
    ``alignment_rest`` (k, s) of fold and slice: mean cosine of the fold's rows outside the slice with the slice's
    mean. ``slice_column``, ``slice_code`` (s,) name these slices, the largest first.

    residual: (n, o) p - y, out of fold. codes: (n, c) slice of each row in each column, -1 none.
    """
    n = len(table)
    assert table.text is not None
    width, o = table.text(0, 0).shape[1], residual.shape[1]
    known = np.flatnonzero(table.label >= 0)
    slices = _largest(codes[known], MOST_NUMBERS // (width * o) - 2)
    found: dict[str, AnyArray] = {
        "gradient_norm": np.full(n, np.nan),
        "alignment": np.full(n, np.nan),
        "alignment_own": np.full(codes.shape, np.nan, np.float32),
        "alignment_rest": np.full((k, len(slices)), np.nan),
        "slice_column": np.array([c for c, _ in slices], np.int64),
        "slice_code": np.array([v for _, v in slices], np.int64),
    }
    for f in range(k):
        held = known[fold[known] == f]
        if len(held):
            _fold(table, residual, held, codes, slices, found, found["alignment_rest"][f])
    return found


def whole_slices(columns: Sequence[Category], found: Mapping[str, AnyArray]) -> dict[tuple[str, int], Interval]:
    """Return column and code -> mean over the folds of ``alignment_rest``, with Student's 95% interval.

    Slices that two folds or more did not measure are left out. found: what ``align`` tells of whole slices.
    """
    told = {}
    for i, (column, code) in enumerate(zip(found["slice_column"], found["slice_code"], strict=True)):
        value = found["alignment_rest"][:, i]
        value = value[np.isfinite(value)]
        if len(value) >= 2:
            mean = float(value.mean())
            half = float(t.ppf(0.975, len(value) - 1) * value.std(ddof=1) / np.sqrt(len(value)))
            told[columns[column].name, int(code)] = (mean, mean - half, mean + half)
    return told


def _largest(codes: Ints, room: int) -> list[tuple[int, int]]:
    """Return (column, code) of the largest slices, largest first, as many as there is room for."""
    counts = [np.bincount(codes[:, c] + 1)[1:] for c in range(codes.shape[1])] if len(codes) else []
    every = [(-int(n), c, int(v)) for c, found in enumerate(counts) for v, n in enumerate(found) if n]
    return [(c, v) for _, c, v in sorted(every)[: max(room, 0)]]


def _fold(
    table: Table,
    residual: Floats,
    held: Ints,
    codes: Ints,
    slices: list[tuple[int, int]],
    found: dict[str, AnyArray],
    rest: Floats,
) -> None:
    """Fill in what is found of the rows of one fold, ``held`` (h,) rising; rest: (s,) of this fold."""
    shape = (table.text(0, 0).shape[1], residual.shape[1])  # type: ignore[misc]
    whole = np.zeros(shape, np.float32) if shape[0] * shape[1] <= MOST_NUMBERS else None
    units = np.zeros(shape, np.float32) if slices else None
    references = [_Reference(c, v, np.zeros(shape, np.float32)) for c, v in slices]
    for rows, x in _blocks(table, held):
        r = residual[rows]
        size = found["gradient_norm"][rows] = closed_form.norms(x, r)
        if whole is not None:
            whole += closed_form.total(x, r)
        if units is not None:
            units += closed_form.total(x, r / np.maximum(size, 1e-12)[:, None])
        for one in references:
            inside = np.flatnonzero(codes[rows, one.column] == one.code)
            if len(inside):
                one.total += closed_form.total(x[inside], r[inside])
                one.rows += len(inside)
    for rows, x in _blocks(table, held):
        r, size = residual[rows], found["gradient_norm"][rows]
        if whole is not None:
            found["alignment"][rows] = closed_form.alignments(x, r, whole, counts_itself=True)
        for one in references:
            inside = np.flatnonzero(codes[rows, one.column] == one.code)
            if len(inside):
                dot = closed_form.dots(x[inside], r[inside], one.total)
                one.own += float((dot / np.maximum(size[inside], 1e-12)).sum())
            if len(inside) and one.rows > 1:
                cosine = closed_form.cosines(dot, size[inside], one.total, counts_itself=True)
                found["alignment_own"][rows[inside], one.column] = cosine
    for i, one in enumerate(references):
        outside, length = len(held) - one.rows, float(np.sqrt(np.square(one.total).sum()))
        if units is not None and one.rows and outside and length > 1e-12:
            rest[i] = (float((units * one.total).sum()) - one.own) / (outside * length)


def _blocks(table: Table, rows: Ints) -> Iterator[tuple[Ints, sp.csr_matrix]]:
    """Yield (m,) rows and their (m, d) text, block by block."""
    assert table.text is not None
    for start in range(0, len(table), ROWS_AT_ONCE):
        stop = min(start + ROWS_AT_ONCE, len(table))
        inside = rows[(rows >= start) & (rows < stop)]
        if len(inside):
            yield inside, table.text(start, stop)[inside - start]
