"""Label Studio tasks: a JSON list, one task a row, its columns as data."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pyarrow as pa

from steelyard.parts.exports import Export
from steelyard.parts.exports._cells import as_json

#: Columns that people fill in elsewhere than in Label Studio.
BLANK = ("answer", "note")


@dataclass(frozen=True)
class LabelStudio(Export):
    """Writes ``[{"data": {column: value}}]``; empty cells are ``""``, since its templates show null as a word.

    Source: Label Studio's import format; docs/review.md has a labelling configuration that reads it.
    """

    suffix: ClassVar[str] = ".json"

    def write(self, table: pa.Table, path: Path) -> None:
        rows = table.drop_columns([c for c in BLANK if c in table.column_names]).to_pylist()
        tasks = [{"data": {k: "" if v is None else as_json(v) for k, v in row.items()}} for row in rows]
        path.write_text(json.dumps(tasks, ensure_ascii=False, allow_nan=False, indent=1) + "\n", encoding="utf-8")
