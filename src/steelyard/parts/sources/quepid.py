"""Quepid's CSV of ratings: query, docid, rating; empty ratings are unlabelled rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.compute as pc

from steelyard.errors import DataError
from steelyard.parts.sources import Source, is_place, located
from steelyard.parts.sources._delimited import read_delimited
from steelyard.parts.sources._opening import head


@dataclass(frozen=True)
class Quepid(Source):
    """Blank lines between queries are no rows; the blank before = + - @, a guard against formulas, is cut."""

    preset: ClassVar[bool] = True
    columns: ClassVar[dict[str, str]] = {"query": "query", "product_id": "docid", "label": "rating"}

    def opens(self, where: Any) -> bool:
        if not is_place(where):
            return False
        files = located(where)
        return bool(files) and all(f.suffix.lower() == ".csv" and _header(f) == "query,docid,rating" for f in files)

    def read_file(self, path: Path) -> Iterator[pa.RecordBatch]:
        for batch in read_delimited(path, delimiter=","):
            names = [n.lower() for n in batch.schema.names]
            missing = [n for n in ("query", "docid", "rating") if n not in names]
            if missing:
                raise DataError("D155", file=str(path), missing=", ".join(missing), known=", ".join(names))
            columns = list(batch.columns)
            at = names.index("query")
            columns[at] = pc.replace_substring_regex(columns[at], r"^ ([=+\-@])", r"\1")
            yield pa.RecordBatch.from_arrays(columns, names=names)


def _header(path: Path) -> str:
    line = head(path, 4096).lstrip(b"\xef\xbb\xbf").split(b"\n", 1)[0]
    return line.decode("utf-8", "replace").strip().lower().replace('"', "")
