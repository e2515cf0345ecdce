"""Parquet, for machines: every column with its type."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pyarrow as pa
import pyarrow.parquet as pq

from steelyard.parts.exports import Export


@dataclass(frozen=True)
class Parquet(Export):
    """Writes the table as it is; reading gives an equal table."""

    suffix: ClassVar[str] = ".parquet"

    def write(self, table: pa.Table, path: Path) -> None:
        pq.write_table(table, path, compression="zstd")
