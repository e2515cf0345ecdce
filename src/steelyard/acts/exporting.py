"""What leaves a run: repaired and reviewed table, weights, worst rows. Nothing is lost; test rows are never edited."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from steelyard.values.arrays import Ints, Mask, Strings
from steelyard.values.interactions import Interactions
from steelyard.values.readings import Readings
from steelyard.values.samples import Samples

#: What both views must say of an interaction that is marked, see ``acts/viewing.py``.
MARKED = "mis_click"
SURE = 0.5  # a suggestion replaces a label when it is likelier than all others together


def clean(samples: Samples, scores: pa.Table, columns: dict[str, str], raw: pa.Table | None = None) -> pa.Table:
    """Return the table under the user's own column names with repaired training labels.

    A flagged training row takes the suggested label when that is likelier than not; ``label_original`` keeps what
    was there and ``steelyard_changed`` says which rows differ. No row is dropped, no test or validation row edited.
    raw: the file's own rows in the same order: all columns as they are, the label in its own type where it fits.
    Without it (tables that came from memory) the columns are those that Steelyard read, long texts cut.
    """
    given = scores["given"].to_numpy(zero_copy_only=False)
    suggested = scores["suggested"].to_numpy(zero_copy_only=False)
    sure = scores["p_suggested"].to_numpy() > SURE
    change = scores["flagged"].to_numpy(zero_copy_only=False) & sure & (samples.split == "train")
    change &= np.array([g is not None for g in given]) & (given != suggested)
    return corrected(samples, given, suggested, change, columns, raw)


def merged(
    samples: Samples, scores: pa.Table, decided: Ints, columns: dict[str, str], raw: pa.Table | None = None
) -> pa.Table:
    """Return the table with the labels that people decided on, the original beside them, and a column of gold labels.

    decided: (n,) codes, -1 where nobody decided. Only training rows are edited; the gold column holds the decisions on
    all rows beside what the table's own gold said, so that the next run can judge by them. raw: as for ``clean``.
    """
    names = np.array([*samples.scale.names, None], object)
    given = scores["given"].to_numpy(zero_copy_only=False)
    change = (decided >= 0) & (names[decided] != given) & (samples.split == "train")
    table = corrected(samples, given, names[decided], change, columns, raw)
    gold = decided if samples.gold is None else np.where(decided >= 0, decided, samples.gold)
    name, values = columns.get("gold", "gold"), pa.array(names[gold], pa.string())
    if name in table.column_names:
        return table.set_column(table.column_names.index(name), name, values)
    return table.append_column(name, values)


def corrected(
    samples: Samples, given: Strings, put: Strings, change: Mask, columns: dict[str, str], raw: pa.Table | None
) -> pa.Table:
    """Return the table with ``put`` (n,) as label where ``change`` (n,), label_original and steelyard_changed."""
    names = {canonical: own for canonical, own in columns.items() if canonical in samples.table.column_names}
    table = samples.table.rename_columns([names.get(c, c) for c in samples.table.column_names])
    label = names.get("label", "label")
    values = pa.array(np.where(change, put, given), pa.string())
    original = pa.chunked_array([pa.array(given, pa.string())])
    if raw is not None and raw.num_rows == len(samples) and label in raw.column_names:
        table, original = raw, raw[label]
        values = _typed(original, values, change)
    if label in table.column_names:
        table = table.set_column(table.column_names.index(label), label, values)
    else:
        table = table.append_column(label, values)
    if "label_original" not in table.column_names:  # of an earlier round: the first labels stay the original ones
        table = table.append_column("label_original", original)
    return _put(table, "steelyard_changed", pa.array(change))


def _put(table: pa.Table, name: str, column: Any) -> pa.Table:
    """Return the table with a column, in place of one of that name."""
    if name in table.column_names:
        return table.set_column(table.column_names.index(name), name, column)
    return table.append_column(name, column)


def _typed(original: pa.ChunkedArray, values: pa.Array, change: Mask) -> pa.ChunkedArray:
    """Return the user's own labels with the changed ones put in, in the original type, or as text where that fails."""
    try:
        put = values.cast(original.type)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        original, put = original.cast(pa.string()), values
    return pa.chunked_array([pc.if_else(pa.array(change), put, original.combine_chunks())])


def weights(readings: Readings, split: Strings, policy: Any) -> pa.Table:
    """Return row_key and weight, mean 1 over the training rows; rows of other splits have weight null."""
    train = np.flatnonzero(split == "train")
    given = policy.weigh(readings.take(train)).weight
    out = np.full(readings.n, np.nan)
    out[train] = given
    return pa.table({"row_key": pa.array(readings.row_key, pa.string()), "weight": pa.array(out, from_pandas=True)})


def marked(rows: Interactions, scores: pa.Table, weight: pa.Table, raw: pa.Table | None = None) -> pa.Table:
    """Return every interaction as it was, with ``steelyard_label, _weight, _suspicion, _quadrant, _marked`` behind it.

    label: 1 learned from as positive, 0 shown and not taken, null neither. Marked are train rows that are like a click
    by chance by both views; without views none is. No row is left out. weight: of ``weights``, of the positive rows.
    raw: the file's own rows; where it does not hold one row an interaction (lists, a part of the file) the columns are
    those that Steelyard read.
    """
    table = raw if raw is not None and raw.num_rows == len(rows) else _read(rows)
    given = np.full(len(rows), np.nan)
    given[rows.positive] = weight["weight"].to_numpy()
    viewed = "quadrant" in scores.column_names
    quadrant = scores["quadrant"] if viewed else pa.nulls(len(rows), pa.string())
    mark = np.array(quadrant.to_pylist(), object) == MARKED
    label = rows.positive.astype(np.int8) if rows.label is None else rows.label
    added = {
        "label": pa.array(label, mask=label < 0),
        "weight": pa.array(given, from_pandas=True),
        "suspicion": pa.array(scores["suspicion"].to_numpy(), from_pandas=True),
        "quadrant": quadrant,
        "marked": pa.array(mark & (rows.split == "train")),
    }
    for name, column in added.items():
        table = _put(table, f"steelyard_{name}", column)
    return table


def _read(rows: Interactions) -> pa.Table:
    """Return interactions as they were read, one row each; titles are those of the items."""
    told: dict[str, Any] = {"user_id": rows.user_ids[rows.user], "item_id": rows.item_ids[rows.item]}
    told |= {} if rows.titles is None else {"title": rows.titles[rows.item]}
    more = ("value", "ts", "position", "event", "propensity")
    told |= {c: getattr(rows, c) for c in more if getattr(rows, c) is not None}
    return pa.table({**told, "split": rows.split})


def top(rows: list[dict[str, Any]]) -> pa.Table:
    """Return the worst rows as a table for people: reasons in both languages, personal data masked."""
    return pa.Table.from_pylist(rows)
