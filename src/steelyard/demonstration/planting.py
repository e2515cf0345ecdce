"""Plant label errors of five kinds, each the picture of a real cause; the true grade stays beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from steelyard.demonstration.shop import Product

#: Share of the rows that get an error of each kind; duplicates and the rule come on top.
RANDOM, ADJACENT, CARELESS = 0.033, 0.033, 0.45
#: How much of the work falls to the careless judge, and to each of the others.
CARELESS_LOAD = 0.5


@dataclass(frozen=True)
class Row:
    """One judged pair; ``planted`` is '' where ``label`` is the true grade."""

    query_id: str
    query: str
    product_id: str
    product: Product
    locale: str
    split: str
    label: str
    gold: str
    annotator: str = ""
    planted: str = ""

    def as_dict(self) -> dict[str, Any]:
        own = {k: getattr(self, k) for k in ("query_id", "query", "product_id", "locale", "annotator", "label")}
        p = self.product
        own |= {"title": p.title, "brand": p.brand, "category": p.category, "price": p.price}
        return own | {"split": self.split, "planted": self.planted, "gold": self.gold}


def plant(rows: list[Row], labels: Sequence[str], judges: Sequence[str], repeats: int, rng: Random) -> list[Row]:
    """Give every row a judge, then plant errors; return ``len(rows) + repeats`` rows.

    rule: half of the judges grade every case that fits the thing asked as Exact: one misread rule, not many slips.
    annotator: the last judge but one is careless and wrong in almost half of the rows.
    random: any other grade. adjacent: the grade next to the true one, the slip of a good judge.
    duplicate: the same pair twice, by two judges, with contradictory labels; one of the two is wrong.
    labels: grades, worst first.
    """
    careless = judges[-2]
    load = [CARELESS_LOAD if j == careless else 1.0 for j in judges]
    misread = judges[: len(judges) // 2]
    judged = [replace(r, annotator=rng.choices(judges, load)[0]) for r in rows]
    judged = [_by_its_judge(r, labels, careless, misread, rng) for r in judged]
    for kind, share in (("random", RANDOM), ("adjacent", ADJACENT)):
        clean = [i for i, r in enumerate(judged) if not r.planted]
        for i in rng.sample(clean, round(share * len(judged))):
            judged[i] = _wrong(judged[i], kind, labels, rng)
    return _with_repeats(judged, labels, judges, repeats, rng)


def _by_its_judge(row: Row, labels: Sequence[str], careless: str, misread: Sequence[str], rng: Random) -> Row:
    if row.annotator in misread and row.gold == "C" and row.product.case:
        return replace(row, label="E", planted="rule")
    if row.annotator == careless and rng.random() < CARELESS:
        return _wrong(row, "annotator", labels, rng)
    return row


def _wrong(row: Row, kind: str, labels: Sequence[str], rng: Random) -> Row:
    at = labels.index(row.gold)
    near = [labels[i] for i in (at - 1, at + 1) if 0 <= i < len(labels)]
    options = near if kind == "adjacent" else [g for g in labels if g != row.gold]
    return replace(row, label=rng.choice(options), planted=kind)


def _with_repeats(
    judged: list[Row], labels: Sequence[str], judges: Sequence[str], repeats: int, rng: Random
) -> list[Row]:
    """Put a second, contradictory judgement behind ``repeats`` clean rows; either of the two may be wrong."""
    clean = [i for i, r in enumerate(judged) if not r.planted]
    chosen = set(rng.sample(clean, repeats))
    out: list[Row] = []
    for i, row in enumerate(judged):
        if i not in chosen:
            out.append(row)
            continue
        other = rng.choice([j for j in judges if j != row.annotator])
        right, wrong = row, _wrong(row, "duplicate", labels, rng)
        pair = [right, wrong] if rng.random() < 0.5 else [wrong, right]
        out += [pair[0], replace(pair[1], annotator=other)]
    return out
