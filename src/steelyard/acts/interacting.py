"""Interacting: read a table of who took which item into Interactions; every assumption is a note."""

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
from steelyard.acts import describing, dividing, implying, naming, reading, recognising, timing
from steelyard.acts.cleaning import clean, identify, lists, split_names
from steelyard.acts.keying import TableFingerprint, digests, file_fingerprint, row_keys
from steelyard.errors import DataError, DataErrors, UsageError
from steelyard.parts.sources import Source
from steelyard.values.arrays import Floats, Ints, Strings
from steelyard.values.findings import Finding
from steelyard.values.interactions import Interactions, no_chance
from steelyard.values.samples import Origin

#: Options of reading that only interactions have.
OPTIONS = ("positive", "relevant", "split_by", "items")
TEXT = pa.string()


class Gathered:
    """Columns of a table, batch by batch, in canonical names; what could not be read is counted by code."""

    def __init__(self, named: naming.Named) -> None:
        self.named = named
        self.columns: dict[str, list[Any]] = {}
        self.noticed: Counter[str] = Counter()
        self.splits: Counter[str] = Counter()
        self.print = TableFingerprint()
        self.rows = 0

    def add(self, batch: pa.RecordBatch) -> None:
        columns = {c: batch[own] for c, own in self.named.columns.items()}
        self.rows += batch.num_rows
        if "items" in columns:
            columns = self._laid_out(columns)
        read: dict[str, Any] = {c: self._read(c, column) for c, column in columns.items()}
        texts = {c: v for c, v in read.items() if isinstance(v, pa.Array)}
        numbers = {c: pa.array(v) for c, v in read.items() if not isinstance(v, pa.Array)}
        self.print.add(pa.RecordBatch.from_pydict({**texts, **numbers}))
        for name, values in read.items():
            self.columns.setdefault(name, []).append(values)

    def _laid_out(self, columns: Mapping[str, pa.Array]) -> dict[str, pa.Array]:
        """Return one row an item of each list; its place in the list, from 1, is the time unless there is one.

        An item beside the list is what came after it.
        """
        items = lists(columns["items"], self.noticed)
        if "item_id" in columns:
            after = identify(columns["item_id"], self.noticed, "item_id").to_pylist()
            both = zip(items.to_pylist(), after, strict=True)
            items = pa.array([[*(a or ()), *(() if b is None else (b,))] for a, b in both], pa.list_(TEXT))
        parent, flat = pc.list_parent_indices(items), items.flatten()
        out = {c: v.take(parent) for c, v in columns.items() if c not in ("items", "item_id")}
        starts = np.concatenate([[0], np.cumsum(pc.fill_null(pc.list_value_length(items), 0).to_numpy())])
        place = np.arange(len(flat)) - starts[:-1][parent.to_numpy()] + 1
        return {**out, "item_id": flat, **({} if "ts" in out else {"ts": pa.array(place.astype(float))})}

    def _read(self, name: str, column: pa.Array) -> Any:
        if name in ("user_id", "item_id", "event"):
            return identify(column, self.noticed, name)
        if name == "split":
            return split_names(clean(column, self.noticed), self.splits)
        if name == "title":
            return clean(column, self.noticed)
        found, wrong = timing.seconds(column) if name == "ts" else timing.numbers(column)
        self.noticed[f"wrong {name}"] += wrong
        return found

    def text(self, name: str) -> pa.ChunkedArray | None:
        return pa.chunked_array(self.columns[name], TEXT) if name in self.columns else None

    def number(self, name: str) -> Floats | None:
        return np.concatenate(self.columns[name]) if name in self.columns else None


