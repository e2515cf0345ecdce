"""Source: reads one kind of file or table and yields Arrow batches of the user's own columns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa


@dataclass(frozen=True)
class Source:
    """Contract of a source; a file in this folder holds one subclass, the file name is its name.

    suffixes: file endings it opens by default, such as ``.csv`` or ``.csv.gz``.
    columns: canonical name -> column, where the format fixes them (a preset); empty: recognise by alias.
    labels: the label names of a preset, worst first; empty: read them from the data.
    gains: their worth, aligned with ``labels``.
    """

    suffixes: ClassVar[tuple[str, ...]] = ()
    columns: ClassVar[dict[str, str]] = {}
    labels: ClassVar[tuple[str, ...]] = ()
    gains: ClassVar[tuple[float, ...]] = ()

    def opens(self, where: Any) -> bool:
        """Say whether this source reads ``where`` when nobody names a source: by suffix, folder content or type."""
        return isinstance(where, (str, Path)) and str(where).lower().endswith(self.suffixes)

    def files(self, where: Any) -> tuple[Path, ...]:
        """Return the files that ``where`` consists of (they make the fingerprint); () for a table in memory."""
        return (Path(where),) if isinstance(where, (str, Path)) else ()

    def read(self, where: Any) -> Iterator[pa.RecordBatch]:
        """Yield batches of at most a few 10,000 rows; all batches share one schema.

        Raises DataError with file, line and remedy. Never drops a row silently.
        """
        raise NotImplementedError
