"""Samples: the training table as Steelyard sees it, in canonical columns and keyed by row_key."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from steelyard.values.arrays import Floats, Ints, Mask, Strings
from steelyard.values.fields import Fields
from steelyard.values.findings import Finding
from steelyard.values.scale import Scale

Task = Literal["relevance", "classification", "tagging"]

#: Canonical columns, in the order in which they are shown. All but row_key may be absent.
TEXT_COLUMNS = (
    "query",
    "query_description",
    "query_price",
    "title",
    "description",
    "brand",
    "category",
    "price",
    "text",
    "tokens",
    "tags",
)
ID_COLUMNS = ("query_id", "product_id", "user_id", "annotator", "label_source", "guideline_version")
OTHER_COLUMNS = ("label", "gold", "split", "locale", "position", "ts", "weight")
CANONICAL = ("row_key", *ID_COLUMNS, *TEXT_COLUMNS, *OTHER_COLUMNS)


@dataclass(frozen=True)
class Origin:
    """Where samples came from, so that their text can be found again and a changed file be noticed.

    paths: the files as the user gave them (empty for a table in memory).
    fingerprint: blake2b of the content; equal content has an equal fingerprint wherever it lies.
    source: name of the Source part that read it; options: all that is needed to read it the same way again.
    """

    paths: tuple[str, ...]
    fingerprint: str
    source: str
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Samples:
    """One row a training sample. Columnar, frozen; the table may lie memory-mapped on disk.

    table: canonical text and id columns (strings, nulls allowed), always with ``row_key``; further columns of
        the user's file keep their names and serve as slices. Texts are strings, tokens and tags lists of strings,
        weight is float64; ``label`` holds the label as the user wrote it (null: none), ``label`` below its code.
    task: relevance (query with product), classification (text), tagging (tokens with tags).
    scale: the labels. label: (n,) int32 codes into ``scale``, -1 where there is none.
    group: (n,) int64, what must not be split between folds: the query, or a text with its duplicates.
    gold: (n,) int32 trusted labels, -1 unknown, or None. Judges by them; never learns from them.
    numeric: (n, f) float32 given features (LETOR, numbers of a click log), or None; named by ``numeric_names``.
    fields: what a click model reads of a row of a click log, or None; its ``text`` is then ``field=value; ...``.
    columns: canonical name -> the user's column. notes: what reading assumed or noticed.
    """

    table: pa.Table
    task: Task
    scale: Scale
    label: Ints
    group: Ints
    origin: Origin
    columns: Mapping[str, str] = field(default_factory=dict)
    gold: Ints | None = None
    numeric: Floats | None = None
    numeric_names: tuple[str, ...] = ()
    notes: tuple[Finding, ...] = ()
    fields: Fields | None = None

    def __len__(self) -> int:
        return self.table.num_rows

    def has(self, column: str) -> bool:
        return column in self.table.column_names

    @cached_property
    def row_key(self) -> Strings:
        """(n,) stable ids: content hash, ``#n`` behind repeats."""
        return self.table["row_key"].to_numpy(zero_copy_only=False)

    @cached_property
    def split(self) -> Strings:
        """(n,) ``train``, ``valid``, ``test`` as the table says; ``train`` where it says nothing."""
        if not self.has("split"):
            return np.full(len(self), "train", dtype=object)
        return self.table["split"].fill_null("train").to_numpy(zero_copy_only=False)

    @property
    def labelled(self) -> Mask:
        return self.label >= 0

    def texts(self, column: str, start: int = 0, stop: int | None = None) -> list[str]:
        """Return one text column as Python strings, '' for null; rows [start, stop)."""
        stop = len(self) if stop is None else stop
        if not self.has(column):
            return [""] * (stop - start)
        values = self.table[column].slice(start, stop - start).to_pylist()
        return [v if isinstance(v, str) else "" if v is None else str(v) for v in values]

    def slice_columns(self) -> list[str]:
        """Return the columns that make sense as slices: ids of people and sources, locale, and the user's own."""
        own = [c for c in self.table.column_names if c not in CANONICAL]
        known = ("locale", "category", "brand", "annotator", "label_source", "guideline_version", "position")
        return [c for c in known if self.has(c)] + own

    def write(self, path: Path) -> None:
        """Write the samples, text and all, as one Parquet file that ``read`` gives back."""
        own = {"__label": pa.array(self.label), "__group": pa.array(self.group)}
        if self.gold is not None:
            own["__gold"] = pa.array(self.gold)
        if self.numeric is not None:
            flat = pa.array(np.ascontiguousarray(self.numeric).ravel())
            own["__numeric"] = pa.FixedSizeListArray.from_arrays(flat, self.numeric.shape[1])
        if self.fields is not None:
            flat = pa.array(self.fields.code.astype(np.int32).ravel())
            own["__fields"] = pa.FixedSizeListArray.from_arrays(flat, self.fields.code.shape[1])
        about = {
            "task": self.task,
            "scale": self.scale.as_dict(),
            "origin": asdict(self.origin),
            "columns": dict(self.columns),
            "numeric_names": list(self.numeric_names),
            "fields": None if self.fields is None else list(self.fields.names),
            "width": None if self.fields is None else self.fields.width,
        }
        table = self.table
        for name, values in own.items():
            table = table.append_column(name, values)
        table = table.replace_schema_metadata({"steelyard": json.dumps(about, ensure_ascii=False)})
        pq.write_table(table, path, compression="zstd")

    @classmethod
    def read(cls, path: Path) -> Samples:
        """Read what ``write`` wrote; notes are not kept."""
        table = pq.read_table(path)
        about = json.loads(table.schema.metadata[b"steelyard"])
        own = {n: table[n].combine_chunks() for n in table.column_names if n.startswith("__")}
        numeric = None
        if "__numeric" in own:
            numeric = own["__numeric"].flatten().to_numpy().reshape(len(table), -1)
        fields = None
        if "__fields" in own:
            code = own["__fields"].flatten().to_numpy().reshape(len(table), -1)
            fields = Fields.of_codes(code, about["width"], about["fields"])
        return cls(
            table=table.drop_columns(list(own)).replace_schema_metadata(None),
            task=about["task"],
            scale=Scale.from_dict(about["scale"]),
            label=own["__label"].to_numpy(),
            group=own["__group"].to_numpy(),
            origin=Origin(**{**about["origin"], "paths": tuple(about["origin"]["paths"])}),
            columns=about["columns"],
            gold=own["__gold"].to_numpy() if "__gold" in own else None,
            numeric=numeric,
            numeric_names=tuple(about["numeric_names"]),
            fields=fields,
        )

    def take(self, rows: Ints) -> Samples:
        """Return the samples at ``rows`` (k,), in that order."""
        return replace(
            self,
            table=self.table.take(pa.array(rows)),
            label=self.label[rows],
            group=self.group[rows],
            gold=None if self.gold is None else self.gold[rows],
            numeric=None if self.numeric is None else self.numeric[rows],
            fields=None if self.fields is None else self.fields.take(rows),
        )
