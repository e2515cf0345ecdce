"""64-bit content hashes of text columns: equal text, equal number, on every machine and in every row order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from steelyard.values.arrays import AnyArray, Ints
from steelyard.values.samples import Samples

#: Distinct texts handled at once; bounds the Python strings in memory.
SLICE = 65_536


@dataclass(frozen=True)
class Distinct:
    """A text column by its distinct values. index: (n,) int64 into ``values``; values: Arrow large_string (d,)."""

    index: Ints
    values: pa.Array

    def slices(self) -> Iterator[list[str]]:
        """Yield the distinct texts in order, at most ``SLICE`` at a time."""
        for start in range(0, len(self.values), SLICE):
            yield self.values.slice(start, SLICE).to_pylist()

    def hashes(self, spell: Callable[[str], str]) -> AnyArray:
        """Return (d,) uint64, the hash of ``spell(text)`` for each distinct text; 0 where that is empty."""
        parts = [np.fromiter((text_hash(spell(t)) for t in part), np.uint64, len(part)) for part in self.slices()]
        return np.concatenate(parts) if parts else np.zeros(0, np.uint64)


def distinct(samples: Samples, column: str) -> Distinct:
    """Return a column's distinct texts and where they stand; null is ''. Lists are joined by spaces."""
    values = samples.table[column]
    if pa.types.is_list(values.type) or pa.types.is_large_list(values.type):
        values = pc.binary_join(values.cast(pa.list_(pa.string())), " ")
    elif pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    values = pc.fill_null(values.cast(pa.large_string()), "")
    array = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    if isinstance(array, pa.ChunkedArray):
        array = pa.concat_arrays(array.chunks) if array.num_chunks else pa.array([], pa.large_string())
    encoded = array.dictionary_encode()
    return Distinct(encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64), encoded.dictionary)


def text_hash(text: str) -> int:
    """Return a 64-bit hash of ``text``, never 0 but for ''. Among 2M texts a clash has chance 1 in 10 million."""
    if not text:
        return 0
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little") or 1


def mixed(a: AnyArray, b: AnyArray) -> AnyArray:
    """Return (n,) uint64 hashes of the ordered pairs (a, b). Source: splitmix64, Steele et al. 2014."""
    return _scrambled(_scrambled(a.astype(np.uint64)) + b.astype(np.uint64))


def _scrambled(x: AnyArray) -> AnyArray:
    x = x + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def number_hash(rows: AnyArray) -> AnyArray:
    """Return (n,) uint64 hashes of the rows of an (n, f) float array; 0 for rows of zeros only."""
    found = np.zeros(len(rows), np.uint64)
    for column in range(rows.shape[1]):
        bits = (rows[:, column].astype(np.float32) + np.float32(0)).view(np.uint32)
        found = mixed(found, bits)
    found[~np.any(rows != 0, axis=1)] = 0
    return found
