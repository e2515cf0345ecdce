"""Standard input (`-`): CSV, TSV or JSON lines, told apart by the first character."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from steelyard import parts
from steelyard.parts.sources import Source
from steelyard.parts.sources._opening import head


@dataclass(frozen=True)
class Stdin(Source):
    """The stream is kept in a temporary file while it is read. encoding: default UTF-8."""

    encoding: str | None = None

    def opens(self, where: Any) -> bool:
        return isinstance(where, (str, Path)) and str(where) == "-"

    def files(self, where: Any) -> tuple[Path, ...]:
        return ()

    def read(self, where: Any) -> Iterator[pa.RecordBatch]:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "stdin"
            with path.open("wb") as kept:
                shutil.copyfileobj(sys.stdin.buffer, kept)
            kind = "jsonl" if head(path, 64).lstrip(b"\xef\xbb\xbf \r\n\t")[:1] in (b"{", b"[") else "csv"
            yield from parts.make("sources", kind, encoding=self.encoding).read_file(path)
