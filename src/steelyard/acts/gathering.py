"""Gather the evidence about flagged rows from the table and the signals."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Any

import numpy as np

from steelyard.features.attributes import brand_clash, clash
from steelyard.values.arrays import Floats, Ints
from steelyard.values.evidence import Clash, Evidence
from steelyard.values.samples import Samples
from steelyard.values.signals import Signals

#: Two products under one query are near-identical when this part of their words is common.
ALIKE = 0.7
#: Products of one query looked at for a flagged row, nearest in the table first.
MOST = 200
_WORDS = re.compile(r"[a-z]+|\d+(?:\.\d+)?|[^\W\da-z_]")


def gather(
    samples: Samples,
    signals: Signals,
    rows: Ints,
    *,
    votes: Ints | None = None,
) -> list[Evidence]:
    """Return the evidence about each of ``rows`` (k,), positions in ``samples``; signals that are absent are unknown.

    signals: used are probability, posterior, learned, alignment, neighbour_label (see ``values.signals.KNOWN``), for
    all n rows. votes: (n, v) label that each model suggests, or None.
    """
    rows = np.asarray(rows, dtype=np.int64)
    sheets = _Sheets(samples, rows)
    opposing = _opposing(signals["alignment"]) if "alignment" in signals else None
    return [
        Evidence(
            given=_name(samples, int(samples.label[i])),
            **_model(samples, signals, i, votes),
            **sheets.near_identical(i),
            judgements=sheets.judgements(i),
            **_learned(signals, i),
            opposing=None if opposing is None or not np.isfinite(opposing[i]) else float(opposing[i]),
            **_neighbour(samples, signals, i),
            clash=sheets.clash(i),
        )
        for i in (int(row) for row in rows)
    ]


def _name(samples: Samples, code: int) -> str:
    return samples.scale.names[code] if code >= 0 else ""


def _model(samples: Samples, signals: Signals, i: int, votes: Ints | None) -> dict[str, Any]:
    given = int(samples.label[i])
    facts: dict[str, Any] = {}
    if samples.scale.ordered and given >= 0:
        facts["lowers"] = given == len(samples.scale) - 1
    if "probability" not in signals or not np.isfinite(signals["probability"][i]).all():
        return facts
    best = int(np.argmax(signals["posterior" if "posterior" in signals else "probability"][i]))
    if given >= 0:
        facts["own"] = float(signals["probability"][i, given])
    facts |= {"suggested": _name(samples, best), "probability": float(signals["probability"][i, best])}
    if "posterior" in signals:
        facts["repaired"] = float(signals["posterior"][i, best])
    if "lowers" in facts and best != given:
        facts["lowers"] = best < given
    if votes is not None:
        facts |= {"voters": votes.shape[1], "agreeing": int((votes[i] == best).sum())}
    return facts


def _learned(signals: Signals, i: int) -> dict[str, Any]:
    if "learned" not in signals:
        return {}
    return {"epochs": signals["learned"].shape[1], "learned": int(signals["learned"][i].sum())}


def _opposing(alignment: Floats) -> Floats:
    """(n,) part of the rows whose gradient opposes at least as much; NaN where it does not oppose at all."""
    known = np.sort(alignment[np.isfinite(alignment)])
    share = np.searchsorted(known, alignment, side="right") / max(len(known), 1)
    return np.where(alignment < 0, share, np.nan)


def _neighbour(samples: Samples, signals: Signals, i: int) -> dict[str, Any]:
    near = signals["neighbour_label"][i] if "neighbour_label" in signals else np.empty(0, np.int32)
    near = near[near >= 0]
    if not len(near):
        return {}
    counts = np.bincount(near)
    best = int(counts.argmax())
    found = {"neighbours": len(near), "neighbours_alike": int(counts[best]), "neighbours_label": _name(samples, best)}
    return {**found, "pairs": samples.task == "relevance"}


class _Sheets:
    """The queries of the flagged rows with all their products, read once."""

    def __init__(self, samples: Samples, rows: Ints) -> None:
        self.samples = samples
        self.order = np.argsort(samples.group, kind="stable")
        self.sorted = samples.group[self.order]
        members = [self.members(int(i)) for i in rows]
        kept = np.unique(np.concatenate([rows, *members])) if len(rows) else rows
        self.place = {int(row): at for at, row in enumerate(kept)}
        part = samples.take(kept)
        self.text = {c: part.texts(c) for c in ("query", "title", "brand", "annotator", "product_id")}
        self.words: dict[int, frozenset[str]] = {}

    def members(self, i: int) -> Ints:
        """The other labelled rows of the query, at most ``MOST``; none for tasks without products."""
        if self.samples.task != "relevance":
            return np.empty(0, dtype=np.int64)
        start, stop = np.searchsorted(self.sorted, [self.samples.group[i], self.samples.group[i] + 1])
        others = self.order[start:stop]
        others = others[(others != i) & (self.samples.label[others] >= 0)]
        return others[np.argsort(np.abs(others - i), kind="stable")[:MOST]]

    def at(self, column: str, i: int) -> str:
        return self.text[column][self.place[int(i)]]

    def same_pair(self, i: int, j: int) -> bool:
        """Whether two rows of a query judge one product: the same id, or without ids the same title."""
        column = "product_id" if self.at("product_id", i) else "title"
        return self.at(column, i) != "" and self.at(column, i) == self.at(column, j)

    def judgements(self, i: int) -> tuple[tuple[str, str], ...]:
        rows = [i, *(int(j) for j in self.members(i) if self.same_pair(i, int(j)))]
        return tuple((_name(self.samples, int(self.samples.label[j])), self.at("annotator", j)) for j in rows)

    def near_identical(self, i: int) -> dict[str, Any]:
        given = int(self.samples.label[i])
        alike = [int(j) for j in self.members(i) if not self.same_pair(i, int(j)) and self.alike(i, int(j))]
        labels = self.samples.label[alike] if alike else np.empty(0, dtype=np.int64)
        others = labels[labels != given]
        if not len(others):
            return {"similar": len(alike)}
        common = int(np.bincount(others).argmax())
        count = int((others == common).sum())
        return {"similar": len(alike), "contradicting": count, "contradicting_label": _name(self.samples, common)}

    def alike(self, i: int, j: int) -> bool:
        """Most words in common, the same numbers, and the same words of the query matched."""
        a, b, query = self.title_words(i), self.title_words(j), words(self.at("query", i))
        if not a or not b or a & query != b & query or _numbers(a) != _numbers(b):
            return False
        return len(a & b) >= ALIKE * len(a | b)

    def title_words(self, i: int) -> frozenset[str]:
        if i not in self.words:
            self.words[i] = words(self.at("title", i))
        return self.words[i]

    def clash(self, i: int) -> Clash | None:
        """What the query asks and the title contradicts; brands are known from the products of the query."""
        query, title = self.at("query", i), self.at("title", i)
        brands = {self.at("brand", int(j)) for j in self.members(i)}
        return clash(query, title) or brand_clash(query, title, self.at("brand", i), brands)


def words(text: str) -> frozenset[str]:
    """Return the words, numbers and single Chinese characters of a text, folded in width and case."""
    return frozenset(_WORDS.findall(unicodedata.normalize("NFKC", text).lower()))


def _numbers(found: frozenset[str]) -> Sequence[str]:
    return sorted(w for w in found if w[0].isdigit())
