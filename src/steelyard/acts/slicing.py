"""Find the slices with more (or fewer) flagged rows than the rest, with intervals and correction for many tests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from steelyard.acts.intervals import benjamini_hochberg, hypergeometric_p, over_folds, wilson
from steelyard.values.arrays import AnyArray, Floats, Ints, Mask, Strings
from steelyard.values.slices import ENDS, Category, Slice

#: Two slices whose rows overlap by more than this Jaccard index are one.
SAME = 0.95


@dataclass(frozen=True)
class Benefit:
    """Whom rows help. cosine: (n,) with the gradient of all unseen rows; length: (n,) of the gradients; fold: (n,).

    slices: ``own`` and ``rest`` -> column and code -> mean over the folds with its interval (``aligning``).
    """

    cosine: Floats
    length: Floats
    fold: Ints
    slices: Mapping[str, Mapping[tuple[str, int], tuple[float, float, float]]] = field(default_factory=dict)


@dataclass
class _Part:
    """A slice that will be tested: its columns by number, its code in each, its rows and flagged rows."""

    columns: tuple[int, ...]
    codes: tuple[int, ...]
    n: int
    flagged: int
    also: list[str] = field(default_factory=list)


def categories(columns: Mapping[str, Any], rows: int, minimum: int | None = None) -> list[Category]:
    """Return the columns as codes; values with fewer rows than a slice needs (see ``slices``) have none.

    columns: name -> (n,) array, list or Arrow column; nulls, NaN and '' are no value.
    """
    least = _least(rows, minimum)
    return [_encoded(name, values, least) for name, values in columns.items()]


def _least(rows: int, minimum: int | None) -> int:
    return minimum if minimum is not None else int(min(100, max(10, rows / 50)))


def slices(
    samples_columns: Mapping[str, Any] | Sequence[Category],
    flagged: Mask,
    *,
    suspicion: Floats | None = None,
    benefit: Benefit | None = None,
    row_key: Strings | None = None,
    minimum: int | None = None,
    q: float = 0.05,
    depth: int = 1,
) -> list[Slice]:
    """Test every slice of the columns against the other rows; starred slices first, then by p.

    samples_columns: what ``categories`` reads or returns.
    flagged: (n,) what is counted. suspicion: (n,) 0..1, picks the examples. row_key: (n,) names the examples.
    benefit: what is told of whom the rows of each slice help.
    minimum: fewest rows of a slice; by default 100, in small tables n / 50 but not below 10.
    q: rate of false stars among the stars (Benjamini and Hochberg over all slices tested). depth: 1, or 2 for
    pairs of columns as well. Slices of almost the same rows (Jaccard above 0.95) are merged into the first found.
    The test takes rows as independent; where whole queries are flagged together its stars come too easily.
    Raises ValueError on unequal lengths, or a depth other than 1 and 2.
    """
    flagged = np.asarray(flagged, dtype=bool)
    _check(samples_columns, len(flagged), depth)
    rows, total = len(flagged), int(flagged.sum())
    if rows == 0:
        return []
    columns = [] if isinstance(samples_columns, Mapping) else list(samples_columns)
    if isinstance(samples_columns, Mapping):
        columns = categories(samples_columns, rows, minimum)
    least = _least(rows, minimum)
    counted = [p for i, c in enumerate(columns) for p in _parts((i,), c.code, (len(c.names),), flagged, least)]
    singles = _merged(counted, columns)
    parts = [p for p in singles if p.n < rows]
    if depth == 2:
        parts += _pairs(singles, columns, flagged, least)
    if not parts:
        return []
    found = _tested(parts, columns, flagged, total, q, suspicion, row_key)
    return found if benefit is None else _with_benefit(found, columns, benefit)


def _check(columns: Mapping[str, Any] | Sequence[Category], rows: int, depth: int) -> None:
    given = columns.items() if isinstance(columns, Mapping) else [(c.name, c.code) for c in columns]
    wrong = {name: len(values) for name, values in given if len(values) != rows}
    if wrong:
        raise ValueError(f"columns {wrong} differ in length from flagged ({rows})")
    if depth not in (1, 2):
        raise ValueError(f"depth must be 1 or 2, not {depth}")


def _encoded(name: str, values: Any, least: int) -> Category:
    """Number the values that at least ``least`` rows have, in order of their names; all others become -1."""
    if not isinstance(values, (pa.Array, pa.ChunkedArray)):
        values = pa.array(values, from_pandas=True)
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    if not pa.types.is_dictionary(values.type):
        values = values.dictionary_encode()
    code = pc.fill_null(values.indices, -1).to_numpy(zero_copy_only=False).astype(np.int32)
    texts = ["" if v is None else str(v) for v in values.dictionary.to_pylist()]
    counts = np.bincount(code + 1, minlength=len(texts) + 1)[1:]
    kept = sorted((t, i) for i, t in enumerate(texts) if counts[i] >= least and t not in ("", "nan"))
    renumber = np.full(len(texts) + 1, -1, dtype=np.int32)
    renumber[[i for _, i in kept]] = np.arange(len(kept), dtype=np.int32)
    return Category(name, renumber[code], tuple(t for t, _ in kept))


def _parts(columns: tuple[int, ...], code: Ints, sizes: tuple[int, ...], flagged: Mask, least: int) -> Iterable[_Part]:
    """Count the rows and flagged rows of every code; yield those with enough rows."""
    n = np.bincount(code + 1, minlength=1)[1:]
    hits = np.bincount(code[flagged] + 1, minlength=len(n) + 1)[1:]
    for i in np.flatnonzero(n >= least):
        yield _Part(columns, tuple(int(c) for c in np.unravel_index(i, sizes)), int(n[i]), int(hits[i]))


def _merged(parts: list[_Part], columns: list[Category]) -> list[_Part]:
    """Merge slices of different columns that hold almost the same rows into the earlier one."""
    by_column: dict[int, list[_Part]] = {}
    for part in parts:
        by_column.setdefault(part.columns[0], []).append(part)
    gone: set[int] = set()
    for a, b in combinations(by_column, 2):
        for i, j in _alike(by_column[a], by_column[b], columns[a], columns[b]):
            x, y = by_column[a][i], by_column[b][j]
            if not {id(x), id(y)} & gone:
                gone.add(id(y))
                x.also += [f"{columns[b].name}={columns[b].names[y.codes[0]]}", *y.also]
    return [p for p in parts if id(p) not in gone]


def _alike(some: list[_Part], others: list[_Part], a: Category, b: Category) -> Iterable[tuple[int, int]]:
    """Yield the places of the slices of two columns that hold almost the same rows."""
    n, m = np.array([p.n for p in some])[:, None], np.array([p.n for p in others])[None, :]
    if not (np.minimum(n, m) > SAME * np.maximum(n, m)).any():
        return
    sizes = (len(a.names), len(b.names))
    both = np.bincount(_crossed(a, b) + 1, minlength=sizes[0] * sizes[1] + 1)[1:].reshape(sizes)
    common = both[np.ix_([p.codes[0] for p in some], [p.codes[0] for p in others])]
    for i, j in np.argwhere(common > SAME * (n + m - common)):
        yield int(i), int(j)


def _crossed(a: Category, b: Category) -> Ints:
    """(n,) int64 codes of the pairs of values, -1 where either has none."""
    code = a.code.astype(np.int64) * len(b.names) + b.code
    code[(a.code < 0) | (b.code < 0)] = -1
    return code


def _pairs(singles: list[_Part], columns: list[Category], flagged: Mask, least: int) -> list[_Part]:
    """Count every pair of values of two columns, leaving out pairs that are almost one of their two halves."""
    n = {(p.columns[0], p.codes[0]): p.n for p in singles}
    found: list[_Part] = []
    for a, b in combinations(range(len(columns)), 2):
        sizes = (len(columns[a].names), len(columns[b].names))
        if 0 in sizes:
            continue
        for part in _parts((a, b), _crossed(columns[a], columns[b]), sizes, flagged, least):
            halves = [n.get(half) for half in zip(part.columns, part.codes, strict=True)]
            if all(half is not None and part.n <= SAME * half for half in halves):
                found.append(part)
    return found


def _tested(
    parts: list[_Part],
    columns: list[Category],
    flagged: Mask,
    total: int,
    q: float,
    suspicion: Floats | None,
    row_key: Strings | None,
) -> list[Slice]:
    n, k = np.array([p.n for p in parts]), np.array([p.flagged for p in parts])
    p_value = hypergeometric_p(k, n, total, len(flagged))
    q_value = benjamini_hochberg(p_value)
    low, high = wilson(k, n)
    elsewhere = (total - k) / (len(flagged) - n)
    with np.errstate(divide="ignore", invalid="ignore"):
        lift = np.where(elsewhere > 0, (k / n) / elsewhere, np.where(k > 0, np.inf, 1.0))
    example, mean = _examples(parts, columns, flagged, suspicion)
    order = np.lexsort((-lift, p_value, ~((q_value <= q) & (lift > 1))))
    return [
        Slice(
            columns=tuple(columns[c].name for c in parts[i].columns),
            values=tuple(columns[c].names[v] for c, v in zip(parts[i].columns, parts[i].codes, strict=True)),
            n=int(n[i]),
            flagged=int(k[i]),
            share=float(k[i] / n[i]),
            low=float(low[i]),
            high=float(high[i]),
            of_all=float(k[i] / total) if total else 0.0,
            lift=float(lift[i]),
            p=float(p_value[i]),
            q_value=float(q_value[i]),
            star=bool(q_value[i] <= q),
            suspicion=None if suspicion is None else float(mean[i]),
            example=int(example[i]),
            row_key="" if row_key is None else str(row_key[example[i]]),
            also=tuple(parts[i].also),
        )
        for i in order
    ]


def _with_benefit(found: list[Slice], columns: list[Category], benefit: Benefit) -> list[Slice]:
    """Return the slices with what their rows do for all, what they do for the slice, and what the others do for it."""
    known = np.flatnonzero(np.isfinite(benefit.cosine) & (benefit.length > 0))
    k = int(benefit.fold.max(initial=0)) + 1
    fold, length = benefit.fold[known], benefit.length[known].astype(np.float64)
    weighed = benefit.cosine[known] * length
    by_name = {c.name: c for c in columns}
    means: dict[tuple[str, ...], Floats] = {}
    out = []
    for part in found:
        used = [by_name[name] for name in part.columns]
        sizes = tuple(len(c.names) for c in used)
        if part.columns not in means:
            code = (used[0].code if len(used) == 1 else _crossed(used[0], used[1]))[known].astype(np.int64)
            place, cells = (code + 1) * k + fold, (int(np.prod(sizes)) + 1) * k
            sums = (np.bincount(place, v, minlength=cells).reshape(-1, k) for v in (weighed, length))
            total, weight = sums
            means[part.columns] = np.divide(total, weight, out=np.full(total.shape, np.nan), where=weight > 0)
        codes = tuple(c.names.index(v) for c, v in zip(used, part.values, strict=True))
        told = {"benefit": over_folds(means[part.columns][int(np.ravel_multi_index(codes, sizes)) + 1])}
        if len(codes) == 1:
            told |= {f"benefit_{w}": benefit.slices[w].get((part.columns[0], codes[0])) for w in benefit.slices}
        ends: dict[str, Any] = {
            f"{name}{end}": v for name, ends in told.items() if ends for end, v in zip(ENDS, ends, strict=True)
        }
        out.append(replace(part, **ends))
    return out


def _examples(
    parts: list[_Part], columns: list[Category], flagged: Mask, suspicion: Floats | None
) -> tuple[Ints, Floats]:
    """For every part: the row to show (flagged rows first, the most suspected first), and its mean suspicion."""
    rows = len(flagged)
    value = np.nan_to_num(np.asarray(suspicion, dtype=np.float64)) if suspicion is not None else np.zeros(rows)
    # Written from the worst example to the best: of the rows of one code the last written stays.
    order = np.lexsort((np.arange(rows)[::-1], value, flagged))
    example, mean = np.zeros(len(parts), dtype=np.int64), np.zeros(len(parts))
    groups: dict[tuple[int, ...], list[int]] = {}
    for i, part in enumerate(parts):
        groups.setdefault(part.columns, []).append(i)
    for used, members in groups.items():
        first = columns[used[0]]
        code: AnyArray = first.code if len(used) == 1 else _crossed(first, columns[used[1]])
        sizes = tuple(len(columns[c].names) for c in used)
        last = np.zeros(int(np.prod(sizes)) + 1, dtype=np.int64)
        last[code[order] + 1] = order
        sums = np.bincount(code + 1, weights=value, minlength=len(last))
        at = np.array([int(np.ravel_multi_index(parts[i].codes, sizes)) + 1 for i in members])
        example[members] = last[at]
        mean[members] = sums[at] / np.array([parts[i].n for i in members])
    return example, mean
