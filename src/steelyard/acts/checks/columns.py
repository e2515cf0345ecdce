"""Which columns there are, which rows are empty."""

from __future__ import annotations

import numpy as np

from steelyard.acts.checks.looked import Findings, Looked
from steelyard.features.normal import normal
from steelyard.values.samples import CANONICAL

NEEDED = {"relevance": ("query", "title"), "classification": ("text",), "tagging": ("tokens",)}


def check_columns(looked: Looked) -> Findings:
    """Say what was read; refuse a table without rows."""
    samples = looked.samples
    if not len(samples):
        yield looked.finding("D170", "error")
        return
    names = [c for c in samples.table.column_names if c in CANONICAL and c != "row_key"]
    renamed = [f"{samples.columns[c]}->{c}" if samples.columns.get(c, c) != c else c for c in names]
    yield looked.finding("D170.ok", "ok", count=len(samples), columns=", ".join(renamed) or "-")


def check_empty(looked: Looked) -> Findings:
    """Count rows whose text is empty or holds nothing but punctuation."""
    for column in NEEDED[looked.samples.task]:
        if not looked.samples.has(column):
            continue
        found = looked.distinct(column)
        empty = np.fromiter((not normal(t) for part in found.slices() for t in part), bool, len(found.values))
        rows = empty[found.index]
        if rows.any():
            yield looked.finding("D172", "warn", rows, column=column, share=float(rows.mean()))
        else:
            yield looked.finding("D172.ok", "ok", column=column)
