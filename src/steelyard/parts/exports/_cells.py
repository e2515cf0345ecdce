"""What a text file can hold of an Arrow table: plain cells."""

from __future__ import annotations

import json
import math
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa


def as_json(value: Any) -> Any:
    """Return a value that JSON can hold: dates as ISO texts, decimals as texts, bytes as hex, NaN and inf as null."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {str(k): as_json(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [as_json(v) for v in value]
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, bytes):
        return value.hex()
    return str(value) if isinstance(value, Decimal) else value


def flat(table: pa.Table) -> pa.Table:
    """Return the table with lists and structs as JSON texts, dictionaries as their values, bytes as hex."""
    columns = {name: _flat(table[name]) for name in table.column_names}
    return pa.table(columns)


def _flat(column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _flat(column.cast(kind.value_type))
    if pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        texts = [v if v is None or isinstance(v, str) else _text(v) for v in map(as_json, column.to_pylist())]
        return pa.chunked_array([pa.array(texts, pa.string())])
    return column


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