def read(
    source: Source,
    where: Any,
    batches: Iterator[pa.RecordBatch] | None = None,
    *,
    columns: Mapping[str, str | None] | None = None,
    positive: float | str | Sequence[str] | None = None,
    relevant: float | None = None,
    split_by: str | None = None,
    items: Any = None,
) -> Interactions:
    """Read ``where`` with ``source`` into Interactions.

    batches: of the source, where somebody has opened it already. columns: canonical name (``naming.CANONICAL``) -> the
    user's column. positive: which rows are learned from, see ``implying.feedback``. relevant: the least value of a
    row that was truly wanted: judges by it, never learns from it. split_by: see ``divided``. items: a path or table
    with the items' titles.
    Raises DataError (several problems together as DataErrors), UsageError, EnvironmentProblem; nothing else.
    """
    got: Gathered | None = None
    for batch in reading.guarded(source, where) if batches is None else batches:
        got = got or Gathered(naming.recognise(batch.schema, columns, source.columns))
        got.add(batch)
    if got is None or got.rows == 0 or not len(got.columns.get("item_id", ())):
        raise DataError("D140" if got is None else "D139", file=reading.shown(where))
    options: dict[str, Any] = {"columns": dict(columns or {}), "positive": positive, "relevant": relevant}
    options |= {"split_by": split_by, "items": str(items) if isinstance(items, (str, Path)) else None}
    options |= {"source": dataclasses.asdict(source), "task": "recommendation"}
    user, user_ids = _codes(got, "user_id")
    item, item_ids = _codes(got, "item_id")
    value = got.number("value")
    chance = got.number("propensity")
    _refuse(got, user, item, value, chance)
    ts, place, seen = got.number("ts"), got.number("position"), got.number("shown")
    event = got.text("event")
    events = None if event is None else event.fill_null("").to_numpy().astype(object)
    label, rule = implying.feedback(len(user), value, events, place is not None or seen is not None, positive)
    if seen is not None:  # a row that was not shown is no negative
        label = np.where((label == 0) & ~(seen > 0), -1, label).astype(np.int8)
    listed = _item_table(source, where, items)
    titles = _titles(got, listed, item, item_ids)
    features, names = (None, ()) if listed is None else describing.described(listed, item_ids)
    files = source.files(where)
    paths = tuple(str(w) for w in where) if isinstance(where, (list, tuple)) else (str(where),)
    mark = file_fingerprint(files) if files else got.print.hexdigest()
    found = Interactions(
        row_key=_keys(got, value),
        user=user,
        item=item,
        value=np.ones(len(user)) if value is None else value,
        user_ids=user_ids,
        item_ids=item_ids,
        split=_given_split(got, len(user)),
        ts=None if ts is None or not np.isfinite(ts).any() else ts,
        position=None if place is None else np.nan_to_num(place, nan=-1).astype(np.int64),
        event=events,
        label=label,
        gold=implying.trusted(value, relevant),
        propensity=chance,
        titles=titles,
        item_features=features,
        item_feature_names=names,
        origin=Origin(paths if files else (), mark, reading.source_name(source), options),
        columns=dict(got.named.columns),
    )
    return divided(dataclasses.replace(found, notes=(*_notes(got, listed, names, titles is None), rule)), split_by)


def reread(origin: Origin) -> Interactions:
    """Read the same files in the same way again. Raises DataError D159 for a table that was in memory."""
    if not origin.paths:
        raise DataError("D159", source=origin.source)
    options = {k: v for k, v in origin.options.items() if k != "task"}
    source = parts.make("sources", origin.source, **options.pop("source", {}))
    where: Any = origin.paths[0] if len(origin.paths) == 1 else list(origin.paths)
    return read(source, where, **options)


def divided(found: Interactions, split_by: str | None, seed: int = 0) -> Interactions:
    """Return the interactions with splits.

    split_by: ``given`` (the column, the default), ``last`` (leave the last out), ``user_time`` (the last rows of each
    user), ``random`` (some rows of each user), or ``time:VALID,TEST``, two moments in the unit of the time column.
    Raises UsageError U183 for anything else.
    """
    if split_by in (None, "given"):
        return found
    ways = {"last": dividing.leave_last_out, "user_time": dividing.by_user_time, "random": dividing.at_random}
    if split_by in ways:
        split = ways[split_by](found)
    else:
        word, _, cuts = str(split_by).partition(":")
        moments = [timing.seconds(pa.array([c]))[0][0] for c in cuts.split(",")]
        if word != "time" or len(moments) != 2 or not np.isfinite(moments).all() or moments[0] > moments[1]:
            raise UsageError("U183", value=str(split_by), known=", ".join(["given", *ways, "time:VALID,TEST"]))
        split = dividing.by_global_time(found, *(float(m) for m in moments))
    counts = {s: int((split == s).sum()) for s in ("train", "valid", "test")}
    note = Finding("D199", "note", len(found), {"how": str(split_by), **counts})
    return dataclasses.replace(found, split=split, notes=(*found.notes, note))


