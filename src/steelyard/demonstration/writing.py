"""Write a generated table where the demo reads it."""

from __future__ import annotations

import csv
from pathlib import Path

import pyarrow as pa


def as_csv(table: pa.Table, path: Path) -> Path:
    """Write a table as CSV (UTF-8, comma, ``\\n``), its folder made if absent; return the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, table.column_names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(table.to_pylist())
    return path
