"""Times of a table as numbers: seconds, milliseconds, dates and stamps become one float a row, NaN where unknown."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from steelyard.acts.cleaning import NOTHING
from steelyard.values.arrays import Floats

#: A number of this size or more is milliseconds, microseconds, nanoseconds: in seconds it lies after the year 5138.
_UNITS = ((1e17, 1e9), (1e14, 1e6), (1e11, 1e3))
FORMATS = ("%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M", "%Y/%m/%d", "%Y%m%d", "%d.%m.%Y", "%m %d, %Y")


def numbers(column: pa.Array) -> tuple[Floats, int]:
    """Return (n,) float64 and how many cells hold something that is no number; those and empty cells are NaN."""
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.int8())
    if pa.types.is_integer(column.type) or pa.types.is_floating(column.type) or pa.types.is_decimal(column.type):
        return column.cast(pa.float64()).to_numpy(zero_copy_only=False), 0
    text = pc.utf8_trim_whitespace(column.cast(pa.string()))
    empty = pc.is_in(text, pa.array(NOTHING))
    known = pc.if_else(pc.fill_null(empty, True), pa.scalar(None, pa.string()), text)
    try:
        return known.cast(pa.float64()).to_numpy(zero_copy_only=False), 0
    except pa.ArrowInvalid:
        found = np.array([_number(t) for t in known.to_pylist()], dtype=np.float64)
        return found, int((np.isnan(found) & ~np.asarray(known.is_null())).sum())


def seconds(column: pa.Array) -> tuple[Floats, int]:
    """Return (n,) seconds since 1970 (numbers keep their own unit, see ``scale``), and how many cells are no time."""
    kind = column.type
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        micro = column.cast(pa.timestamp("us", getattr(kind, "tz", None))).cast(pa.int64())
        return micro.cast(pa.float64()).to_numpy(zero_copy_only=False) / 1e6, 0
    found, wrong = numbers(column)
    if not wrong:
        return found, 0
    texts = column.cast(pa.string()).to_pylist()
    for row in np.flatnonzero(np.isnan(found)):
        text = (texts[row] or "").strip()
        if text not in NOTHING:
            found[row] = _stamp(text)
            wrong -= not np.isnan(found[row])
    return found, wrong


def scale(ts: Floats) -> float:
    """Return what turns the numbers of a column into seconds: 1, or 1/1e3, 1/1e6, 1/1e9 by the size of the median."""
    known = np.abs(ts[np.isfinite(ts)])
    middle = float(np.median(known)) if len(known) else 0.0
    return next((1 / unit for least, unit in _UNITS if middle >= least), 1.0)


def _number(text: str | None) -> float:
    try:
        return float(text) if text is not None else np.nan
    except ValueError:
        return np.nan


def _stamp(text: str) -> float:
    """Return seconds of a date as people write it, as UTC where no zone is named; NaN for anything else."""
    try:
        return _utc(datetime.fromisoformat(text))
    except ValueError:
        pass
    for form in FORMATS:
        try:
            return _utc(datetime.strptime(text, form))
        except ValueError:
            continue
    return np.nan


def _utc(when: datetime) -> float:
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()
