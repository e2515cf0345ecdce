"""A table's columns as fields: categories hashed, numbers cut on a logarithmic scale; nothing is learned from rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from steelyard.features.hashing import mixed, text_hash
from steelyard.values.arrays import AnyArray, Ints
from steelyard.values.fields import Fields


def fields(table: pa.Table, columns: Sequence[str], width: int = 2**18) -> Fields:
    """Return the columns as one hashed category each; ``width``: buckets that all fields share.

    Text, booleans and codes are categories as they are written. A number is the category of its place on a scale of
    squared logarithms, as in the winning code of the Criteo challenge (Juan et al. 2016): 0, 1 and 2 stay apart,
    then steps widen. A missing value is a category of its own. No statistic of the table enters, so rows of tomorrow
    fall into the same categories.
    """
    code = np.empty((table.num_rows, len(columns)), np.int64)
    for f, name in enumerate(columns):
        found = mixed(np.full(table.num_rows, text_hash(name), np.uint64), _categories(table[name]))
        code[:, f] = (found % np.uint64(width)).astype(np.int64)
    return Fields.of_codes(code, width, columns)


def _categories(column: pa.ChunkedArray) -> AnyArray:
    """Return (n,) uint64, a number for each category; 0 where it is missing."""
    if pa.types.is_floating(column.type) or pa.types.is_integer(column.type):
        number = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
        return _places(number).astype(np.int64).view(np.uint64)
    encoded = pc.fill_null(column.cast(pa.large_string()), "").combine_chunks().dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    hashes = np.array([text_hash(text) for text in encoded.dictionary.to_pylist()] or [0], np.uint64)
    return hashes[encoded.indices.to_numpy(zero_copy_only=False)] if len(encoded) else np.zeros(0, np.uint64)


def _places(number: AnyArray) -> Ints:
    """Return (n,) the place of numbers on the scale, NaN first, then negatives, 0, 1, 2 and floor(log(x)^2) + 3."""
    size = np.abs(np.nan_to_num(number))
    with np.errstate(divide="ignore"):
        place = np.where(size > 2, np.floor(np.log(size) ** 2) + 3, np.ceil(size))
    place = np.where(number < 0, -place - 1, place + 1)
    return np.where(np.isnan(number), 0, place).astype(np.int64)