def _codes(got: Gathered, name: str) -> tuple[Ints, Strings]:
    """Return (n,) codes, -1 without an id, and the ids in their own order, whatever the order of the rows."""
    known = got.text(name).combine_chunks().dictionary_encode()  # type: ignore[union-attr]
    known = pa.concat_arrays(known.chunks) if isinstance(known, pa.ChunkedArray) else known
    ids = known.dictionary.to_numpy(zero_copy_only=False).astype(object)
    order = np.argsort(ids.astype(str), kind="stable") if len(ids) else np.zeros(0, np.int64)
    place = np.empty(len(ids) + 1, np.int64)
    place[order], place[-1] = np.arange(len(ids)), -1
    return place[known.indices.fill_null(len(ids)).to_numpy(zero_copy_only=False)], ids[order]


def _refuse(got: Gathered, user: Ints, item: Ints, value: Floats | None, chance: Floats | None) -> None:
    """Raise all that makes the table unusable together: rows without user or item, values that are no numbers,
    propensities that are no chances."""
    problems = [
        DataError("D194", what=what, count=int((codes < 0).sum()), first=int(np.argmax(codes < 0)), known=len(codes))
        for what, codes in (("user", user), ("item", item))
        if (codes < 0).any()
    ]
    if value is not None and not np.isfinite(value).all():
        broken = ~np.isfinite(value)
        problems.append(DataError("D195", count=int(broken.sum()), rows=len(value), first=int(np.argmax(broken))))
    if chance is not None and no_chance(chance).any():
        broken = no_chance(chance)
        problems.append(DataError("D209", count=int(broken.sum()), rows=len(chance), first=int(np.argmax(broken))))
    if problems:
        raise problems[0] if len(problems) == 1 else DataErrors(problems)


def _keys(got: Gathered, value: Floats | None) -> Strings:
    """Return (n,) row keys of user, item, time and event; repeats are numbered by value, then by place."""
    columns = [got.text(c).fill_null("") for c in ("user_id", "item_id", "event") if c in got.columns]  # type: ignore[union-attr]
    ts = got.number("ts")
    if ts is not None:
        columns.append(pa.chunked_array([pa.array(ts).cast(TEXT).fill_null("")]))
    made = pc.binary_join_element_wise(*(c.combine_chunks() for c in columns), "\x1f")
    said = pa.array(["1"] * len(made)) if value is None else pa.array(value).cast(TEXT)
    return row_keys(digests(made), pa.chunked_array([said])).to_numpy(zero_copy_only=False).astype(object)


def _given_split(got: Gathered, n: int) -> Strings:
    column = got.text("split")
    return np.full(n, "train", object) if column is None else column.fill_null("train").to_numpy().astype(object)


def _titles(got: Gathered, table: pa.Table | None, item: Ints, item_ids: Strings) -> Strings | None:
    """Return (m,) titles: of the table of items, else of the rows (the first that an item has); None without any."""
    if table is not None and table["title"].null_count < len(table):
        named = dict(zip(table["item_id"].to_pylist(), table["title"].to_pylist(), strict=True))
        return np.array([named.get(i) or "" for i in item_ids], dtype=object)
    column = got.text("title")
    if column is None:
        return None
    titles = np.full(len(item_ids), "", dtype=object)
    said = column.fill_null("").to_numpy().astype(object)
    rows = np.flatnonzero(said != "")[::-1]
    titles[item[rows]] = said[rows]
    return titles


