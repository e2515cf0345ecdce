"""Blocks of a table that travel: a slice of some columns as Arrow IPC bytes, not the whole table behind the slice."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pyarrow as pa

ROWS_AT_ONCE = 50_000


def spans(rows: int, at_once: int = ROWS_AT_ONCE) -> list[tuple[int, int]]:
    """Return (start, stop) of the blocks of ``rows``; one empty block for an empty table."""
    return [(s, min(s + at_once, rows)) for s in range(0, rows, at_once)] or [(0, 0)]


def packed(table: pa.Table, columns: Iterable[str]) -> Iterator[bytes]:
    """Yield the blocks of the named columns, in order."""
    chosen = table.select(list(columns))
    for start, stop in spans(table.num_rows):
        sink = pa.BufferOutputStream()
        block = chosen.slice(start, stop - start).combine_chunks()
        with pa.ipc.new_stream(sink, block.schema) as out:
            out.write_table(block)
        yield sink.getvalue().to_pybytes()


def unpacked(block: bytes) -> pa.Table:
    """Return the rows of one block."""
    return pa.ipc.open_stream(block).read_all()
