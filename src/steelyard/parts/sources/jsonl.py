"""JSON lines, one object a line, also .gz and .zst; a .json file may be one list of objects."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa

from steelyard.errors import DataError
from steelyard.parts.sources import Source
from steelyard.parts.sources._delimited import Faults
from steelyard.parts.sources._objects import batches, note_kinds
from steelyard.parts.sources._opening import Survey, head, open_bytes, survey


@dataclass(frozen=True)
class Jsonl(Source):
    """Columns are the keys of all objects; values that do not go together become text. encoding: default UTF-8."""

    suffixes: ClassVar[tuple[str, ...]] = tuple(
        s + p for s in (".jsonl", ".ndjson", ".json") for p in ("", ".gz", ".zst")
    )
    encoding: str | None = None

    def read_file(self, path: Path) -> Iterator[pa.RecordBatch]:
        """Yield batches; reads twice, first for the columns. Raises DataError D145 with every bad line's number."""
        look = survey(path, self.encoding)
        faults, seen = Faults(path), 0
        kinds: dict[str, set[str]] = {}
        for row in _objects(path, look, faults):
            note_kinds(kinds, row)
            seen += 1
        faults.raise_if_any()
        if not seen:
            raise DataError("D140", file=str(path))
        yield from batches(_objects(path, look, faults), kinds)


def _objects(path: Path, look: Survey, faults: Faults) -> Iterator[dict[str, Any]]:
    if head(path, 64).decode(look.encoding, "ignore").lstrip()[:1] == "[":
        yield from _listed(path, look, faults)
        return
    with io.TextIOWrapper(open_bytes(path), encoding=look.encoding, newline="\n") as stream:
        for number, line in enumerate(stream, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except (ValueError, RecursionError) as e:
                faults.add("D145", f"{number} ({getattr(e, 'msg', type(e).__name__)})")
                continue
            if isinstance(row, dict):
                yield row
            else:
                faults.add("D145", f"{number} ({type(row).__name__})")


def _listed(path: Path, look: Survey, faults: Faults) -> Iterator[dict[str, Any]]:
    """Yield the objects of a file that is one JSON list; such a file is read whole."""
    with open_bytes(path) as stream:
        text = stream.read().decode(look.encoding)
    try:
        rows = json.loads(text)
    except (ValueError, RecursionError) as e:
        faults.add("D145", f"{getattr(e, 'lineno', 1)} ({getattr(e, 'msg', type(e).__name__)})")
        return
    for number, row in enumerate(rows, 1):
        if isinstance(row, dict):
            yield row
        else:
            faults.add("D145", f"#{number} ({type(row).__name__})")
