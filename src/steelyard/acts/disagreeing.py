"""Disagreeing: words and slices whose labels the models are sure of and the nearest rows contradict.

A model learns whatever goes with a label. Where wrong labels came with a word or a source, it learns them, unseen rows
of the same kind look right to it, and suspicion and flags are blind to them. Neighbours are not misled as long as most
rows alike lack the mark. A row is *blind* when the two disagree; blind rows are everywhere where neighbours are weak
(measured on clean tables: up to 6% of rows), so what counts is that they gather where one word or value is.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from steelyard.acts.folding import spread
from steelyard.acts.slicing import Category
from steelyard.features.personal import mask
from steelyard.values.arrays import Mask
from steelyard.values.samples import Samples
from steelyard.values.signals import SAME, Signals

#: Neighbours contradict when this part of them says one other label; models are sure from this chance of the given one.
AGAINST, SURE = 0.6, 0.6
#: A carrier has this many blind rows, this share of its rows blind, and this many times the share of the other rows.
#: On clean tables (banking77, airline_tweets, dproduct_crowd, crowdflower_search) the largest was 7 times; with marked
#: wrong labels in dproduct_crowd 39 times.
ROWS, PART, TIMES = 10, 0.15, 10.0
#: Rows whose words are read at most, and carriers that are named.
READ, NAMED = 50_000, 5
_WORDS = re.compile(r"[a-z]+[a-z0-9]*|\d+(?:\.\d+)?|[^\W\da-z_]")


def blind(signals: Signals) -> Mask:
    """Return (n,) rows whose label the models are sure of and most of the nearest rows contradict with one other."""
    near, given, far = signals["neighbour_label"], signals["given"], signals["distance"] >= SAME
    sure = (signals["probability"] * ~far).sum(1) >= SURE
    out = np.zeros(len(given), bool)
    for row in np.flatnonzero(sure & (given >= 0)):
        labels = near[row][near[row] >= 0]
        if len(labels):
            counts = np.bincount(labels)
            best = int(counts.argmax())
            out[row] = bool(far[row, best]) and counts[best] >= AGAINST * len(labels)
    return out


def carriers(samples: Samples, signals: Signals, columns: Sequence[Category], seed: int = 0) -> dict[str, Any]:
    """Return ``blind``, the share of rows that are, and ``carriers``: the words and values where they gather.

    columns: what makes slices; the label is none. Each carrier: column (``word`` for words of the text), value
    (masked), rows, blind, share, and times: its share against that of the rows without it (one blind row at least is
    counted there).
    """
    found = blind(signals)
    known = signals["given"] >= 0
    rows = spread(samples.group, READ, seed)
    rows = rows[known[rows]]
    counts: list[tuple[str, str, int, int, int, int]] = []
    total, hits = len(rows), int(found[rows].sum())
    if hits >= ROWS:
        having, with_blind = words(samples, rows, found)
        counts += [("word", w, having[w], k, total, hits) for w, k in with_blind.items()]
    everything, all_hits = int(known.sum()), int(found.sum())
    for column in columns if all_hits >= ROWS else ():
        if column.name == "label":
            continue
        code = np.where(known, column.code, -1)
        size = np.bincount(code[code >= 0], minlength=len(column.names))
        inside = np.bincount(code[(code >= 0) & found], minlength=len(column.names))
        values = zip(column.names, size.tolist(), inside.tolist(), strict=True)
        counts += [(column.name, str(v), n, k, everything, all_hits) for v, n, k in values]
    named: list[dict[str, Any]] = []
    for name, value, n, k, of, of_hits in counts:
        times = (k / max(n, 1)) / (max(of_hits - k, 1) / max(of - n, 1))
        if k >= ROWS and k >= PART * n and times >= TIMES:
            told: dict[str, Any] = {"column": name, "value": mask(value), "rows": n, "blind": k}
            named.append({**told, "share": k / n, "times": times})
    named.sort(key=lambda c: (-c["blind"], c["column"], c["value"]))
    return {"blind": float(found[known].mean()) if known.any() else 0.0, "carriers": named[:NAMED]}


def words(samples: Samples, rows: Any, found: Mask) -> tuple[Counter[str], Counter[str]]:
    """Return word -> rows that have it, and word -> rows of ``found`` that have it, for words of enough of those."""
    having: Counter[str] = Counter()
    with_blind: Counter[str] = Counter()
    columns = [c for c in ("query", "title", "description", "text") if samples.has(c)]
    texts = [samples.table[c].take(rows).to_pylist() for c in columns]
    for row, parts in zip(rows.tolist(), zip(*texts, strict=True) if texts else (), strict=False):
        own = set(_WORDS.findall(unicodedata.normalize("NFKC", " ".join(p or "" for p in parts)).lower()))
        having.update(own)
        if found[row]:
            with_blind.update(own)
    return having, Counter({w: k for w, k in with_blind.items() if k >= ROWS})
