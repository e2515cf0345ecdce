"""Read a table into Samples: recognise its columns, clean them batch by batch, place its labels on a scale."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from steelyard import parts
from steelyard.acts.cleaning import clean, identify, lists, split_names
from steelyard.acts.keying import TableFingerprint, content, digests, file_fingerprint, group_hashes, row_keys
from steelyard.acts.labelling import Label, Reading, scale_of
from steelyard.acts.recognising import Recognised, recognise
from steelyard.acts.slicing import Slices
from steelyard.acts.spooling import Spool
from steelyard.errors import DataError, DataErrors, EnvironmentProblem, SteelyardError, UsageError, nearest
from steelyard.parts.sources import Source
from steelyard.values.arrays import Floats, Ints
from steelyard.values.findings import Finding
from steelyard.values.samples import ID_COLUMNS, Origin, Samples
from steelyard.values.scale import Scale

_IDS = (*ID_COLUMNS, "locale", "position", "ts")


def read(
    source: Source,
    where: Any,
    *,
    columns: Mapping[str, str | None] | None = None,
    labels: Mapping[str, float] | None = None,
    label_order: str | Sequence[str] | None = None,
    task: str | None = None,
    group_by: str | None = None,
    spool: Path | None = None,
) -> Samples:
    """Read ``where`` with ``source``.

    columns: canonical name -> the user's column (None: there is none). labels: name -> gain, which orders the labels.
    label_order: ``asc``, ``desc``, or the names from worst to best. group_by: a column whose equal values must not
    be split between folds. spool: folder for the mapped file of a large table; None: a temporary one.
    Raises DataError (several problems together as DataErrors), UsageError, EnvironmentProblem; nothing else.
    """
    options = {"columns": dict(columns or {}), "labels": dict(labels or {}), "label_order": label_order, "task": task}
    options |= {"group_by": group_by, "source": dataclasses.asdict(source)}
    if label_order is not None and not isinstance(label_order, str):
        options["label_order"] = list(label_order)
    kept = Spool(spool)
    try:
        table = _gather(source, where, columns, task, group_by, kept)
        return table.samples(source, where, labels, label_order, options)
    except BaseException:
        kept.drop()
        raise


def reread(origin: Origin, spool: Path | None = None) -> Samples:
    """Read the same files in the same way again; compare ``origin.fingerprint`` to notice a changed file.

    Raises DataError D159 for a table that was in memory.
    """
    if not origin.paths:
        raise DataError("D159", source=origin.source)
    options = dict(origin.options)
    source = parts.make("sources", origin.source, **options.pop("source", {}))
    where: Any = origin.paths[0] if len(origin.paths) == 1 else list(origin.paths)
    return read(source, where, **options, spool=spool)


def _gather(
    source: Source, where: Any, columns: Mapping[str, str | None] | None, task: str | None, by: str | None, kept: Spool
) -> _Table:
    table: _Table | None = None
    for batch in _guarded(source, where):
        if table is None:
            recognised = recognise(batch.schema, columns, source.columns, task)
            table = _Table(recognised, batch.schema, source, by, kept, bool(source.files(where)))
        table.add(batch)
    if table is None or table.rows == 0:
        raise DataError("D140" if table is None else "D139", file=_shown(where))
    return table


def _guarded(source: Source, where: Any) -> Iterator[pa.RecordBatch]:
    """Yield the batches; turn every failure of reading into an error that says which table."""
    try:
        yield from source.read(where)
    except SteelyardError:
        raise
    except PermissionError as e:
        raise EnvironmentProblem("E230", file=str(e.filename or _shown(where))) from e
    except FileNotFoundError as e:
        raise DataError("D153", file=str(e.filename or _shown(where)), folder="-", near="-") from e
    except MemoryError:
        raise
    except (OSError, pa.ArrowException, ValueError, TypeError, EOFError, KeyError, RecursionError) as e:
        reason = f"{type(e).__name__}: {e}".split("\n")[0][:200]
        raise DataError("D147", file=_shown(where), reason=reason) from e


def _shown(where: Any) -> str:
    return str(where)[:200] if isinstance(where, (str, Path)) else type(where).__name__


class _Table:
    """What is gathered of a table, batch by batch."""

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
        made = pa.RecordBatch.from_arrays(list(out.values()), names=list(out))
        self.schema = made.schema
        self.digests.append(digests(content(made)))
        self.written.append(out["label"] if "label" in out else pa.nulls(batch.num_rows, pa.string()))
        self.groups.append(self._grouped(batch, made))
        self.untold += _untold(made, self.recognised.task)
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
        self.noticed["D133"] += len(wrong)
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

    def samples(
        self,
        source: Source,
        where: Any,
        labels: Mapping[str, float] | None,
        order: str | Sequence[str] | None,
        options: dict[str, Any],
    ) -> Samples:
        """Return what was gathered as Samples. Raises all problems of the labels together."""
        reading, label, gold = self._labels(source, labels, order)
        group = np.unique(np.concatenate(self.groups), return_inverse=True)[1].astype(np.int64)
        table = self.spool.table(self.schema)
        keys = row_keys(np.concatenate(self.digests), pa.chunked_array(self.written, pa.string()))
        table = table.add_column(0, "row_key", keys)
        for name, column in self.slices.kept(self.rows, gold).items():
            table = table.append_column(_free(name, table.column_names), column)
        notes = [*self._notes(group, label), *reading.notes]
        table, more = _train_somewhere(table)
        numeric, names = self._numeric()
        files = source.files(where)
        mark = self.print.hexdigest() if self.print is not None else file_fingerprint(files)
        paths = tuple(str(w) for w in where) if isinstance(where, (list, tuple)) else (str(where),)
        origin = Origin(paths if files else (), mark, _source_name(source), options)
        columns = dict(self.recognised.columns)
        return Samples(
            *(table, self.recognised.task, reading.scale, label, group, origin, columns, gold, numeric, names),
            tuple(notes + more),
        )

    def _labels(
        self, source: Source, labels: Mapping[str, float] | None, order: str | Sequence[str] | None
    ) -> tuple[Reading, Ints, Ints | None]:
        problems: list[DataError] = []
        counts, task = self.label.counts(), self.recognised.task
        own = self.recognised.columns.get("label", "tags")
        if self.noticed["D133"]:
            problems.append(DataError("D133", count=self.noticed["D133"], rows=", ".join(self.uneven)))
        if not counts:
            problems.append(DataError("D109", column=own, rows=self.rows))
        preset = (_source_name(source), source.labels, source.gains)
        reading = Reading(Scale((), False), {})
        try:
            reading = scale_of(counts, task, labels, order, preset) if counts else reading
        except DataError as problem:
            problems.append(problem)
        gold = None
        if "gold" in self.recognised.columns and task != "tagging" and not problems:
            try:
                gold = _gold_codes(self.gold, reading, self.recognised.columns["gold"])
            except DataError as problem:
                problems.append(problem)
        if problems:
            raise problems[0] if len(problems) == 1 else DataErrors(problems)
        label = np.zeros(self.rows, np.int32) if task == "tagging" else _codes(self.label, reading.code)
        return reading, label, gold

    def _notes(self, group: Ints, label: Ints) -> list[Finding]:
        """Return what was assumed and noticed, the line of recognised columns first."""
        seen, task = self.recognised, self.recognised.task
        notes = [Finding("D101", "note", len(seen.columns), {"columns": seen.line(), "task": task})]
        for name, several in seen.unclear.items():
            notes.append(Finding("D114", "note", len(several), {"what": name, "columns": ", ".join(several)}))
        if self.by is None and task == "relevance" and "query_id" not in seen.columns:
            notes.append(Finding("D112", "note", int(group.max()) + 1))
        missing = int((label < 0).sum())
        if missing:
            notes.append(Finding("D105", "warn", missing, {"column": seen.columns.get("label", "-")}))
        if self.label.infinite:
            notes.append(Finding("D106", "error", self.label.infinite, {"column": seen.columns.get("label", "-")}))
        if self.slices.ignored:
            names = ", ".join(sorted(self.slices.ignored))
            notes.append(Finding("D107", "note", len(self.slices.ignored), {"columns": names}))
        if self.splits:
            shown = ", ".join(f"'{n}' ({c:,})" for n, c in self.splits.most_common(10))
            notes.append(Finding("D118", "warn", sum(self.splits.values()), {"values": shown}))
        for key, count in sorted(self.noticed.items()):
            code, _, column = key.partition(" ")
            if code in ("D128", "D131", "D132", "D141") and count:
                facts = {"column": seen.columns.get(column, column)} if column else {}
                notes.append(Finding(code, "warn" if code == "D128" else "note", count, facts))
        if self.untold:
            notes.append(Finding("D117", "warn", self.untold))
        return notes

    def _numeric(self) -> tuple[Floats | None, tuple[str, ...]]:
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


def _codes(label: Label, code: Mapping[str, int]) -> Ints:
    """Return (n,) codes on the scale, -1 where there is no label."""
    table = np.full(len(label.texts) + 1, -1, np.int32)
    for text, raw in label.texts.items():
        table[raw] = code.get(text, -1)
    return table[label.raw]


def _gold_codes(gold: Label, reading: Reading, column: str) -> Ints:
    """Return trusted labels on the same scale. Raises DataError D113 for one that the scale lacks."""
    from steelyard.acts.labelling import folded, number

    loose = {folded(t): c for t, c in reading.code.items()}
    values = {number(t): c for t, c in reading.code.items() if number(t) is not None}
    code: dict[str, int] = {}
    for text in gold.counts():
        found = reading.code.get(
            text, values.get(number(text)) if number(text) is not None else loose.get(folded(text))
        )
        if found is None and text in reading.scale.names:
            found = reading.scale.names.index(text)
        if found is not None:
            code[text] = found
    unknown = {t: c for t, c in gold.counts().items() if t not in code}
    if unknown:
        shown = ", ".join(f"'{t[:60]}' ({c:,})" for t, c in list(unknown.items())[:10])
        known = ", ".join(reading.scale.names[:20])
        raise DataError("D113", column=column, count=len(unknown), values=shown, known=known)
    return _codes(gold, code)


def _free(name: str, taken: list[str]) -> str:
    """Return a name for the user's own column that no canonical column has."""
    from steelyard.values.samples import CANONICAL

    while name in taken or name in CANONICAL:
        name = f"own_{name}"
    return name


def _train_somewhere(table: pa.Table) -> tuple[pa.Table, list[Finding]]:
    """Where a split column has no train rows, its valid rows are what there is to train on; say so."""
    if "split" not in table.column_names:
        return table, []
    split = table["split"]
    valid = pc.sum(pc.equal(split, "valid")).as_py() or 0
    if split.null_count or not valid or pc.any(pc.equal(split, "train")).as_py():
        return table, []
    turned = pc.if_else(pc.equal(split, "valid"), "train", split)
    return table.set_column(table.column_names.index("split"), "split", turned), [Finding("D119", "warn", valid)]


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


def _source_name(source: Source) -> str:
    module = type(source).__module__
    if module.startswith("steelyard.parts.sources."):
        return module.rsplit(".", 1)[1]
    return f"{module}:{type(source).__qualname__}"
