"""Labels: order and counts, missing ones, skew, queries that cannot be ranked, clicks."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pyarrow.compute as pc

from steelyard.acts.checks.looked import Findings, Looked
from steelyard.acts.recognising import CLICKS, fold
from steelyard.values.arrays import Ints
from steelyard.values.findings import Severity
from steelyard.values.samples import Samples

#: Above this share of one label the table is called skewed.
SKEWED = 0.95
#: Above this share of queries with one row, ranking measures mean nothing.
LONELY = 0.90
#: Above this share of queries with one grade only, ranking measures rest on few queries.
FLAT = 0.50
#: Tags that are listed by name.
SHOWN = 20
_CLICKS = re.compile(r"click|clk|点击|點擊", re.IGNORECASE)
#: Labels of a click, and of none.
_TWO = {"0", "1", "false", "true", "no", "yes", "否", "是"}


def check_labels(looked: Looked) -> Findings:
    """Say the labels, worst grade first, with counts; count the missing; name one class or skew."""
    samples = looked.samples
    if samples.task == "tagging":
        yield from check_tags(looked)
        return
    known = samples.label[samples.labelled]
    counts = np.bincount(known, minlength=len(samples.scale))
    said = ", ".join(f"{name}: {int(c):,}" for name, c in zip(samples.scale.names, counts, strict=False))
    if not len(known):
        yield looked.finding("D173", "error", count=len(samples))
        return
    order = "D171.ok" if samples.scale.ordered else "D171.classes"
    yield looked.finding(order, "ok", count=int((counts > 0).sum()), labels=said)
    if any(note.code == "D105" for note in samples.notes):
        pass  # reading has said it, with the user's column
    elif len(known) < len(samples):
        yield looked.finding("D179", "warn", ~samples.labelled, total=len(samples))
    else:
        yield looked.finding("D179.ok", "ok", count=len(samples))
    top = int(counts.argmax())
    share = float(counts[top] / len(known))
    facts: dict[str, Any] = {"label": samples.scale.names[top], "share": share}
    if share == 1.0:
        yield looked.finding("D116", "error", count=len(known), **facts)
    elif share > SKEWED:
        yield looked.finding("D176", "warn", count=int(counts[top]), **facts)
    else:
        yield looked.finding("D176.ok", "ok", **facts)


def check_tags(looked: Looked) -> Findings:
    """Say the tags with their tokens, the most frequent first; name tables where every token says the same."""
    counts = tag_counts(looked.samples)
    order = sorted(counts, key=lambda tag: (-counts[tag], tag))
    said = ", ".join(f"{tag}: {counts[tag]:,}" for tag in order[:SHOWN]) + (", ..." if len(order) > SHOWN else "")
    yield looked.finding("D171.tags", "ok", count=len(order), labels=said, tokens=sum(counts.values()))
    if len(order) == 1:
        yield looked.finding("D116", "error", count=sum(counts.values()), label=order[0])


def tag_counts(samples: Samples) -> dict[str, int]:
    """Return how many tokens carry each tag, in the order of the scale."""
    values = pc.value_counts(pc.list_flatten(samples.table["tags"])).to_pylist()
    found = {str(v["values"]): int(v["counts"]) for v in values if v["values"] is not None}
    return {name: found.get(name, 0) for name in samples.scale.names}


def check_queries(looked: Looked) -> Findings:
    """Say whether queries have several rows and several grades (ranking only)."""
    samples = looked.samples
    if not looked.ranked or not samples.labelled.any():
        return
    sizes = np.bincount(looked.query)
    sizes = sizes[sizes > 0]
    lonely = float((sizes == 1).mean())
    rows = np.bincount(looked.query)[looked.query] == 1
    if lonely > LONELY:
        yield looked.finding("D115", "warn", rows, count=int((sizes == 1).sum()), share=lonely, queries=len(sizes))
    else:
        yield looked.finding("D115.ok", "ok", count=len(sizes), share=lonely, per_query=float(sizes.mean()))
    several = np.flatnonzero(samples.labelled & ~rows)
    if not len(several):
        return
    query, flat = flat_queries(looked.query[several], samples.label[several])
    share = float(flat.mean())
    severity: Severity = "warn" if share > FLAT else "note" if flat.any() else "ok"
    code = "D175" if flat.any() else "D175.ok"
    count = int(flat.sum())
    yield looked.finding(code, severity, several[flat[query]], count=count, share=share, queries=len(flat))


def flat_queries(query: Ints, label: Ints) -> tuple[Ints, np.ndarray]:
    """Return (dense codes (n,), flat (q,) bool): queries whose rows all carry one label."""
    names, code = np.unique(query, return_inverse=True)
    least = np.full(len(names), np.iinfo(np.int64).max)
    most = np.full(len(names), -1)
    np.minimum.at(least, code, label)
    np.maximum.at(most, code, label)
    return code, least == most


def check_clicks(looked: Looked) -> Findings:
    """Name click data without a position: not clicked may only mean not seen."""
    samples = looked.samples
    column = clicks(samples)
    if column is None:
        return
    rows = int(samples.labelled.sum())
    if samples.has("position"):
        yield looked.finding("C140.ok", "ok", count=rows, column=column)
    else:
        yield looked.finding("C140", "warn", count=rows, column=column)


def clicks(samples: Samples) -> str | None:
    """Return the column of labels that are clicks or purchases, None where they are something else.

    They are where two labels, such as 0 and 1, stand in a click log or under a name of clicks.
    """
    column = samples.columns.get("label", "")
    two = {name.strip().lower().removesuffix(".0") for name in samples.scale.names}
    named = bool(_CLICKS.search(column)) or fold(column) in CLICKS
    return column if (named or samples.fields is not None) and two <= _TWO else None


def unseen_clicks(samples: Samples) -> str | None:
    """Return the column of clicks of a table without positions: its rows are ranked, none is called mislabelled."""
    return None if samples.has("position") else clicks(samples)
