"""From a table of labelled pairs to judgements: one whole-numbered grade for a query and a product."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

import pyarrow as pa

from steelyard.errors import DataError

Repeated = Literal["refuse", "lowest", "highest", "last"]


class Judgement(NamedTuple):
    """One judged pair; grade is None where nobody judged it."""

    query: str
    product: str
    grade: int | None


def judgements(
    table: pa.Table, query: Sequence[str], product: Sequence[str], labels: Sequence[str], repeated: Repeated
) -> list[Judgement]:
    """Return one judgement for every pair, in the order of the table.

    query, product: names of columns, the first that the table has is used. labels: names of the grades, worst
    first; their places are the grades. Empty: the labels are whole numbers. repeated: what to do with a pair that
    has two grades. Raises DataError: D181 missing column, D182 labels that are no grades, D183 contradictions.
    """
    names = [_first_of(table, options) for options in (query, product, ("label",))]
    keys, products, texts = (table[name].cast(pa.string()).to_pylist() for name in names)
    grades = _grades(texts, labels)
    found: dict[tuple[str, str], int | None] = {}
    contradicting: set[tuple[str, str]] = set()
    for key, grade in zip(zip(keys, products, strict=True), grades, strict=True):
        pair = (key[0] or "", key[1] or "")
        before = found.get(pair)
        if before is None or grade is None or before == grade:
            found[pair] = before if grade is None else grade
            continue
        contradicting.add(pair)
        found[pair] = {"lowest": min(before, grade), "highest": max(before, grade)}.get(repeated, grade)
    if contradicting and repeated == "refuse":
        first = min(contradicting)
        raise DataError("D183", count=len(contradicting), query=first[0], product=first[1])
    return [Judgement(*pair, grade) for pair, grade in found.items()]


def _first_of(table: pa.Table, options: Sequence[str]) -> str:
    for name in options:
        if name in table.column_names:
            return name
    raise DataError("D181", wanted=" / ".join(options), known=", ".join(table.column_names))


def _grades(texts: list[str | None], labels: Sequence[str]) -> list[int | None]:
    """Turn label texts into grades; None and '' stay unjudged. Raises DataError D182."""
    grade = {name: place for place, name in enumerate(labels)} if labels else dict(_whole(texts))
    wrong = [t for t in texts if t not in (None, "") and t not in grade]
    if wrong:
        values = ", ".join(sorted({str(t) for t in wrong})[:8])
        raise DataError("D182", count=len(wrong), values=values)
    return [grade.get(t) if t is not None else None for t in texts]


def _whole(texts: list[str | None]) -> Iterator[tuple[str, int]]:
    """The texts that are whole numbers (2 and 2.0) with their value."""
    for text in {t for t in texts if t}:
        try:
            value = float(text)
        except ValueError:
            continue
        if value.is_integer():
            yield text, int(value)
