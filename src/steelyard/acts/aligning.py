"""Aligning: whom a step on a row would help, all unseen queries or those of one slice; closed form, nothing sampled.

Each row's gradient is compared with the mean gradient of other rows of its fold, which the same model never saw: of
all of them, and of those in the same slice, once for each column that makes slices. What is told of a whole slice
weighs each cosine by its gradient's length, since that is what a step adds up: many easy rows with tiny gradients do
not outvote it. References of slices are summed a fold and a memory's fill at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from steelyard.acts.intervals import over_folds
from steelyard.features.blocks import ROWS_AT_ONCE
from steelyard.features.table import Table
from steelyard.gradients import closed_form
from steelyard.values.arrays import AnyArray, Floats, Ints
from steelyard.values.slices import Category

#: Numbers in the references that are in memory together, 4 bytes each.
MOST_NUMBERS = 40_000_000
#: Times that a fold is gone through for its slices; the smallest that are still left get no reference.
MOST_PASSES = 8
#: What ``align`` tells of whole slices, not of rows.
OF_SLICES = ("slice_own", "slice_rest", "slice_column", "slice_code")

Interval = tuple[float, float, float]
Slices = list[tuple[int, int]]


@dataclass
class _Reference:
    """The summed gradient (d, o) of a slice within one fold, and what its own rows are to it."""

    column: int
    code: int
    total: Floats
    rows: int = 0
    length: float = 0.0
    own: float = 0.0


def align(table: Table, residual: Floats, fold: Ints, k: int, codes: Ints) -> dict[str, AnyArray]:
    """Return the gradients' lengths and cosines, NaN in rows without a label; by name:

    ``gradient_norm``, ``alignment`` (n,): length, and cosine with the mean gradient of the other rows of the fold.
    ``alignment_own`` (n, c): cosine with the mean of the other rows of the fold in the row's own slice of each column.
    ``slice_own``, ``slice_rest`` (k, s) of fold and slice: mean cosine of its own rows, and of the fold's other rows,
    with the slice's mean gradient, weighted by their lengths. ``slice_column``, ``slice_code`` (s,) name these
    slices, the largest first.

    residual: (n, o) p - y, out of fold. codes: (n, c) slice of each row in each column, -1 none.
    """
    n = len(table)
    assert table.text is not None
    numbers = table.text(0, 0).shape[1] * residual.shape[1]
    known = np.flatnonzero(table.label >= 0)
    room = MOST_NUMBERS // numbers
    slices = _largest(codes[known], room * MOST_PASSES)
    found: dict[str, AnyArray] = {
        "gradient_norm": np.full(n, np.nan),
        "alignment": np.full(n, np.nan),
        "alignment_own": np.full(codes.shape, np.nan, np.float32),
        "slice_own": np.full((k, len(slices)), np.nan),
        "slice_rest": np.full((k, len(slices)), np.nan),
        "slice_column": np.array([c for c, _ in slices], np.int64),
        "slice_code": np.array([v for _, v in slices], np.int64),
    }
    for f in range(k):
        held = known[fold[known] == f]
        if not len(held):
            continue
        whole = _of_rows(table, residual, held, found)
        for start in range(0, len(slices), max(room, 1)):
            part = slice(start, start + room)
            _of_slices(table, residual, held, codes, slices[part], whole, found, f, part)
    return found


def whole_slices(
    columns: Sequence[Category], found: Mapping[str, AnyArray]
) -> dict[str, dict[tuple[str, int], Interval]]:
    """Return for ``own`` and ``rest``: column and code -> mean over the folds with Student's 95% interval.

    Slices that fewer than two folds hold are left out. found: what ``align`` tells of whole slices.
    """
    told: dict[str, dict[tuple[str, int], Interval]] = {"own": {}, "rest": {}}
    for i, (column, code) in enumerate(zip(found["slice_column"], found["slice_code"], strict=True)):
        for whose, intervals in told.items():
            value = over_folds(found[f"slice_{whose}"][:, i])
            if value is not None:
                intervals[columns[column].name, int(code)] = value
    return told


def _largest(codes: Ints, room: int) -> Slices:
    """Return (column, code) of the largest slices, largest first, as many as there is room for."""
    counts = [np.bincount(codes[:, c] + 1)[1:] for c in range(codes.shape[1])] if len(codes) else []
    every = [(-int(n), c, v) for c, found in enumerate(counts) for v, n in enumerate(found) if n]
    return [(c, v) for _, c, v in sorted(every)[: max(room, 0)]]


def _of_rows(table: Table, residual: Floats, held: Ints, found: dict[str, AnyArray]) -> Floats | None:
    """Fill in the lengths and cosines of the rows ``held`` of one fold; return their sum (d, o), None if too large."""
    whole: Floats | None = None
    for rows, x in _blocks(table, held):
        found["gradient_norm"][rows] = closed_form.norms(x, residual[rows])
        if x.shape[1] * residual.shape[1] <= MOST_NUMBERS:
            total = closed_form.total(x, residual[rows])
            whole = total if whole is None else whole + total
    if whole is not None:
        for rows, x in _blocks(table, held):
            found["alignment"][rows] = closed_form.alignments(x, residual[rows], whole, counts_itself=True)
    return whole


def _of_slices(
    table: Table,
    residual: Floats,
    held: Ints,
    codes: Ints,
    slices: Slices,
    whole: Floats | None,
    found: dict[str, AnyArray],
    fold: int,
    part: slice,
) -> None:
    """Fill in what the rows ``held`` of one fold are to ``slices``, which stand at ``part`` among all slices."""
    assert whole is not None
    references = [_Reference(c, v, np.zeros(whole.shape, np.float32)) for c, v in slices]
    for one, rows, x in _inside(table, held, codes, references):
        one.total += closed_form.total(x, residual[rows])
        one.rows += len(rows)
        one.length += float(found["gradient_norm"][rows].sum())
    for one, rows, x in _inside(table, held, codes, references):
        if one.rows > 1:
            size = found["gradient_norm"][rows]
            dot = closed_form.dots(x, residual[rows], one.total)
            cosine = closed_form.cosines(dot, size, one.total, counts_itself=True)
            found["alignment_own"][rows, one.column] = cosine
            one.own += float((cosine * size).sum())
    everyone = float(found["gradient_norm"][held].sum())
    for place, one in zip(range(part.start, part.start + len(references)), references, strict=True):
        if one.rows > 1 and one.length > 0:
            found["slice_own"][fold, place] = one.own / one.length
        norm = float(np.sqrt(np.square(one.total).sum()))
        if one.rows and norm > 1e-12 and everyone - one.length > 1e-12:
            others = float((whole * one.total).sum()) - norm * norm
            found["slice_rest"][fold, place] = others / (norm * (everyone - one.length))


def _inside(
    table: Table, held: Ints, codes: Ints, references: list[_Reference]
) -> Iterator[tuple[_Reference, Ints, sp.csr_matrix]]:
    """Yield every slice's rows among ``held`` with their text, block by block."""
    for rows, x in _blocks(table, held):
        for one in references:
            inside = np.flatnonzero(codes[rows, one.column] == one.code)
            if len(inside):
                yield one, rows[inside], x[inside]


def _blocks(table: Table, rows: Ints) -> Iterator[tuple[Ints, sp.csr_matrix]]:
    """Yield (m,) rows and their (m, d) text, block by block."""
    assert table.text is not None
    for start in range(0, len(table), ROWS_AT_ONCE):
        stop = min(start + ROWS_AT_ONCE, len(table))
        inside = rows[(rows >= start) & (rows < stop)]
        if len(inside):
            yield inside, table.text(start, stop)[inside - start]
