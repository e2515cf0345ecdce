"""Read a table into Samples: recognise its columns, clean them batch by batch, place its labels on a scale."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from steelyard import parts
from steelyard.acts.cleaning import without_views
from steelyard.acts.collecting import Gathered
from steelyard.acts.keying import file_fingerprint, row_keys
from steelyard.acts.labelling import Label, Reading, scale_of
from steelyard.acts.recognising import recognise
from steelyard.acts.spooling import Spool
from steelyard.errors import DataError, DataErrors, EnvironmentProblem, SteelyardError
from steelyard.parts.sources import Source
from steelyard.values.arrays import Ints
from steelyard.values.findings import Finding
from steelyard.values.samples import Origin, Samples
from steelyard.values.scale import Scale


def read(
    source: Source,
    where: Any,
    batches: Iterator[pa.RecordBatch] | None = None,
    *,
    columns: Mapping[str, str | None] | None = None,
    labels: Mapping[str, float] | None = None,
    label_order: str | Sequence[str] | None = None,
    task: str | None = None,
    group_by: str | None = None,
    spool: Path | None = None,
) -> Samples:
    """Read ``where`` with ``source``.

    batches: of the source, where somebody has opened it already.
    columns: canonical name -> the user's column (None: there is none). labels: name -> gain, which orders the labels.
    label_order: ``asc``, ``desc``, or the names from worst to best. group_by: a column whose equal values must not
    be split between folds. spool: folder for the mapped file of a large table; None: a temporary one.
    Raises DataError (several problems together as DataErrors), UsageError, EnvironmentProblem; nothing else.
    """
    options = {
        "columns": dict(columns or {}),
        "labels": {str(k): v for k, v in (labels or {}).items()},
        "label_order": label_order,
        "task": task,
    }
    options |= {"group_by": group_by, "source": dataclasses.asdict(source)}
    if label_order is not None and not isinstance(label_order, str):
        options["label_order"] = list(label_order)
    kept = Spool(spool)
    try:
        table = _gather(source, where, batches, columns, task, group_by, kept)
        return _samples(table, source, where, labels, label_order, options)
    except BaseException:
        kept.drop()
        raise


def raw(origin: Origin) -> pa.Table | None:
    """Return the files' rows as their source yields them: all columns, nothing cut or cleaned. None without files."""
    if not origin.paths or "-" in origin.paths:
        return None
    source = parts.make("sources", origin.source, **dict(origin.options).get("source", {}))
    where: Any = origin.paths[0] if len(origin.paths) == 1 else list(origin.paths)
    return pa.Table.from_batches(guarded(source, where))


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
    source: Source,
    where: Any,
    batches: Iterator[pa.RecordBatch] | None,
    columns: Mapping[str, str | None] | None,
    task: str | None,
    by: str | None,
    kept: Spool,
) -> Gathered:
    table: Gathered | None = None
    for batch in guarded(source, where) if batches is None else batches:
        if table is None:
            recognised = recognise(batch.schema, columns, source.columns, task)
            table = Gathered(recognised, batch.schema, source, by, kept, bool(source.files(where)))
        table.add(batch)
    if table is None or table.rows == 0:
        raise DataError("D140" if table is None else "D139", file=shown(where))
    return table


def guarded(source: Source, where: Any) -> Iterator[pa.RecordBatch]:
    """Yield the batches, see ``blamed``."""
    with blamed(where):
        yield from map(without_views, source.read(where))


@contextmanager
def blamed(where: Any) -> Iterator[None]:
    """Turn every failure of reading into an error that says which table."""
    try:
        yield
    except SteelyardError:
        raise
    except PermissionError as e:
        raise EnvironmentProblem("E230", file=str(e.filename or shown(where))) from e
    except FileNotFoundError as e:
        raise DataError("D153", file=str(e.filename or shown(where)), folder="-", near="-") from e
    except MemoryError:
        raise
    except (OSError, pa.ArrowException, ValueError, TypeError, EOFError, KeyError, RecursionError) as e:
        reason = f"{type(e).__name__}: {e}".split("\n")[0][:200]
        raise DataError("D147", file=shown(where), reason=reason) from e


def shown(where: Any) -> str:
    return str(where)[:200] if isinstance(where, (str, Path)) else type(where).__name__


