"""Generate the demonstration table: queries, products, true grades, and about one label in eight planted wrong."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from random import Random

import pyarrow as pa

from steelyard.demonstration.planting import Row, plant
from steelyard.demonstration.shop import LANGUAGES, Asked, Product, ask, complement, exact, substitute, variant, words
from steelyard.demonstration.writing import as_csv

#: Grades, worst first: Irrelevant, Complement, Substitute, Exact.
LABELS = ("I", "C", "S", "E")
SHARES = {"E": 0.38, "S": 0.23, "C": 0.22, "I": 0.17}
JUDGES = tuple(f"A{i:02d}" for i in range(1, 9))
SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("query_id", "query", "product_id", "title", "brand", "category")),
        ("price", pa.float64()),
        *((name, pa.string()) for name in ("locale", "annotator", "label", "split", "planted", "gold")),
    ]
)
FEWEST, MOST = 60, 20_000


@dataclass
class _Sheet:
    """One query with its products and their true grades, while it is being filled."""

    asked: Asked
    grades: list[str]
    products: list[Product]


def make(seed: int = 7, rows: int = 1200) -> pa.Table:
    """Generate the bilingual shop catalogue with its planted label errors. The data is invented, not collected.

    About 60% of the rows are English (locale ``us``), the rest Chinese (``cn``); a query has 8 to 15 products.
    ``gold`` is the true grade: Exact = the kind asked with every attribute asked; Substitute = the kind, but another
    brand, size, colour or model; Complement = an accessory for the kind; Irrelevant = another kind. ``label`` equals
    ``gold`` except where ``planted`` names an error: random, adjacent, annotator, rule or duplicate (see ``plant``).

    seed: the same seed gives the same table. rows: 60 to 20,000.
    Returns a table of ``rows`` rows with the columns of ``SCHEMA``, one query after the other.
    Raises ValueError when rows is out of range.
    """
    if not FEWEST <= rows <= MOST:
        raise ValueError(f"rows must be {FEWEST} to {MOST:,}, not {rows:,}")
    rng = Random(seed)
    repeats = max(2, rows // 80)
    sheets = _sheets(rows - repeats, rng)
    for sheet in sheets:
        _fill_irrelevant(sheet, sheets, rng)
    judged = plant(_judged(sheets, rng), LABELS, JUDGES, repeats, rng)
    return pa.Table.from_pylist([r.as_dict() for r in judged], SCHEMA)


def write(folder: Path | str, seed: int = 7, rows: int = 1200) -> Path:
    """Write ``make(seed, rows)`` as ``pairs.csv`` (UTF-8, comma) into ``folder``, made if absent; return its path."""
    return as_csv(make(seed, rows), Path(folder) / "pairs.csv")


def _sheets(rows: int, rng: Random) -> list[_Sheet]:
    """Draw queries until their products make up ``rows`` rows; irrelevant products are still missing."""
    sheets: list[_Sheet] = []
    seen: set[str] = set()
    left = {"en": round(rows * 0.6), "zh": rows - round(rows * 0.6)}
    for language in LANGUAGES:
        while left[language] > 0:
            asked = ask(language, rng)
            if asked.text in seen:
                continue
            seen.add(asked.text)
            size = _size(left[language], rng)
            sheets.append(_sheet(asked, size, rng))
            left[language] -= size
    rng.shuffle(sheets)
    return sheets


def _size(left: int, rng: Random) -> int:
    """Draw 8 to 15 products; the last two queries of a language share what is left, so that none is too short."""
    if left <= 15:
        return left
    return left // 2 if left < 22 else min(rng.randint(8, 14), left - 8)


def _sheet(asked: Asked, size: int, rng: Random) -> _Sheet:
    grades = ["E", "S", "I", *rng.choices(list(SHARES), list(SHARES.values()), k=size - 3)]
    draw = {"E": exact, "S": substitute, "C": complement}
    made: dict[str, list[Product]] = {"E": [], "S": [], "C": []}
    products: list[Product] = []
    for grade in sorted(grades, key="ESCI".index):
        if grade == "I":
            break
        alike = made[grade] and rng.random() < 0.25
        product = variant(rng.choice(made[grade]), asked, rng) if alike else draw[grade](asked, rng)
        made[grade].append(product)
        products.append(product)
    return _Sheet(asked, sorted(grades, key="ESCI".index), products)


def _fill_irrelevant(sheet: _Sheet, sheets: list[_Sheet], rng: Random) -> None:
    """Add products of other categories, drawn from what other queries found; half share the brand asked, if any."""
    kinds = words(sheet.asked.language)["types"]
    category = kinds[sheet.asked.kind]["category"]
    pool = [
        p
        for other in rng.sample(sheets, min(40, len(sheets)))
        if other.asked.language == sheet.asked.language
        for p in other.products
        if p.category != category
    ]
    brand = sheet.asked.attributes.get("brand")
    same_brand = [p for p in pool if p.brand == brand]
    while len(sheet.products) < len(sheet.grades):
        if not pool:
            others = [i for i, k in enumerate(kinds) if k["category"] != category]
            stranger = Asked(sheet.asked.language, rng.choice(others), {}, "")
            sheet.products.append(exact(stranger, rng))
        else:
            sheet.products.append(rng.choice(same_brand if same_brand and rng.random() < 0.5 else pool))


def _judged(sheets: list[_Sheet], rng: Random) -> list[Row]:
    """Turn sheets into rows with the true grade as label; every query lies in one split, every row has a judge."""
    product_ids: dict[tuple[str, str, float], str] = {}
    rows: list[Row] = []
    for number, sheet in enumerate(sheets, start=1):
        split = "test" if number % 4 == 0 else "train"
        locale = words(sheet.asked.language)["locale"]
        pairs = list(zip(sheet.grades, sheet.products, strict=True))
        rng.shuffle(pairs)
        for grade, product in pairs:
            key = (product.title, product.brand, product.price)
            product_id = product_ids.setdefault(key, f"{locale.upper()}{len(product_ids) + 1:05d}")
            rows.append(Row(f"q{number:04d}", sheet.asked.text, product_id, product, locale, split, grade, grade))
    return rows
