"""Columns to slice by: what the table has, and bands of query length, query frequency and price."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from steelyard.values.arrays import AnyArray, Floats, Ints
from steelyard.values.samples import Samples

#: Columns that never make a slice: the truth, and notes about it.
NOT_A_SLICE = ("gold", "planted")
#: Characters of Chinese, Japanese and Korean writing.
CJK = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}]"
WORDS = (("1", 1), ("2", 2), ("3-4", 4), ("5+", 10**9))
CHARACTERS = (("1-4", 4), ("5-8", 8), ("9+", 10**9))
PRICE_BANDS = 5
#: A column of the user's own is a slice when it has at most this many values, or one value in ten rows.
MOST_VALUES = 5000


def slice_columns(samples: Samples) -> dict[str, Any]:
    """Return name -> (n,) Arrow column or array of categories, for ``slicing.slices``.

    label, locale, category, brand, annotator and the other columns of ``Samples.slice_columns`` as they are, without
    those in ``NOT_A_SLICE`` and numbers or texts that hardly repeat; query_words and query_characters (bands; the
    second for queries with Chinese, Japanese or Korean characters), query_rows (how many rows the query has),
    price_band (fifths of the rows, within each locale).
    """
    found: dict[str, Any] = {}
    if len(samples.scale):
        names = pa.array(samples.scale.names)
        codes = pa.array(np.where(samples.label < 0, 0, samples.label), mask=samples.label < 0)
        found["label"] = names.take(codes)
    for name in samples.slice_columns():
        column = samples.table[name]
        if name not in NOT_A_SLICE and _is_category(column):
            found[name] = column
    if samples.has("query"):
        found["query_words"], found["query_characters"] = length_bands(samples.table["query"])
        found["query_rows"] = frequency_bands(samples.group)
    if samples.has("price"):
        locale = samples.table["locale"] if samples.has("locale") else None
        found["price_band"] = price_bands(samples.table["price"], locale)
    return found


def length_bands(queries: pa.ChunkedArray) -> tuple[pa.Array, pa.Array]:
    """Return the bands (n,) by words and by characters; each query has one of the two, null in the other."""
    texts = pc.utf8_trim_whitespace(pc.fill_null(queries.cast(pa.string()), ""))
    cjk = pc.match_substring_regex(texts, CJK).to_numpy()
    characters = pc.utf8_length(pc.replace_substring_regex(texts, r"\s", "")).to_numpy()
    words = np.where(characters > 0, pc.count_substring_regex(texts, r"\s+").to_numpy() + 1, 0)
    return _banded(words, WORDS, cjk | (words == 0)), _banded(characters, CHARACTERS, ~cjk)


def frequency_bands(group: Ints) -> pa.Array:
    """Return the bands (n,) by the number of rows that share a query: 1, 2-5, 6-20, 21+."""
    _, code, counts = np.unique(group, return_inverse=True, return_counts=True)
    edges = (("1", 1), ("2-5", 5), ("6-20", 20), ("21+", 10**9))
    return _banded(counts[code], edges, np.zeros(len(group), dtype=bool))


def price_bands(prices: pa.ChunkedArray, locale: pa.ChunkedArray | None = None) -> pa.Array:
    """Return the bands (n,) of price: fifths of the rows within each locale, since currencies differ.

    A band is named by its prices, behind the locale where there is more than one: ``us 19.99-45``. Prices that are
    no numbers are null.
    """
    value = _numbers(prices)
    where = pc.fill_null(locale.cast(pa.string()), "").to_numpy(zero_copy_only=False) if locale is not None else None
    places = sorted(set(where)) if where is not None else [""]
    band = np.full(len(value), None, dtype=object)
    for place in places:
        here = np.isfinite(value) if where is None else np.isfinite(value) & (where == place)
        if here.any():
            band[here] = _fifths(value[here], f"{place} " if len(places) > 1 and place else "")
    return pa.array(band, pa.string())


def _fifths(value: Floats, prefix: str) -> AnyArray:
    edges = np.unique(np.quantile(value, np.linspace(0, 1, PRICE_BANDS + 1), method="lower"))
    names = np.array([f"{prefix}{a:g}-{b:g}" for a, b in pairwise(edges)] or [f"{prefix}{edges[0]:g}"])
    return names[np.clip(np.searchsorted(edges, value, side="right") - 1, 0, len(names) - 1)]


def _numbers(column: pa.ChunkedArray) -> Floats:
    """(n,) float64, NaN where a text holds no number; ``$1,299.00`` and ``￥99`` are numbers."""
    if not pa.types.is_string(column.type) and not pa.types.is_large_string(column.type):
        return pc.fill_null(column.cast(pa.float64()), float("nan")).to_numpy()
    bare = pc.replace_substring_regex(column.cast(pa.string()), r"[^0-9.\-]", "")
    valid = pc.match_substring_regex(bare, r"^-?\d+(\.\d+)?$")
    number = pc.if_else(pc.fill_null(valid, False), bare, None).cast(pa.float64())
    return pc.fill_null(number, float("nan")).to_numpy()


def _banded(value: AnyArray, edges: tuple[tuple[str, int], ...], absent: AnyArray) -> pa.Array:
    """Name the first band whose upper edge is not below the value; null where absent."""
    at = np.searchsorted([edge for _, edge in edges], value)
    return pa.array([name for name, _ in edges]).take(pa.array(at, mask=absent))


def _is_category(column: pa.ChunkedArray) -> bool:
    kind = column.type
    if pa.types.is_floating(kind) or pa.types.is_nested(kind) or pa.types.is_temporal(kind):
        return False
    distinct = pc.count_distinct(column).as_py()
    return 1 < distinct <= max(MOST_VALUES if len(column) > 10 * MOST_VALUES else 0, len(column) // 10)
