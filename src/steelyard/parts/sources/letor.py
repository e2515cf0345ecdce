"""LETOR, LibSVM and RankLib: `grade qid:1 1:0.5 2:0.1 # comment`, with given features."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa

from steelyard.parts.sources import BATCH, Source, is_place, located
from steelyard.parts.sources._delimited import Faults
from steelyard.parts.sources._opening import head, open_bytes, survey

_DOCID = re.compile(r"docid\s*=\s*(\S+)", re.IGNORECASE)
_LINE = re.compile(rb"^\s*[-+.\deE]+\s+qid:\S+")
#: Highest feature number; above it the number is a slip, and the dense table would not fit.
MOST = 10_000


@dataclass(frozen=True)
class Letor(Source):
    """Rows of one qid must lie together. A comment gives ``docid`` and, in ltr files, the query's text."""

    preset: ClassVar[bool] = True
    suffixes: ClassVar[tuple[str, ...]] = (".letor", ".libsvm", ".svmlight", ".ranklib")
    features: ClassVar[tuple[str, ...]] = ("feature_index", "feature_value")
    columns: ClassVar[dict[str, str]] = {
        "label": "label",
        "query_id": "query_id",
        "product_id": "product_id",
        "query": "query",
    }

    def opens(self, where: Any) -> bool:
        if super().opens(where):
            return True
        if not is_place(where):
            return False
        files = located(where)
        return bool(files) and all(_LINE.match(_first_line(f)) is not None for f in files)

    def read_file(self, path: Path) -> Iterator[pa.RecordBatch]:
        """Yield batches. Raises DataError D156 (lines not in the format), D157 (a qid that comes back later)."""
        encoding = survey(path).encoding
        faults = Faults(path)
        finished: set[str] = set()
        current: str | None = None
        rows: list[tuple[str, str, str | None, str | None, list[int], list[float]]] = []
        with open_bytes(path) as stream:
            for number, raw in enumerate(stream, 1):
                line = raw.decode(encoding, "replace")
                if not line.split("#", 1)[0].strip():
                    continue
                try:
                    row = _parse(line)
                except ValueError:
                    faults.add("D156", str(number))
                    continue
                if row[1] != current:
                    if row[1] in finished:
                        faults.add("D157", f"{number} (qid:{row[1]})")
                    finished.add(row[1])
                    current = row[1]
                rows.append(row)
                if len(rows) == BATCH:
                    if not faults.count:
                        yield _batch(rows)
                    rows = []
        faults.raise_if_any()
        yield _batch(rows)


def _first_line(path: Path) -> bytes:
    lines = [x for x in head(path, 4096).split(b"\n") if x.strip() and not x.startswith(b"#")]
    return lines[0] if lines else b""


def _parse(line: str) -> tuple[str, str, str | None, str | None, list[int], list[float]]:
    body, _, comment = line.partition("#")
    fields = body.split()
    if len(fields) < 2 or not fields[1].startswith("qid:") or not fields[1][4:]:
        raise ValueError("no qid")
    float(fields[0])
    index, value = [], []
    for field in fields[2:]:
        name, _, number = field.partition(":")
        if not 0 <= int(name) <= MOST:
            raise ValueError("feature number")
        index.append(int(name))
        value.append(float(number))
    docid, query = _comment(comment.strip())
    return fields[0], fields[1][4:], docid, query, index, value


def _comment(text: str) -> tuple[str | None, str | None]:
    found = _DOCID.search(text)
    if found:
        return found.group(1), None
    docid, _, query = text.partition(" ")
    return docid or None, query.strip() or None


def _batch(rows: list[Any]) -> pa.RecordBatch:
    schema = pa.schema(
        [
            ("label", pa.string()),
            ("query_id", pa.string()),
            ("product_id", pa.string()),
            ("query", pa.string()),
            ("feature_index", pa.list_(pa.int32())),
            ("feature_value", pa.list_(pa.float32())),
        ]
    )
    columns = zip(*rows, strict=True) if rows else [()] * len(schema)
    return pa.RecordBatch.from_arrays(
        [pa.array(c, f.type) for c, f in zip(columns, schema, strict=True)], schema=schema
    )
