"""Personal data in what people typed."""

from __future__ import annotations

from collections import Counter

from steelyard.acts.checks.looked import Findings, Looked
from steelyard.features.personal import KINDS, personal_rows

#: Columns that people write; titles and descriptions are the shop's own words.
WRITTEN = ("query", "text", "tokens")


def check_personal(looked: Looked) -> Findings:
    """Count rows with phone numbers, e-mail addresses, identity cards or bank cards (P201)."""
    for column in WRITTEN:
        if not looked.samples.has(column):
            continue
        rows, counts = personal_rows(looked.distinct(column))
        if len(rows):
            yield looked.finding("P201", "warn", rows, column=column, kinds=_said(counts), **counts_of(counts))
        else:
            yield looked.finding("P201.ok", "ok", count=len(looked.samples), column=column)


def counts_of(counts: Counter[str]) -> dict[str, int]:
    return {kind: int(counts[kind]) for kind in KINDS}


def _said(counts: Counter[str]) -> str:
    return ", ".join(
        f"{kind} {counts[kind]:,}" for kind in sorted(KINDS, key=lambda k: (-counts[k], k)) if counts[kind]
    )
