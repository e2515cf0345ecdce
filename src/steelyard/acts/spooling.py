"""Keep a table in memory while it is small, and in a memory-mapped Arrow file when it is not."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

import pyarrow as pa

#: Rows, and bytes, up to which a table stays in memory.
ROWS, BYTES = 200_000, 256 << 20


class Spool:
    """Takes batches of one schema and gives one table.

    folder: where a large table is written, and kept; None: a temporary file that leaves no trace.
    """

    def __init__(self, folder: Path | None, rows: int = ROWS) -> None:
        self.folder, self.most = folder, rows
        self.held: list[pa.RecordBatch] = []
        self.rows = self.bytes = 0
        self.path: Path | None = None
        self.writer: pa.RecordBatchWriter | None = None

    def add(self, batch: pa.RecordBatch) -> None:
        self.rows += batch.num_rows
        self.bytes += batch.nbytes
        self.held.append(batch)
        if self.writer is None and (self.rows > self.most or self.bytes > BYTES):
            if self.folder is not None:
                self.folder.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(suffix=".arrow", prefix="samples-", dir=self.folder)
            os.close(handle)
            self.path = Path(name)
            self.writer = pa.ipc.new_file(name, batch.schema)
        if self.writer is not None:
            for waiting in self.held:
                self.writer.write_batch(waiting)
            self.held.clear()

    def table(self, schema: pa.Schema) -> pa.Table:
        """Return all rows; a written table is mapped, not loaded."""
        if self.writer is None or self.path is None:
            return pa.Table.from_batches(self.held, schema=schema)
        self.writer.close()
        table = pa.ipc.open_file(pa.memory_map(str(self.path))).read_all()
        if self.folder is None:
            with contextlib.suppress(OSError):  # where a mapped file cannot be unlinked it stays in the temp folder
                self.path.unlink()
        return table

    def drop(self) -> None:
        """Remove what was written: reading failed."""
        if self.writer is not None and self.path is not None:
            with contextlib.suppress(OSError, pa.ArrowException):
                self.writer.close()
            self.path.unlink(missing_ok=True)
