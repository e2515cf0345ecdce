"""Tables in memory: pandas, polars, Arrow, Hugging Face datasets, lists of dicts, dicts of lists."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from steelyard.errors import DataError, SteelyardError
from steelyard.parts.sources import BATCH, Source
from steelyard.parts.sources._objects import batches, note_kinds


@dataclass(frozen=True)
class Frame(Source):
    """Knows the libraries by what their objects can do and imports none of them."""

    def opens(self, where: Any) -> bool:
        if isinstance(where, (pa.Table, pa.RecordBatch, pa.RecordBatchReader)) or _rows(where) or _columns(where):
            return True
        return (
            any(hasattr(where, name) for name in ("__arrow_c_stream__", "to_arrow")) or _lazy(where) or _dataset(where)
        )

    def read(self, where: Any) -> Iterator[pa.RecordBatch]:
        """Yield batches. Raises DataError D149 for an object that holds no table."""
        try:
            yield from _read(where)
        except SteelyardError:
            raise
        except Exception as e:  # whatever the user's library raises: it is their table, and they want to know why
            raise DataError("D149", type=type(where).__name__, reason=str(e)[:200]) from e


def _rows(where: Any) -> bool:
    return isinstance(where, (list, tuple)) and all(isinstance(r, Mapping) for r in where)


def _columns(where: Any) -> bool:
    return isinstance(where, Mapping) and all(hasattr(v, "__len__") and not isinstance(v, str) for v in where.values())


def _dataset(where: Any) -> bool:
    return hasattr(where, "features") and hasattr(where, "with_format")


def _splits(where: Any) -> bool:
    """Whether this is a Hugging Face DatasetDict: several tables by the names of their splits."""
    return isinstance(where, Mapping) and bool(where) and all(map(_dataset, where.values()))


def _lazy(where: Any) -> bool:
    return hasattr(where, "collect_schema") and hasattr(where, "collect")


def _read(where: Any) -> Iterator[pa.RecordBatch]:
    if _splits(where):
        raise DataError("D197", splits=", ".join(map(str, where)), first=str(next(iter(where))))
    if _lazy(where) and not hasattr(where, "__arrow_c_stream__"):
        where = where.collect()
    if _dataset(where):
        yield from _from_dataset(where)
    elif hasattr(where, "iloc") and hasattr(where, "columns"):
        yield from _sliced(_from_pandas(where))
    elif _rows(where):
        kinds: dict[str, set[str]] = {}
        for row in where:
            note_kinds(kinds, row)
        yield from batches(where, kinds)
    elif _columns(where):
        yield from _sliced(pa.table({str(k): _array(v) for k, v in where.items()}))
    elif isinstance(where, pa.RecordBatchReader):
        for batch in where:
            yield from _sliced(pa.Table.from_batches([batch]))
    elif isinstance(where, pa.RecordBatch):
        yield from _sliced(pa.Table.from_batches([where]))
    elif hasattr(where, "__arrow_c_stream__"):
        yield from _sliced(where if isinstance(where, pa.Table) else pa.table(where))
    else:
        yield from _sliced(where.to_arrow())


def _sliced(table: pa.Table) -> Iterator[pa.RecordBatch]:
    found = table.to_batches(max_chunksize=BATCH)
    if found:
        yield from found
    else:
        yield pa.RecordBatch.from_arrays([pa.array([], f.type) for f in table.schema], schema=table.schema)


def _array(values: Any) -> pa.Array:
    """Return a column; values that Arrow cannot hold together become text, as in JSON lines."""
    try:
        return pa.array(values, from_pandas=True)
    except (pa.ArrowException, UnicodeError):
        rows = [{"v": None if isinstance(v, float) and v != v else v} for v in values]
        kinds: dict[str, set[str]] = {}
        for row in rows:
            note_kinds(kinds, row)
        return pa.concat_arrays([b.column(0) for b in batches(rows, kinds)])


def _from_pandas(frame: Any) -> pa.Table:
    names = [str(c) for c in frame.columns]
    return pa.table([_array(frame.iloc[:, i]) for i in range(len(names))], names=names)


def _from_dataset(dataset: Any) -> Iterator[pa.RecordBatch]:
    """Yield batches of a Hugging Face dataset, with ClassLabel codes, alone or in lists, replaced by their names."""
    named = {c: names for c, f in (dataset.features or {}).items() if (names := _class_names(f))}
    for part in dataset.with_format("arrow").iter(BATCH):
        table = part if isinstance(part, pa.Table) else pa.table(part)
        for column, names in named.items():
            table = table.set_column(table.column_names.index(column), column, _named(table[column], names))
        yield from _sliced(table)


def _class_names(feature: Any) -> list[str]:
    """Return the names of a ClassLabel, or of the ClassLabels in a list; nothing for any other feature."""
    inner = getattr(feature, "feature", feature)
    return list(inner.names) if type(inner).__name__ == "ClassLabel" else []


def _named(codes: pa.ChunkedArray, names: list[str]) -> pa.Array:
    def name(code: int | None) -> str | None:
        return names[code] if code is not None and 0 <= code < len(names) else None

    said = [[name(c) for c in v] if isinstance(v, list) else name(v) for v in codes.to_pylist()]
    return pa.array(said, pa.list_(pa.string()) if pa.types.is_nested(codes.type) else pa.string())