def _item_table(source: Source, where: Any, items: Any) -> pa.Table | None:
    """Return item_id and title (null where the table has none) of every item of a table of items, and its other
    columns as they are. Raises DataError D155 without item_id, or with nothing beside it."""
    if items is None:
        with reading.blamed(where):
            table = source.items(where)
    else:
        from steelyard.parts.sources import choose

        table = pa.Table.from_batches(reading.guarded(choose(items), items))
    if table is None:
        return None
    names = list(table.schema.names)
    found = {
        c: recognising.candidates(c, (c, *naming.ALIASES[c], *recognising.ALIASES["title"] * (c == "title")), names, {})
        for c in ("item_id", "title")
    }
    missing = "item_id" if not found["item_id"] else "title" if len(names) < 2 else ""
    if missing:
        raise DataError("D155", file=reading.shown(items or where), missing=missing, known=", ".join(names))
    own = {c: recognising.only(c, several) for c, several in found.items() if several}
    read = {c: identify(table[o].combine_chunks(), Counter(), c) for c, o in own.items()}
    read.setdefault("title", pa.nulls(len(table), TEXT))
    return pa.table({**read, **{n: table[n] for n in names if n not in (*own.values(), *read)}})


def _notes(got: Gathered, table: pa.Table | None, features: Sequence[str], untitled: bool) -> list[Finding]:
    """Return what was assumed and noticed, the line of recognised columns first. untitled: no item has a title."""
    columns = got.named.columns
    facts = {"columns": recognising.line(columns), "task": "recommendation"}
    notes = [Finding("D101", "note", len(columns), facts)]
    for name, several in got.named.unclear.items():
        notes.append(Finding("D114", "note", len(several), {"what": name, "columns": ", ".join(several)}))
    if got.named.others:
        notes.append(Finding("D201", "note", len(got.named.others), {"columns": ", ".join(got.named.others)}))
    if "items" in columns:
        notes.append(Finding("D202", "note", got.rows, {"column": columns["items"]}))
    chance = got.number("propensity")
    if chance is not None:
        ends = {"least": float(chance.min()), "most": float(chance.max())}
        notes.append(Finding("D208", "note", len(chance), {"column": columns["propensity"], **ends}))
    if got.splits:
        shown = ", ".join(f"'{n}' ({c:,})" for n, c in got.splits.most_common(10))
        notes.append(Finding("D118", "warn", sum(got.splits.values()), {"values": shown}))
    for key, count in sorted(got.noticed.items()):
        code, _, column = key.partition(" ")
        if count and code == "wrong" and column != "value":
            notes.append(Finding("D203", "warn", count, {"column": columns[column]}))
        elif count and code in ("D128", "D131", "D132", "D141"):
            own = columns.get(column, columns.get("items", column))
            notes.append(Finding(code, "warn" if code == "D128" else "note", count, {"column": own} if column else {}))
    if table is not None:
        if untitled:
            others = [n for n in table.column_names if n not in describing.TOLD]
            notes.append(Finding("D237", "note", len(table), {"columns": ", ".join(others) or "-"}))
        ids = pa.chunked_array(got.columns["item_id"], TEXT).unique()
        lacking = len(ids) - (pc.sum(pc.is_in(ids, table["item_id"])).as_py() or 0)
        if lacking:
            notes.append(Finding("D204", "warn", lacking, {"items": len(ids), "listed": len(table)}))
        else:
            notes.append(Finding("D204.ok", "ok", len(ids), {"listed": len(table)}))
        named = pc.value_counts(table.group_by(["item_id", "title"]).aggregate([])["item_id"].combine_chunks())
        twice = [str(v["values"]) for v in named.to_pylist() if v["counts"] > 1]
        if twice:
            notes.append(Finding("D236", "warn", len(twice), {"shown": ", ".join(twice[:3])}))
    if features:
        shown = ", ".join(features[:10]) + ", ..." * (len(features) > 10)
        notes.append(Finding("D227", "note", len(features), {"shown": shown}))
    return notes
