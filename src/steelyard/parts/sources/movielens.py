"""MovieLens as published: u.data (100k), ratings.dat (1M, 10M), ratings.csv or .parquet (20M, latest), with movies."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.parquet as pq

from steelyard.errors import DataError
from steelyard.parts.sources import BATCH, Source
from steelyard.parts.sources._delimited import read_delimited

#: File of ratings -> file of movies, of every release.
LAYOUTS = {
    "u.data": "u.item",
    "ratings.dat": "movies.dat",
    "ratings.csv": "movies.csv",
    "ratings.parquet": "movies.parquet",
}
NAMES = ("userId", "movieId", "rating", "timestamp")
#: What stands between the columns of files without a header.
MARKS = {"u.data": "\t", "u.item": "|", "ratings.dat": "::", "movies.dat": "::"}


@dataclass(frozen=True)
class Movielens(Source):
    """One folder, or its file of ratings. The older releases are Latin-1 and have no header."""

    preset: ClassVar[bool] = True
    columns: ClassVar[dict[str, str]] = dict(zip(("user_id", "item_id", "value", "ts"), NAMES, strict=True))

    def opens(self, where: Any) -> bool:
        if not isinstance(where, (str, Path)):
            return False
        found = _ratings(where)
        return found is not None and (
            found.suffix in (".data", ".dat") or (found.parent / LAYOUTS[found.name]).is_file()
        )

    def files(self, where: Any) -> tuple[Path, ...]:
        """Return the file of ratings and that of movies. Raises DataError D154 without ratings."""
        found = _ratings(where)
        if found is None:
            raise DataError("D154", folder=str(where), preset="movielens", missing=" | ".join(LAYOUTS))
        movies = found.parent / LAYOUTS[found.name]
        return (found, movies) if movies.is_file() else (found,)

    def read(self, where: Any) -> Iterator[pa.RecordBatch]:
        return _rows(self.files(where)[0], NAMES)

    def items(self, where: Any) -> pa.Table | None:
        files = self.files(where)
        if len(files) < 2:
            return None
        more = () if files[1].name == "u.item" else ("genres",)  # u.item has a column for each genre, without a name
        table = pa.Table.from_batches(list(_rows(files[1], ("movieId", "title"), more)))
        return table.rename_columns(["item_id", *table.column_names[1:]])


def _ratings(where: Any) -> Path | None:
    """Return the file of ratings that ``where`` is or holds."""
    place = Path(where)
    if place.is_file():
        return place if place.name in LAYOUTS else None
    return next((place / name for name in LAYOUTS if (place / name).is_file()), None)


def _rows(path: Path, names: tuple[str, ...], more: tuple[str, ...] = ()) -> Iterator[pa.RecordBatch]:
    """Yield the named columns; more: those that a file with a header may lack.

    Raises DataError D155 for a header that lacks one of ``names``, D207 for a line of other fields.
    """
    if path.name in MARKS:
        yield from _bare(path, MARKS[path.name], (*names, *more))
        return
    if path.suffix == ".parquet":
        with pq.ParquetFile(path) as file:
            _need(path, file.schema_arrow.names, names)
            there = [n for n in more if n in file.schema_arrow.names]
            yield from file.iter_batches(batch_size=BATCH, columns=[*names, *there])
        return
    for batch in read_delimited(path):
        _need(path, batch.schema.names, names)
        yield batch.select([*names, *(n for n in more if n in batch.schema.names)])


def _bare(path: Path, mark: str, names: tuple[str, ...]) -> Iterator[pa.RecordBatch]:
    """Yield the first columns of a file without header, in Latin-1."""
    text = path.read_bytes().decode("latin-1")
    short = [n for n, line in enumerate(text.splitlines(), 1) if line.strip() and line.count(mark) < len(names) - 1]
    if short:
        lines = ", ".join(map(str, short[:20]))
        raise DataError("D207", file=str(path), count=len(short), lines=lines, mark=mark.replace("\t", "tab"))
    rows = [line.split(mark)[: len(names)] for line in text.splitlines() if line.strip()]
    for start in range(0, len(rows), BATCH):
        part = rows[start : start + BATCH]
        columns = [pa.array([row[i] for row in part], pa.string()) for i in range(len(names))]
        yield pa.RecordBatch.from_arrays(columns, names=list(names))


def _need(path: Path, there: list[str], names: tuple[str, ...]) -> None:
    missing = [n for n in names if n not in there]
    if missing:
        raise DataError("D155", file=str(path), missing=", ".join(missing), known=", ".join(there))
