"""CSV and TSV files, also .gz and .zst; finds the delimiter, names every bad line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pyarrow as pa

from steelyard.errors import UsageError
from steelyard.parts.sources import Source
from steelyard.parts.sources._delimited import read_delimited


@dataclass(frozen=True)
class Csv(Source):
    """Every column is text. encoding: default UTF-8 (or UTF-16 with its mark); delimiter: default found.

    errors: ``report`` is the only way: bad rows are named all together, none is dropped.
    max_field_lines: a quoted field over more lines is taken for an unclosed quote.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".csv", ".tsv", ".csv.gz", ".tsv.gz", ".csv.zst", ".tsv.zst")
    encoding: str | None = None
    delimiter: str | None = None
    errors: str = "report"
    max_field_lines: int = 60

    def __post_init__(self) -> None:
        if self.errors != "report":
            raise UsageError("U108", value=self.errors)

    def read_file(self, path: Path) -> Iterator[pa.RecordBatch]:
        return read_delimited(path, self.encoding, self.delimiter, self.max_field_lines)
