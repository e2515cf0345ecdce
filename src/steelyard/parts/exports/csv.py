"""CSV, for machines: UTF-8 without a mark, cells as they are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pyarrow as pa
import pyarrow.csv as pc

from steelyard.parts.exports import Export
from steelyard.parts.exports._cells import flat


@dataclass(frozen=True)
class Csv(Export):
    """Writes raw cells; an empty cell is null, an empty text is ``""``. Lists become JSON texts.

    For spreadsheets use ``csv_people``: here a cell that starts with = is what it was, and Excel would run it.
    """

    suffix: ClassVar[str] = ".csv"

    def write(self, table: pa.Table, path: Path) -> None:
        pc.write_csv(flat(table), path)
