"""Parquet, Arrow IPC and Feather files, read group by group."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pyarrow as pa
import pyarrow.parquet as pq

from steelyard.errors import DataError
from steelyard.parts.sources import BATCH, Source


@dataclass(frozen=True)
class Parquet(Source):
    """Columns keep their types. Raises DataError D147 for a truncated or damaged file."""

    suffixes: ClassVar[tuple[str, ...]] = (".parquet", ".pq", ".arrow", ".feather", ".ipc")

    def read_file(self, path: Path) -> Iterator[pa.RecordBatch]:
        try:
            yield from _parquet(path) if path.suffix.lower() in (".parquet", ".pq") else _ipc(path)
        except (pa.ArrowException, EOFError, UnicodeDecodeError) as e:
            raise DataError("D147", file=str(path), reason=str(e).split("\n")[0][:200].rstrip(".")) from e
        except OSError as e:
            if e.errno is not None:  # no permission, no disk: not the file's fault
                raise
            raise DataError("D147", file=str(path), reason=str(e).split("\n")[0][:200].rstrip(".")) from e


def _parquet(path: Path) -> Iterator[pa.RecordBatch]:
    with pq.ParquetFile(path) as file:
        none = True
        for batch in file.iter_batches(batch_size=BATCH):
            none = False
            yield batch
        if none:
            yield from file.schema_arrow.empty_table().to_batches(max_chunksize=BATCH) or [_empty(file.schema_arrow)]


def _ipc(path: Path) -> Iterator[pa.RecordBatch]:
    with pa.memory_map(str(path)) as mapped:
        start = mapped.read(6)
        mapped.seek(0)
        if start == b"ARROW1":
            reader = pa.ipc.open_file(mapped)
            supply = (reader.get_batch(i) for i in range(reader.num_record_batches))
        else:
            reader = pa.ipc.open_stream(mapped)
            supply = iter(reader)
        none = True
        for batch in supply:
            none = False
            for start_row in range(0, max(batch.num_rows, 1), BATCH):
                yield batch.slice(start_row, BATCH)
        if none:
            yield _empty(reader.schema)


def _empty(schema: pa.Schema) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([pa.array([], f.type) for f in schema], schema=schema)
