"""Amazon ESCI (shopping queries): examples and products joined on locale and product id."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from steelyard.errors import DataError, UsageError
from steelyard.parts.sources import BATCH, Source

TEXTS = ("product_title", "product_description", "product_brand", "product_color")
KEY = ("product_locale", "product_id")


@dataclass(frozen=True)
class Esci(Source):
    """A folder with ``*examples*.parquet`` and ``*products*.parquet``, or one file that is joined already.

    version: ``small`` or ``large`` keeps the rows of that version; default all. A product that is not in the
    products file has null text. Memory: the keys of both files; product texts lie in a temporary mapped file.
    """

    preset: ClassVar[bool] = True
    columns: ClassVar[dict[str, str]] = {
        "query_id": "query_id",
        "query": "query",
        "product_id": "product_id",
        "title": "product_title",
        "description": "product_description",
        "brand": "product_brand",
        "locale": "product_locale",
        "label": "esci_label",
        "split": "split",
    }
    labels: ClassVar[tuple[str, ...]] = ("I", "C", "S", "E")
    gains: ClassVar[tuple[float, ...]] = (0.0, 0.01, 0.1, 1.0)
    version: str | None = None

    def __post_init__(self) -> None:
        if self.version not in (None, "small", "large"):
            raise UsageError("U109", option="version", value=str(self.version), known="small, large")

    def opens(self, where: Any) -> bool:
        return isinstance(where, (str, Path)) and Path(where).is_dir() and None not in _pair(Path(where))

    def files(self, where: Any) -> tuple[Path, ...]:
        if not Path(where).is_dir():
            return super().files(where)
        examples, products = _pair(Path(where))
        if examples is None or products is None:
            missing = [n for n, p in (("*examples*.parquet", examples), ("*products*.parquet", products)) if p is None]
            raise DataError("D154", folder=str(where), preset="esci", missing=", ".join(missing))
        return examples, products

    def read(self, where: Any) -> Iterator[pa.RecordBatch]:
        try:
            files = self.files(where)
            if len(files) == 2 and Path(where).is_dir():
                yield from self._joined(*files)
            else:
                for path in files:
                    yield from self._kept(pq.ParquetFile(path).iter_batches(batch_size=BATCH))
        except (pa.ArrowException, EOFError) as e:
            raise DataError("D147", file=str(where), reason=str(e).split("\n")[0][:200].rstrip(".")) from e

    def _kept(self, supply: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Yield the rows of the asked version."""
        column = f"{self.version}_version"
        for batch in supply:
            if self.version is None:
                yield batch
            else:
                _need(Path(column), batch.schema.names, (column,))
                yield batch.filter(pc.equal(batch[column].cast(pa.int64()), 1))

    def _joined(self, examples: Path, products: Path) -> Iterator[pa.RecordBatch]:
        with tempfile.TemporaryDirectory() as folder:
            keys, texts = _products(products, Path(folder) / "products.arrow")
            _need(examples, pq.read_schema(examples).names, (*KEY, "query", "esci_label"))
            rows = pc.index_in(_keys(pq.read_table(examples, columns=list(KEY))), keys)
            start = 0
            for batch in pq.ParquetFile(examples).iter_batches(batch_size=BATCH):
                found = texts.take(rows.slice(start, batch.num_rows))
                start += batch.num_rows
                names = [n for n in found.column_names if n not in batch.schema.names]
                arrays = [pa.concat_arrays(found[n].chunks) if found[n].num_chunks else _nulls(batch) for n in names]
                joined = pa.RecordBatch.from_arrays([*batch.columns, *arrays], names=[*batch.schema.names, *names])
                yield from self._kept(iter([joined]))


def _nulls(batch: pa.RecordBatch) -> pa.Array:
    return pa.nulls(batch.num_rows, pa.string())


def _pair(folder: Path) -> tuple[Path | None, Path | None]:
    examples = sorted(folder.glob("*examples*.parquet"))
    products = sorted(folder.glob("*products*.parquet"))
    return next(iter(examples), None), next(iter(products), None)


def _keys(table: pa.Table) -> pa.ChunkedArray:
    return pc.binary_join_element_wise(*(table[k].cast(pa.string()) for k in KEY), "\x1f")


def _products(path: Path, mapped: Path) -> tuple[pa.ChunkedArray, pa.Table]:
    """Return the keys of all products and their texts, memory-mapped from ``mapped``."""
    file = pq.ParquetFile(path)
    names = file.schema_arrow.names
    _need(path, names, (*KEY, "product_title"))
    texts = [n for n in TEXTS if n in names]
    schema = pa.schema([(n, pa.string()) for n in texts])
    with pa.OSFile(str(mapped), "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
        for batch in file.iter_batches(batch_size=BATCH, columns=texts):
            writer.write_batch(batch.select(texts).cast(schema))
    keys = _keys(pq.read_table(path, columns=list(KEY)))
    return keys, pa.ipc.open_file(pa.memory_map(str(mapped))).read_all()


def _need(path: Path, names: list[str], needed: tuple[str, ...]) -> None:
    missing = [n for n in needed if n not in names]
    if missing:
        raise DataError("D155", file=str(path), missing=", ".join(missing), known=", ".join(names))
