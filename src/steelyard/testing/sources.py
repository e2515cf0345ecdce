"""What every source keeps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from steelyard.errors import SteelyardError
from steelyard.testing.holding import hold


def check_source(source: Any, where: Any, rows: Sequence[Mapping[str, Any]] | int, *, nowhere: Any = None) -> None:
    """Hold a Source to its contract on a file of yours: one schema, every row, the same twice, coded errors.

    rows: what the file holds, as the source gives it, or how many rows. nowhere: a place that is not there, where the
    source must raise one of our errors.
    """
    batches = list(source.read(where))
    hold(all(isinstance(b, pa.RecordBatch) for b in batches), source, "must yield Arrow record batches")
    hold(len({b.schema for b in batches}) <= 1, source, "must yield batches of one schema")
    table = pa.Table.from_batches(batches) if batches else pa.table({})
    many = rows if isinstance(rows, int) else len(rows)
    hold(table.num_rows == many, source, f"gives {table.num_rows} of {many} rows")
    if not isinstance(rows, int):
        for at, (got, want) in enumerate(zip(table.to_pylist(), rows, strict=True)):
            hold(got == dict(want), source, f"reads row {at} as {got}, not {dict(want)}")
    hold(list(source.read(where)) == batches, source, "must read the same twice")
    hold(source.opens(where) or source.preset or not source.suffixes, source, "must open the file by its suffix")
    if nowhere is not None:
        try:
            list(source.read(nowhere))
        except SteelyardError:
            return
        hold(False, source, "must raise a coded error for a place that is not there")
