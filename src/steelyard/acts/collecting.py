"""Gather a table batch by batch: clean columns to the spool; labels, keys, groups, slices and features aside."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from steelyard.acts.cleaning import clean, identify, lists, split_names
from steelyard.acts.fielding import Fielding
from steelyard.acts.keying import TableFingerprint, content, digests, group_hashes
from steelyard.acts.labelling import Label
from steelyard.acts.recognising import Recognised
from steelyard.acts.slice_columns import Slices
from steelyard.acts.spooling import Spool
from steelyard.errors import UsageError, nearest
from steelyard.parts.sources import Source
from steelyard.values.arrays import Floats, Ints
from steelyard.values.samples import ID_COLUMNS

_IDS = (*ID_COLUMNS, "locale", "position", "ts")


class Gathered:
    """What is gathered of a table, batch by batch; ``add`` takes the batches of a source in their order."""

    def __init__(
        self, recognised: Recognised, schema: pa.Schema, source: Source, by: str | None, spool: Spool, from_files: bool
    ) -> None:
        self.recognised, self.spool, self.rows = recognised, spool, 0
        self.features = source.features
        self.noticed: Counter[str] = Counter()
        self.splits: Counter[str] = Counter()
        self.uneven: list[str] = []
        self.label, self.gold = Label(), Label()
        self.digests: list[np.ndarray] = []
        self.written: list[pa.Array] = []
        self.groups: list[Ints] = []
        self.sparse: list[tuple[Ints, Ints, Floats]] = []
        self.schema: pa.Schema | None = None
        self.print = None if from_files else TableFingerprint()
        self.untold = 0
        self.by = self._group_column(by, schema)
        own = tuple(n for n in recognised.others if n not in source.features)
        self.slices = Slices(schema, own)
        self.fields = Fielding(recognised.fields) if recognised.fields else None

    def _group_column(self, by: str | None, schema: pa.Schema) -> str | None:
        if by is None:
            return None
        own = self.recognised.columns.get(by, by)
        if own not in schema.names:
            raise UsageError("U101", name=by, near=nearest(by, schema.names) or "-", known=", ".join(schema.names))
        return own

    def add(self, batch: pa.RecordBatch) -> None:
        """Clean one batch and keep it."""
        out: dict[str, pa.Array] = {}
        for name, own in self.recognised.columns.items():
            if name not in ("label", "gold"):
                out[name] = self._cleaned(name, batch[own])
        tagging = self.recognised.task == "tagging"
        if tagging:
            self._tagged(out)
        elif "label" in self.recognised.columns:
            out["label"] = self.label.add(batch[self.recognised.columns["label"]], self.noticed)
        if "gold" in self.recognised.columns and not tagging:
            self.gold.add(batch[self.recognised.columns["gold"]], self.noticed)
        for name in list(self.slices.values):
            self.slices.add(name, identify(batch[name], Counter(), name))
        if self.features:
            self._feature_rows(batch)
        if self.fields is not None:
            out["text"] = self.fields.add(batch)
        made = pa.RecordBatch.from_arrays(list(out.values()), names=list(out))
        self.schema = made.schema
        self.digests.append(digests(content(made)))
        self.written.append(out["label"] if "label" in out else pa.nulls(batch.num_rows, pa.string()))
        self.groups.append(self._grouped(batch, made))
        self.untold += 0 if self.features else _untold(made, self.recognised.task)
        if self.print is not None:
            self.print.add(made)
        self.spool.add(made)
        self.rows += batch.num_rows

    def _cleaned(self, name: str, column: pa.Array) -> pa.Array:
        if name in ("tokens", "tags"):
            return lists(column, self.noticed)
        if name == "split":
            return split_names(clean(column, self.noticed), self.splits)
        if name == "weight":
            values = [_number(t) for t in clean(column, self.noticed).to_pylist()]
            return pa.array(values, pa.float64())
        return identify(column, self.noticed, name) if name in _IDS else clean(column, self.noticed)

    def _tagged(self, out: dict[str, pa.Array]) -> None:
        """Check that every token has its tag, and collect the tag names."""
        sizes = [pc.list_value_length(out[c]).fill_null(0).to_numpy(zero_copy_only=False) for c in ("tokens", "tags")]
        wrong = np.flatnonzero(sizes[0] != sizes[1])
        self.noticed["D136"] += len(wrong)
        for row in wrong[: max(0, 20 - len(self.uneven))].tolist():
            self.uneven.append(f"{self.rows + row + 1} ({sizes[0][row]}/{sizes[1][row]})")
        self.label.add(out["tags"].flatten(), self.noticed)

    def _feature_rows(self, batch: pa.RecordBatch) -> None:
        index, value = (batch[n] for n in self.features)
        sizes = pc.list_value_length(index).fill_null(0).to_numpy(zero_copy_only=False)
        rows = np.repeat(np.arange(self.rows, self.rows + batch.num_rows), sizes)
        flat = value.flatten().to_numpy(zero_copy_only=False).astype(np.float32)
        self.sparse.append((rows, index.flatten().to_numpy(zero_copy_only=False), flat))

    def _grouped(self, batch: pa.RecordBatch, made: pa.RecordBatch) -> Ints:
        if self.by is not None:
            return group_hashes(identify(batch[self.by], Counter(), self.by), True)
        task, have = self.recognised.task, made.schema.names
        if task == "relevance" and "query_id" in have:
            return group_hashes(made["query_id"], True)
        return group_hashes(made[{"relevance": "query", "classification": "text", "tagging": "tokens"}[task]], False)

    def numeric(self) -> tuple[Floats | None, tuple[str, ...]]:
        """Return (n, f) features and their names as the file numbers them."""
        if not self.features:
            return None, ()
        used = np.unique(np.concatenate([index for _, index, _ in self.sparse]))
        dense = np.zeros((self.rows, len(used)), np.float32)
        for rows, index, value in self.sparse:
            dense[rows, np.searchsorted(used, index)] = value
        return dense, tuple(str(i) for i in used.tolist())


def _number(text: str | None) -> float | None:
    try:
        value = float(text) if text else float("nan")
    except ValueError:
        return None
    return value if np.isfinite(value) else None


def _untold(batch: pa.RecordBatch, task: str) -> int:
    """Count rows without any text of the product (for a text, without text)."""
    names = [
        c for c in (("title", "description") if task == "relevance" else ("text", "tokens")) if c in batch.schema.names
    ]
    empty = np.ones(batch.num_rows, dtype=bool)
    for name in names:
        column = pc.binary_join(batch[name], "") if name == "tokens" else batch[name]
        blank = pc.equal(pc.utf8_trim_whitespace(column.fill_null("")), "")
        empty &= blank.fill_null(True).to_numpy(zero_copy_only=False)
    return int(empty.sum())
