"""JSON Lines, for machines: one object a line, UTF-8."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pyarrow as pa

from steelyard.parts.exports import Export
from steelyard.parts.exports._cells import as_json

#: Rows turned into Python objects at a time.
BATCH = 10_000
#: Ends of lines to Python and JavaScript, which JSON does not escape by itself.
LINE_ENDS = {c: f"\\u{c:04x}" for c in (0x7F, 0x85, 0x2028, 0x2029)}


@dataclass(frozen=True)
class Jsonl(Export):
    """Writes every row with all its columns; null for what is missing, and for NaN, which JSON does not have."""

    suffix: ClassVar[str] = ".jsonl"

    def write(self, table: pa.Table, path: Path) -> None:
        with path.open("w", encoding="utf-8", newline="\n") as file:
            for batch in table.to_batches(max_chunksize=BATCH):
                file.writelines(_line(row) for row in batch.to_pylist())


def _line(row: dict[str, object]) -> str:
    """One line; characters that some readers take for the end of a line are escaped."""
    return json.dumps(as_json(row), ensure_ascii=False, allow_nan=False).translate(LINE_ENDS) + "\n"
