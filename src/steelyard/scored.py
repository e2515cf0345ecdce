"""A finished score run: what ``score`` returns and what ``show``, ``compare`` and ``export`` start from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from steelyard.acts.intervals import SMALL
from steelyard.acts.suggesting import suggestion
from steelyard.errors import DataError, UsageError
from steelyard.run import Run
from steelyard.values.arrays import AnyArray, Ints, Mask
from steelyard.values.readings import Readings
from steelyard.values.samples import Samples
from steelyard.values.scale import Scale

NUMBERS = ("suspicion", "difficulty", "benefit", "p_suggested")


class Scored:
    """The numbers of a run and, found again in the source file, the text that belongs to them."""

    def __init__(self, run: Run, reopen: Any) -> None:
        self.run = run
        self._reopen = reopen
        if not run.has("scores.parquet"):
            raise UsageError("U122", run=run.path.name)

    def __repr__(self) -> str:
        flagged = int(self.table["flagged"].to_numpy().sum())
        return f"Scored({self.run.path.name}: {self.table.num_rows:,} rows, {flagged:,} flagged)"

    @property
    def id(self) -> str:
        return self.run.id

    @cached_property
    def info(self) -> dict[str, Any]:
        """Return the provenance of the run (run.json)."""
        return self.run.read_json("run.json")

    @cached_property
    def scale(self) -> Scale:
        return Scale.from_dict(self.info["scale"])

    @cached_property
    def table(self) -> pa.Table:
        """The scores, one row a sample in the order of the source; no text."""
        return pq.read_table(self.run.path / "scores.parquet")

    def column(self, name: str) -> AnyArray:
        return self.table[name].to_numpy(zero_copy_only=False)

    @property
    def marked(self) -> Mask:
        """(n,) rows whose label came with one word and with nothing else in their text."""
        known = "marked" in self.table.column_names
        return self.column("marked").astype(bool) if known else np.zeros(self.table.num_rows, bool)

    @cached_property
    def readings(self) -> Readings:
        """The readings that policies use."""
        signals = pq.read_table(self.run.path / "readings.parquet")
        return Readings.from_arrow(signals)

    @cached_property
    def samples(self) -> Samples:
        """The samples with their text, read again from the source.

        Raises DataError S310 when the source is gone or has changed since the run.
        """
        samples = self._reopen(self.run, self.info)
        if samples.origin.fingerprint != self.info["fingerprint"]:
            missing = len(set(self.column("row_key")) - set(samples.row_key))
            raise DataError(
                "S310", path=", ".join(self.info["paths"]) or "table", count=missing, rows=self.table.num_rows
            )
        return samples

    def order(self) -> Ints:
        """Return the positions of all labelled rows, most suspicious first; ties by row key."""
        suspicion = self.column("suspicion")
        known = np.flatnonzero(np.isfinite(suspicion))
        return known[np.lexsort((self.column("row_key")[known].astype(str), -suspicion[known]))]

    def rows(self, positions: Ints, *, text: bool = True, mask: bool = True) -> list[dict[str, Any]]:
        """Return rows as dictionaries with reasons in both languages; personal data masked unless told otherwise."""
        picked = self.table.take(pa.array(positions)).to_pylist()
        texts = self._texts(positions, mask) if text else [{} for _ in picked]
        return [{**words, **self._row(row)} for row, words in zip(picked, texts, strict=True)]

    def top(self, k: int = 20, *, mask: bool = True, text: bool = True) -> list[dict[str, Any]]:
        """Return the k most suspicious rows, worst first, each with its reason."""
        return self.rows(self.order()[:k], mask=mask, text=text)

    def query(self, asked: str, *, mask: bool = True) -> list[dict[str, Any]]:
        """Return the query sheet: all rows of the query with this text or id, most suspicious first.

        Raises UsageError U123 when no row has it.
        """
        samples = self.samples
        found = np.zeros(len(samples), bool)
        for column in ("query", "query_id", "text"):
            if samples.has(column):
                values = samples.table[column].to_numpy(zero_copy_only=False)
                found |= np.array([v is not None and str(v).strip().lower() == asked.strip().lower() for v in values])
        if not found.any():
            raise UsageError("U123", query=asked)
        same = np.flatnonzero(np.isin(samples.group, samples.group[found]))
        suspicion = np.nan_to_num(self.column("suspicion")[same], nan=-1.0)
        return self.rows(same[np.argsort(-suspicion, kind="stable")], mask=mask)

    def row(self, key: str, *, mask: bool = True) -> dict[str, Any]:
        """Return everything known of one row. Raises UsageError U124 when no row has the key."""
        found = np.flatnonzero(self.column("row_key") == key)
        if not len(found):
            raise UsageError("U124", key=key)
        return self.rows(found, mask=mask)[0]

    def reviews(self) -> list[tuple[str, dict[str, Any]]]:
        """Return what reviewed rows say of this run, as coded sentences with their facts: gold labels, then answers.

        Of the precision of merged answers these are the lines of 50 rows and more, or the longest one.
        """
        found = self.info["reviewed"] or {}
        told = [("RV01" if at["even"] else "RV02", at) for at in found.get("at", ())]
        told += [("RV03", found)] if found and not found.get("drawn", True) else []
        if not self.run.has("merge.json"):
            return told
        merged = self.run.read_json("merge.json")
        precision = [at for at in merged["precision"] if at["k"] >= SMALL] or merged["precision"][-1:]
        return told + merged_reviews({**merged, "precision": precision})

    def slices(self) -> list[dict[str, Any]]:
        """Return the slices of the run, worst first, with intervals and q values."""
        return self.run.read_json("slices.json")["slices"]

    def _texts(self, positions: Ints, mask: bool) -> list[dict[str, Any]]:
        from steelyard.features.personal import mask as masked

        samples = self.samples
        columns = [c for c in ("query_id", "query", "product_id", "title", "text", "tokens", "tags") if samples.has(c)]
        rows = samples.table.select(columns).take(pa.array(positions)).to_pylist()
        out = []
        for row in rows:
            shown = {k: masked(v) if mask and isinstance(v, str) and k in ("query", "title", "text") else v
                     for k, v in row.items()}  # fmt: skip
            shown["masked"] = mask and shown != row
            out.append(shown)
        return out

    def _row(self, row: Mapping[str, Any]) -> dict[str, Any]:
        facts = json.loads(row["reason_facts"]) if row["reason_facts"] else {}
        shown = dict(row)
        del shown["reason_facts"]
        for lang in ("en", "zh"):
            shown[f"reason_{lang}"] = sentence(row["reason"], facts, lang)
            shown[f"suggestion_{lang}"] = suggestion(row, self.scale, lang)
        return {k: None if isinstance(v, float) and not np.isfinite(v) else v for k, v in shown.items()}


def sentence(code: str | None, facts: Mapping[str, Any], lang: str) -> str:
    """Return a stored reason in words, '' where there is none."""
    if not code:
        return ""
    from steelyard.acts import reasons

    return reasons.sentence(code, facts, lang)


def merged_reviews(found: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Return what merged answers say of a run, as coded sentences with their facts."""
    told = [("RV04", at) for at in found["precision"]]
    rate = found["error_rate"]
    told += [("RV05", rate)] if rate else []
    return told + ([("RV06", rate)] if rate and rate.get("open") else [])
