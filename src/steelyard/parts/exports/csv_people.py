"""CSV, for people and spreadsheets: Excel shows its Chinese, and no cell is run as a formula."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pcsv

from steelyard.parts.exports import Export
from steelyard.parts.exports._cells import flat

#: A text that a spreadsheet may run: = + - @ at its start, full-width too, also behind blanks; or a tab, CR or LF.
FORMULA = r"^(?:[\t\r\n]|[\s\p{Zs}]*[=+\-@＝＋－＠])"


@dataclass(frozen=True)
class CsvPeople(Export):
    """Writes UTF-8 with a byte order mark; texts that start like a formula get an apostrophe in front.

    Numbers stay numbers (-3.5 is not touched). The guard changes data: do not read this file back, use ``csv``.
    Source: OWASP, CSV Injection.
    """

    suffix: ClassVar[str] = ".csv"

    def write(self, table: pa.Table, path: Path) -> None:
        table = flat(table)
        guarded = [_guarded(table[name]) for name in table.column_names]
        names = _guarded(pa.chunked_array([pa.array(table.column_names, pa.string())])).to_pylist()
        with path.open("wb") as file:
            file.write(b"\xef\xbb\xbf")
            pcsv.write_csv(pa.table(guarded, names=names), file)


def _guarded(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if not pa.types.is_string(column.type) and not pa.types.is_large_string(column.type):
        return column
    return pc.if_else(pc.match_substring_regex(column, FORMULA), pc.binary_join_element_wise("'", column, ""), column)
