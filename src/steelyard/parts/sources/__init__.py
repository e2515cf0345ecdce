"""Source: reads one kind of file or table and yields Arrow batches of the user's own columns."""

from __future__ import annotations

import glob
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa

from steelyard import parts
from steelyard.errors import DataError, EnvironmentProblem, UsageError, nearest

#: Rows of one batch; small enough that long texts stay within memory.
BATCH = 16_384
#: Files beside the data that are not data.
_BESIDE = (".md", ".txt", ".yaml", ".yml", ".html", ".pdf", ".py")


@dataclass(frozen=True)
class Source:
    """Contract of a source; a file in this folder holds one subclass, the file name is its name.

    suffixes: file endings it opens by default, such as ``.csv`` or ``.csv.gz``.
    preset: True where the format fixes what the columns mean; presets are asked before plain formats.
    columns: canonical name -> column, where the format fixes them; empty: recognise by alias.
    labels: the label names of a preset, worst first; empty: read them from the data.
    gains: their worth, aligned with ``labels``.
    features: the two list columns (index from 0, value) of given numeric features, where the format has them.
    """

    suffixes: ClassVar[tuple[str, ...]] = ()
    preset: ClassVar[bool] = False
    columns: ClassVar[dict[str, str]] = {}
    labels: ClassVar[tuple[str, ...]] = ()
    gains: ClassVar[tuple[float, ...]] = ()
    features: ClassVar[tuple[str, ...]] = ()

    def opens(self, where: Any) -> bool:
        """Say whether this source reads ``where`` when nobody names a source: by suffix, folder content or type."""
        if not self.suffixes or not is_place(where):
            return False
        found = located(where)
        return bool(found) and all(str(f).lower().endswith(self.suffixes) for f in found)

    def files(self, where: Any) -> tuple[Path, ...]:
        """Return the files that ``where`` consists of (they make the fingerprint); () for a table in memory."""
        return located(where) if is_place(where) else ()

    def read(self, where: Any) -> Iterator[pa.RecordBatch]:
        """Yield batches of at most a few 10,000 rows; all batches share one schema, over all files.

        Raises DataError with file, line and remedy. Never drops a row silently.
        """
        first: pa.Schema | None = None
        for path in self.files(where):
            for batch in self.read_file(path):
                first = first or batch.schema
                yield batch if batch.schema == first else _aligned(batch, first, path)

    def items(self, where: Any) -> pa.Table | None:
        """Return the table of items that comes with the interactions of ``where``; None where there is none."""
        return None

    def read_file(self, path: Path) -> Iterator[pa.RecordBatch]:
        """Yield the batches of one file."""
        raise NotImplementedError


def _aligned(batch: pa.RecordBatch, schema: pa.Schema, path: Path) -> pa.RecordBatch:
    """Return the batch in the schema of the first file. Raises DataError D151 where that cannot be."""
    missing = [n for n in schema.names if n not in batch.schema.names]
    more = [n for n in batch.schema.names if n not in schema.names]
    if missing or more:
        raise DataError("D151", file=str(path), missing=", ".join(missing) or "-", more=", ".join(more) or "-")
    try:
        return pa.RecordBatch.from_arrays([batch[n].cast(schema.field(n).type) for n in schema.names], schema=schema)
    except pa.ArrowException as e:
        raise DataError("D152", file=str(path), reason=str(e)[:200]) from e


def is_place(where: Any) -> bool:
    """Say whether ``where`` names files: a path, a pattern, or a list of paths; ``-`` is standard input."""
    if isinstance(where, (str, Path)):
        return str(where) != "-"
    return isinstance(where, (list, tuple)) and bool(where) and all(isinstance(w, (str, Path)) for w in where)


def located(where: Any) -> tuple[Path, ...]:
    """Return the files of a path, a folder, a glob pattern or a list of these, sorted within each pattern.

    Raises DataError D153 with the nearest name when there is no such file, EnvironmentProblem E230 without
    permission to look.
    """
    if isinstance(where, (list, tuple)):
        return tuple(f for w in where for f in located(w))
    path = Path(where)
    try:
        if path.is_dir():
            found = sorted(path.iterdir())
            return tuple(f for f in found if f.is_file() and f.name[0] not in "._" and f.suffix.lower() not in _BESIDE)
        if path.exists():
            return (path,)
        matches = sorted(Path(m) for m in glob.glob(str(where))) if glob.has_magic(str(where)) else []
        if matches:
            return tuple(m for m in matches if m.is_file())
    except PermissionError as e:
        raise EnvironmentProblem("E230", file=str(where)) from e
    except (OSError, ValueError):  # a name too long, or with a NUL: no such file
        matches = []
    raise DataError("D153", file=str(where), folder=str(path.parent), near=_near(path) or "-")


def _near(path: Path) -> str:
    try:
        return nearest(path.name, [p.name for p in path.parent.iterdir()])
    except (OSError, ValueError):
        return ""


def choose(where: Any, preset: str | None = None, **options: Any) -> Source:
    """Return the source that reads ``where``.

    preset: the name of a source (``esci``); without it every source is asked ``opens``, presets first.
    options: fields of the source (``encoding="gb18030"``).
    Raises DataError D153 (no such file), UsageError U103 (nothing opens it), U104 (two presets fit),
    U105 and U107 (unknown source or option).
    """
    if preset is not None:
        source: Source = parts.make("sources", preset, **options)
        return source
    if is_place(where):
        located(where)
    classes = {name: parts.find("sources", name) for name in parts.names("sources")}
    fitting = [name for name, cls in classes.items() if cls().opens(where)]
    presets = [name for name in fitting if classes[name].preset]
    if len(presets) > 1:
        raise UsageError("U104", file=str(where), presets=", ".join(presets))
    if not fitting:
        suffixes = sorted({s for cls in classes.values() for s in cls.suffixes})
        known = [name for name, cls in classes.items() if cls.preset]
        shown = str(where) if is_place(where) else type(where).__name__
        raise UsageError("U103", file=shown[:200], suffixes=" ".join(suffixes), presets=", ".join(known))
    chosen: Source = parts.make("sources", (presets or fitting)[0], **options)
    return chosen
