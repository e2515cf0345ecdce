"""Turn objects (dicts) into Arrow batches of one schema: see all of them once, then convert."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

import numpy as np
import pyarrow as pa

from steelyard.parts.sources import BATCH


def unbroken(text: str) -> str:
    """Return text without lone surrogates, which no file can hold: each becomes U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace") if not text.isascii() else text


def note_kinds(kinds: dict[str, set[str]], row: Mapping[Any, Any]) -> None:
    """Add the kind of every value to ``kinds`` (column -> kinds seen)."""
    for key, value in row.items():
        kinds.setdefault(unbroken(str(key)), set()).add(kind_of(value))


def kind_of(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, (bool, np.bool_)):
        return "bool"
    if isinstance(value, (int, np.integer)):
        return "int" if -(2**63) <= value < 2**63 else "other"
    if isinstance(value, (float, np.floating)):
        return "float"
    if isinstance(value, str):
        return "str"
    return "list" if isinstance(value, (list, tuple, np.ndarray)) else "other"


def type_of(kinds: set[str]) -> pa.DataType:
    """Return the Arrow type that holds all kinds: text when they do not go together."""
    seen = kinds - {"null"}
    if seen == {"bool"}:
        return pa.bool_()
    if seen == {"int"}:
        return pa.int64()
    if seen and seen <= {"int", "float"}:
        return pa.float64()
    return pa.list_(pa.string()) if seen == {"list"} else pa.string()


def text_of(value: Any) -> str | None:
    """Return a value as text: JSON for what is not text."""
    if value is None or isinstance(value, str):
        return None if value is None else unbroken(value)
    return unbroken(json.dumps(value, ensure_ascii=False, default=str))


def batches(rows: Iterable[Mapping[Any, Any]], kinds: Mapping[str, set[str]]) -> Iterator[pa.RecordBatch]:
    """Yield record batches; every column that occurs anywhere is there, null where a row lacks it."""
    schema = pa.schema([(name, type_of(seen)) for name, seen in kinds.items()])
    supply = iter(rows)
    while part := [{unbroken(str(k)): v for k, v in row.items()} for row in islice(supply, BATCH)]:
        columns = [_column([row.get(f.name) for row in part], f.type) for f in schema]
        yield pa.RecordBatch.from_arrays(columns, schema=schema)


def _column(values: list[Any], kind: pa.DataType) -> pa.Array:
    if pa.types.is_string(kind):
        return pa.array([text_of(v) for v in values], kind)
    if pa.types.is_list(kind):
        return pa.array([None if v is None else [text_of(x) for x in v] for v in values], kind)
    if pa.types.is_floating(kind):
        return pa.array([None if v is None else float(v) for v in values], kind)
    return pa.array(values, kind)
