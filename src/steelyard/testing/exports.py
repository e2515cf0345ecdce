"""What every export keeps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa

from steelyard.testing.holding import hold

#: Cells that break careless writers: formulas, separators, quotes, line ends, Chinese, null.
CELLS = ["=1+1", "a,b", 'say "hi"', "two\nlines", "", None, "保温杯 ５００ｍｌ", "\ttab", "\u2028"]


def check_export(export: Any, folder: Path) -> None:
    """Hold an Export to its contract in an empty folder: its suffix, one file, the same bytes twice, an empty table.

    What a reader gets back is a matter of the format; test that beside this.
    """
    hold(export.suffix.startswith("."), export, "must have a suffix such as .csv")
    n = len(CELLS)
    keys = [f"k{i}" for i in range(n)]
    table = pa.table(
        {
            "row_key": keys,
            "query_id": ["q1"] * n,
            "product_id": keys,
            "query": CELLS,
            "label": [str(i % 3) for i in range(n)],
            "suspicion": [i / n for i in range(n)],
        }
    )
    before = table.slice(0)
    target = folder / f"out{export.suffix}"
    export.write(table, target)
    hold([p.name for p in folder.iterdir()] == [target.name], export, "must write the one file that it was given")
    first = target.read_bytes()
    hold(first, export, "must write something")
    hold(table.equals(before), export, "must leave the table alone")
    export.write(table, target)
    hold(target.read_bytes() == first, export, "must write the same bytes for the same table, over what was there")
    export.write(table.slice(0, 0), target)
    hold(len(target.read_bytes()) < len(first), export, "must write a table without rows")
