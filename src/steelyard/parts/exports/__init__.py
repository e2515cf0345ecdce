"""Export: writes a result in a format that other tools read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pyarrow as pa


@dataclass(frozen=True)
class Export:
    """Contract of an export of a table. suffix: ending of the file it writes."""

    suffix: ClassVar[str] = ""

    def write(self, table: pa.Table, path: Path) -> None:
        """Write ``table`` to ``path``; the caller makes the write atomic."""
        raise NotImplementedError
