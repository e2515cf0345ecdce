"""Describing: what a table of items says beside ids and titles, as numbers a ranker can read."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from steelyard.acts.cleaning import identify
from steelyard.acts.fielding import CODE
from steelyard.acts.recognising import fold
from steelyard.values.arrays import Floats, Ints, Strings

#: Levels of a column that are told apart, the most frequent ones, each of this share of the items or more. Whole
#: numbers that take no more values than that are levels too.
LEVELS, RARE = 20, 0.01
#: Between several levels in one cell, as in the genres of MovieLens.
BETWEEN = "|"
#: Columns that are told elsewhere.
TOLD = ("item_id", "title")


def described(table: pa.Table, item_ids: Strings) -> tuple[Floats | None, tuple[str, ...]]:
    """Return (m, f) float32 features of the items, NaN for one that is not in the table, and their f names.

    A column of numbers is one feature, ``price``; each frequent level of a category, or of a list of them, is one of 0
    and 1, ``genres=Comedy``. What is the same for all items is none. table: item_id, and a row an item; of two rows
    the last counts. Returns None without a feature.
    """
    last = {item: row for row, item in enumerate(table["item_id"].to_pylist())}
    row = np.array([last.get(item, -1) for item in item_ids], np.int64)
    found: dict[str, Floats] = {}
    for name in table.column_names:
        if name not in TOLD:
            found |= _read(name, table[name].combine_chunks(), row)
    if not found:
        return None, ()
    values = np.stack(list(found.values()), axis=1)
    values[row < 0] = np.nan
    return values.astype(np.float32), tuple(found)


def _read(name: str, column: pa.Array, row: Ints) -> dict[str, Floats]:
    """Return feature -> (m,) of one column; row: (m,) of each item, -1 without."""
    if pa.types.is_list(column.type) or pa.types.is_large_list(column.type):
        kind = column.type.value_type
        levels = pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_integer(kind)
        return _levels(name, column.cast(pa.list_(pa.string())), row) if levels else {}
    if pa.types.is_nested(column.type):
        return {}
    texts = identify(column, Counter(), name)
    told = _numbers(name, texts)
    if told is None:
        return _levels(name, pc.split_pattern(texts, BETWEEN), row)
    values = told[row]
    return {name: values} if len(np.unique(values[(row >= 0) & np.isfinite(values)])) > 1 else {}


def _numbers(name: str, texts: pa.Array) -> Floats | None:
    """Return a column as numbers, NaN where empty; None where it holds texts, codes or few whole numbers."""
    try:
        found: Floats = texts.cast(pa.float64()).to_numpy(zero_copy_only=False)
    except pa.ArrowInvalid:
        return None
    known = np.unique(found[~np.isnan(found)])
    whole = bool((known == np.floor(known)).all())
    if not len(known) or not np.isfinite(known).all() or (whole and (CODE.search(fold(name)) or len(known) <= LEVELS)):
        return None
    return found


def _levels(name: str, lists: Any, row: Ints) -> dict[str, Floats]:
    """Return level -> (m,) 0 or 1 of a column of lists of texts, the most frequent levels first."""
    parent = pc.list_parent_indices(lists).to_numpy(zero_copy_only=False)
    known = pc.dictionary_encode(lists.flatten())
    code = known.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    items = np.zeros(len(lists), np.int64)
    np.add.at(items, row[row >= 0], 1)
    pair = np.unique(np.stack([code, parent])[:, code >= 0], axis=1)
    count = np.bincount(pair[0], weights=items[pair[1]], minlength=len(known.dictionary))
    order = np.argsort(-count, kind="stable")[:LEVELS]
    least = max(2, RARE * (row >= 0).sum())
    out: dict[str, Floats] = {}
    for level in order[(count[order] >= least) & (count[order] < (row >= 0).sum())].tolist():
        there = np.zeros(len(lists))
        there[pair[1][pair[0] == level]] = 1.0
        out[f"{name}={known.dictionary[level].as_py()}"] = there[row]
    return out
