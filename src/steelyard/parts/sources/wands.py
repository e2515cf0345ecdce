"""WANDS of Wayfair: query.csv, product.csv and label.csv in one folder, joined (tabs inside)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.compute as pc

from steelyard.errors import DataError
from steelyard.parts.sources import Source
from steelyard.parts.sources._delimited import read_delimited

NAMES = ("label.csv", "query.csv", "product.csv")


@dataclass(frozen=True)
class Wands(Source):
    """A product or query that label.csv names and its file lacks has null text."""

    preset: ClassVar[bool] = True
    columns: ClassVar[dict[str, str]] = {
        "query_id": "query_id",
        "query": "query",
        "product_id": "product_id",
        "title": "product_name",
        "description": "product_description",
        "category": "product_class",
        "label": "label",
    }
    labels: ClassVar[tuple[str, ...]] = ("Irrelevant", "Partial", "Exact")
    gains: ClassVar[tuple[float, ...]] = (0.0, 0.5, 1.0)

    def opens(self, where: Any) -> bool:
        return isinstance(where, (str, Path)) and all((Path(where) / n).is_file() for n in NAMES)

    def files(self, where: Any) -> tuple[Path, ...]:
        missing = [n for n in NAMES if not (Path(where) / n).is_file()]
        if missing:
            raise DataError("D154", folder=str(where), preset="wands", missing=", ".join(missing))
        return tuple(Path(where) / n for n in NAMES)

    def read(self, where: Any) -> Iterator[pa.RecordBatch]:
        labels, queries, products = self.files(where)
        query = _table(queries, "query_id", ("query", "query_class"))
        product = _table(products, "product_id", ("product_name", "product_description", "product_class"))
        for batch in read_delimited(labels):
            _need(labels, batch.schema.names, ("query_id", "product_id", "label"))
            out = {n: batch[n] for n in ("query_id", "product_id", "label")}
            for key, table in (("query_id", query), ("product_id", product)):
                rows = pc.index_in(batch[key], table[key])
                out |= {n: table[n].take(rows) for n in table.column_names if n != key}
            yield pa.RecordBatch.from_arrays([_whole(c) for c in out.values()], names=list(out))


def _whole(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    return pa.concat_arrays(whole.chunks) if isinstance(whole, pa.ChunkedArray) else whole


def _table(path: Path, key: str, columns: tuple[str, ...]) -> pa.Table:
    table = pa.Table.from_batches(list(read_delimited(path)))
    _need(path, table.column_names, (key, columns[0]))
    return table.select([key, *(c for c in columns if c in table.column_names)]).combine_chunks()


def _need(path: Path, names: list[str], needed: tuple[str, ...]) -> None:
    missing = [n for n in needed if n not in names]
    if missing:
        raise DataError("D155", file=str(path), missing=", ".join(missing), known=", ".join(names))