def _samples(
    got: Gathered,
    source: Source,
    where: Any,
    labels: Mapping[str, float] | None,
    order: str | Sequence[str] | None,
    options: dict[str, Any],
) -> Samples:
    """Return what was gathered as Samples. Raises all problems of the labels together."""
    reading, label, gold = _labels(got, source, labels, order)
    group = np.unique(np.concatenate(got.groups), return_inverse=True)[1].astype(np.int64)
    table = got.spool.table(got.schema)
    keys = row_keys(np.concatenate(got.digests), pa.chunked_array(got.written, pa.string()))
    table = table.add_column(0, "row_key", keys)
    for name, column in got.slices.kept(got.rows, gold).items():
        table = table.append_column(_free(name, table.column_names), column)
    notes = [*_notes(got, group, label), *reading.notes]
    table, more = _train_somewhere(table)
    numeric, names = got.numeric()
    clicks = None
    if got.fields is not None:
        clicks, numeric, names = got.fields.whole()
        told = {"columns": ", ".join(clicks.names), "numbers": ", ".join(names) or "-"}
        more = [*more, Finding("D122", "note", len(clicks.names), told)]
    files = source.files(where)
    mark = got.print.hexdigest() if got.print is not None else file_fingerprint(files)
    paths = tuple(str(w) for w in where) if isinstance(where, (list, tuple)) else (str(where),)
    origin = Origin(paths if files else (), mark, source_name(source), options)
    columns = dict(got.recognised.columns)
    return Samples(
        *(table, got.recognised.task, reading.scale, label, group, origin, columns, gold, numeric, names),
        tuple(notes + more),
        clicks,
    )


def _labels(
    got: Gathered, source: Source, labels: Mapping[str, float] | None, order: str | Sequence[str] | None
) -> tuple[Reading, Ints, Ints | None]:
    problems: list[DataError] = []
    counts, task = got.label.counts(), got.recognised.task
    own = got.recognised.columns.get("label", "tags")
    if got.noticed["D136"]:
        problems.append(DataError("D136", count=got.noticed["D136"], rows=", ".join(got.uneven)))
    if not counts:
        problems.append(DataError("D109", column=own, rows=got.rows))
    preset = (source_name(source), source.labels, source.gains)
    reading = Reading(Scale((), False), {})
    try:
        reading = scale_of(counts, task, labels, order, preset) if counts else reading
    except DataError as problem:
        problems.append(problem)
    gold = None
    if "gold" in got.recognised.columns and task != "tagging" and not problems:
        try:
            gold = _gold_codes(got.gold, reading, got.recognised.columns["gold"])
        except DataError as problem:
            problems.append(problem)
    if problems:
        raise problems[0] if len(problems) == 1 else DataErrors(problems)
    label = np.zeros(got.rows, np.int32) if task == "tagging" else _codes(got.label, reading.code)
    return reading, label, gold


def _notes(got: Gathered, group: Ints, label: Ints) -> list[Finding]:
    """Return what was assumed and noticed, the line of recognised columns first."""
    seen, task = got.recognised, got.recognised.task
    notes = [Finding("D101", "note", len(seen.columns), {"columns": seen.line(), "task": task})]
    for name, several in seen.unclear.items():
        notes.append(Finding("D114", "note", len(several), {"what": name, "columns": ", ".join(several)}))
    if got.by is None and task == "relevance" and "query_id" not in seen.columns:
        notes.append(Finding("D112", "note", int(group.max()) + 1))
    missing = int((label < 0).sum())
    if missing:
        notes.append(Finding("D105", "warn", missing, {"column": seen.columns.get("label", "-")}))
    if got.label.infinite:
        notes.append(Finding("D106", "error", got.label.infinite, {"column": seen.columns.get("label", "-")}))
    unused = sorted(set(got.slices.ignored) - set(seen.fields))
    if unused:
        notes.append(Finding("D107", "note", len(unused), {"columns": ", ".join(unused)}))
    if got.splits:
        told = ", ".join(f"'{n}' ({c:,})" for n, c in got.splits.most_common(10))
        notes.append(Finding("D118", "warn", sum(got.splits.values()), {"values": told}))
    for key, count in sorted(got.noticed.items()):
        code, _, column = key.partition(" ")
        if code in ("D128", "D131", "D132", "D141") and count:
            facts = {"column": seen.columns.get(column, column)} if column else {}
            notes.append(Finding(code, "warn" if code == "D128" else "note", count, facts))
    if got.untold:
        notes.append(Finding("D117", "warn", got.untold))
    return notes


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
        told = ", ".join(f"'{t[:60]}' ({c:,})" for t, c in list(unknown.items())[:10])
        known = ", ".join(reading.scale.names[:20])
        raise DataError("D113", column=column, count=len(unknown), values=told, known=known)
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


def source_name(source: Source) -> str:
    module = type(source).__module__
    if module.startswith("steelyard.parts.sources."):
        return module.rsplit(".", 1)[1]
    return f"{module}:{type(source).__qualname__}"
