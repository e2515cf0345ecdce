"""The base of Signals, Readings and Weights: named columns, one value a sample, keyed by row_key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from steelyard.values.arrays import AnyArray, Strings


@dataclass(frozen=True, eq=False)
class Columns(Mapping[str, AnyArray]):
    """Frozen columns of equal length.

    row_key: (n,) stable ids; columns: name -> (n,) or (n, c) array. Raises ValueError on unequal lengths.
    """

    row_key: Strings
    columns: Mapping[str, AnyArray]

    def __post_init__(self) -> None:
        wrong = {name: len(v) for name, v in self.columns.items() if len(v) != len(self.row_key)}
        if wrong:
            raise ValueError(f"columns {wrong} differ in length from row_key ({len(self.row_key)})")

    def __getitem__(self, name: str) -> AnyArray:
        return self.columns[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.columns)

    def __len__(self) -> int:
        """The number of columns, as for any mapping; ``n`` is the number of samples."""
        return len(self.columns)

    @property
    def n(self) -> int:
        return len(self.row_key)

    def take(self, rows: AnyArray) -> Self:
        """Return the samples at ``rows``: positions (k,) or a mask (n,)."""
        return type(self)(self.row_key[rows], {k: v[rows] for k, v in self.columns.items()})

    def with_columns(self, **more: AnyArray) -> Self:
        return type(self)(self.row_key, {**self.columns, **more})

    def to_arrow(self) -> pa.Table:
        arrays: dict[str, pa.Array] = {"row_key": pa.array(self.row_key, pa.string())}
        for name, values in self.columns.items():
            arrays[name] = _to_arrow(values)
        return pa.table(arrays)

    @classmethod
    def from_arrow(cls, table: pa.Table) -> Self:
        columns = {name: _from_arrow(table[name]) for name in table.column_names if name != "row_key"}
        return cls(table["row_key"].to_numpy(zero_copy_only=False), columns)

    def write(self, path: Path) -> None:
        pq.write_table(self.to_arrow(), path, compression="zstd")

    @classmethod
    def read(cls, path: Path) -> Self:
        return cls.from_arrow(pq.read_table(path))


def _to_arrow(values: AnyArray) -> pa.Array:
    if values.ndim == 1:
        return pa.array(values)
    flat = pa.array(np.ascontiguousarray(values).ravel())
    return pa.FixedSizeListArray.from_arrays(flat, values.shape[1])


def _from_arrow(column: pa.ChunkedArray) -> AnyArray:
    if pa.types.is_fixed_size_list(column.type):
        flat = column.combine_chunks().flatten().to_numpy(zero_copy_only=False)
        return flat.reshape(-1, column.type.list_size)
    return column.to_numpy()
