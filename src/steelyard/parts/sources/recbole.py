"""RecBole atomic files: .inter with a typed header (user_id:token), .item beside it; one file or a folder."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.compute as pc

from steelyard.errors import DataError
from steelyard.parts.sources import Source, located
from steelyard.parts.sources._delimited import read_delimited

TYPES = ("token", "token_seq", "float", "float_seq")
#: Files of a given split: name.train.inter, name.valid.inter, name.test.inter.
SPLITS = ("train", "valid", "test")


@dataclass(frozen=True)
class Recbole(Source):
    """Types are those of the header: token is text, float a number, _seq a list with blanks between.

    Columns of other names than user_id, item_id (item_id_list), rating and timestamp are recognised by alias. A file
    called ``name.train.inter`` gives its rows that split. Source: RecBole's documentation of atomic files.
    """

    preset: ClassVar[bool] = True
    suffixes: ClassVar[tuple[str, ...]] = (".inter",)
    columns: ClassVar[dict[str, str]] = {
        "user_id": "user_id",
        "item_id": "item_id",
        "items": "item_id_list",
        "value": "rating",
        "ts": "timestamp",
    }

    def opens(self, where: Any) -> bool:
        return isinstance(where, (str, Path)) and any(p.suffix == ".inter" for p in _beside(where))

    def files(self, where: Any) -> tuple[Path, ...]:
        """Return the .inter files. Raises DataError D154 for a folder without one."""
        found = tuple(p for p in located(where) if p.suffix == ".inter")
        if not found:
            raise DataError("D154", folder=str(where), preset="recbole", missing="*.inter")
        return found

    def read_file(self, path: Path) -> Iterator[pa.RecordBatch]:
        split = path.stem.rpartition(".")[2]
        for batch in _typed(path):
            yield batch.append_column("split", pa.array([split] * len(batch))) if split in SPLITS else batch

    def items(self, where: Any) -> pa.Table | None:
        """Return the .item file beside the interactions, its title as one text; None where there is none.

        Raises DataError D155 for one without item_id.
        """
        for path in _beside(where):
            if path.suffix == ".item":
                table = pa.Table.from_batches(list(_typed(path)))
                if "item_id" not in table.column_names:
                    raise DataError("D155", file=str(path), missing="item_id", known=", ".join(table.column_names))
                return _titled(table)
        return None


def _titled(table: pa.Table) -> pa.Table:
    """Return a table of items with a column title, empty where none of its columns is one."""
    own = next((c for c in table.column_names if c.endswith(("title", "name"))), None)
    text = pa.nulls(len(table), pa.string()) if own is None else table[own]
    text = pc.binary_join(text, " ") if pa.types.is_list(text.type) else text
    others = {c: table[c] for c in table.column_names if c not in (own, "title")}
    return pa.table({"title": text, **others})


def _beside(where: Any) -> list[Path]:
    """Return the atomic files of a folder, or of the folder in which the file lies."""
    place = Path(where)
    if place.is_file():
        stem = place.name.split(".")[0]
        return [place, *(p for p in sorted(place.parent.iterdir()) if p.suffix == ".item" and p.stem == stem)]
    return [p for p in sorted(place.iterdir()) if p.suffix in (".inter", ".item")] if place.is_dir() else []


def _typed(path: Path) -> Iterator[pa.RecordBatch]:
    """Yield batches with the types of the header. Raises DataError D205 for a header without, D206 for no number."""
    row = 1
    for batch in read_delimited(path, delimiter="\t"):
        fields = [name.rpartition(":") for name in batch.schema.names]
        wrong = [f"{a}{b}{c}" for a, b, c in fields if not a or c not in TYPES]
        if wrong:
            raise DataError("D205", file=str(path), columns=", ".join(wrong), known=", ".join(TYPES))
        columns = [_cast(c, f[2], f[0], path, row) for c, f in zip(batch.columns, fields, strict=True)]
        row += len(batch)
        yield pa.RecordBatch.from_arrays(columns, names=[f[0] for f in fields])


def _cast(column: pa.Array, kind: str, name: str, path: Path, row: int) -> pa.Array:
    if kind == "token":
        return column
    if kind == "token_seq":
        return pc.split_pattern_regex(column, r"\s+")
    try:
        if kind == "float":
            empty = pc.equal(pc.utf8_trim_whitespace(column), "")
            return pc.if_else(empty, pa.scalar(None, pa.string()), column).cast(pa.float64())
        return pc.split_pattern_regex(column, r"\s+").cast(pa.list_(pa.float64()))
    except pa.ArrowInvalid as e:
        raise DataError("D206", file=str(path), column=name, first=row + 1, reason=str(e)[:120]) from e
