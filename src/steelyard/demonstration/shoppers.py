"""Generate interactions with the invented shop: who looked at which product for how long, accidents planted.

The data is invented, not collected. A shopper likes a few kinds of product and one brand more than others, buys what
goes with them, and sometimes hits something else by accident: a product drawn by popularity, left within seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pyarrow as pa

from steelyard.demonstration.shop import LANGUAGES, Asked, Product, complement, exact, words
from steelyard.demonstration.writing import as_csv

FEWEST, MOST = 20, 5_000
#: Of the rows: accidents, and products that go with what was bought before.
ACCIDENTS, WITH_IT = 0.12, 0.15
#: Products of a kind, and things that go with it.
OF_KIND, WITH_KIND = 8, 3
#: Who stayed as many seconds meant it.
STAYED = 10.0
BEGIN, DAY = 1_735_689_600, 86_400
SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("user_id", "item_id", "title", "category", "locale")),
        ("seconds", pa.float64()),
        ("timestamp", pa.int64()),
        ("planted", pa.string()),
    ]
)


@dataclass(frozen=True)
class Shelf:
    """The products of one language: of each kind those of the kind and those that go with it, popular ones first."""

    ids: dict[int, str]
    products: dict[int, Product]
    own: dict[int, list[int]]
    beside: dict[int, list[int]]
    weight: dict[int, float]


def make(seed: int = 7, shoppers: int = 240) -> pa.Table:
    """Generate the interactions of ``shoppers`` people, 60% English (locale ``us``), the rest Chinese (``cn``).

    ``seconds`` is how long the product was looked at; ``planted`` is ``accident`` for a click by chance, which lasts
    less than 5 seconds; every other lasts 12 or more. ``relevant=10`` on the column of seconds (STAYED) therefore
    tells the truth. Rows are one shopper after the other, in the order of time. seed: the same gives the same table.
    Raises ValueError when shoppers is out of 20 to 5,000.
    """
    if not FEWEST <= shoppers <= MOST:
        raise ValueError(f"shoppers must be {FEWEST} to {MOST:,}, not {shoppers:,}")
    rng = Random(seed)
    shelves = {language: _shelf(language, rng) for language in LANGUAGES}
    rows: list[dict[str, object]] = []
    for number in range(shoppers):
        language = "en" if number % 5 < 3 else "zh"
        rows += _visits(f"u{number + 1:04d}", language, shelves[language], rng)
    return pa.Table.from_pylist(rows, SCHEMA)


def write(folder: Path | str, seed: int = 7, shoppers: int = 240) -> Path:
    """Write ``make(seed, shoppers)`` as ``visits.csv`` (UTF-8, comma) into ``folder``; return its path."""
    return as_csv(make(seed, shoppers), Path(folder) / "visits.csv")


def _shelf(language: str, rng: Random) -> Shelf:
    own: dict[int, list[int]] = {}
    beside: dict[int, list[int]] = {}
    products: dict[int, Product] = {}
    weight: dict[int, float] = {}
    for kind in range(len(words(language)["types"])):
        popular = 0.4 + 1.6 * rng.random()
        for held, draw, count in ((own, exact, OF_KIND), (beside, complement, WITH_KIND)):
            held[kind] = []
            for place in range(count):
                code = len(products)
                products[code] = draw(Asked(language, kind, {}, ""), rng)
                weight[code] = popular / (1 + place)
                held[kind].append(code)
    locale = words(language)["locale"].upper()
    return Shelf({c: f"{locale}{c + 1:04d}" for c in products}, products, own, beside, weight)


def _visits(user: str, language: str, shelf: Shelf, rng: Random) -> list[dict[str, object]]:
    """Return the rows of one shopper: two or three kinds, each product once, in the order of time."""
    kinds = rng.sample(sorted(shelf.own), rng.choice((2, 2, 3)))
    when = BEGIN + rng.randrange(200 * DAY)
    taken: set[int] = set()
    rows: list[dict[str, object]] = []
    for _ in range(rng.randint(8, 18)):
        drawn = rng.random()
        accident = drawn < ACCIDENTS
        kind = rng.choice(kinds)
        if accident:
            pool = sorted(set(shelf.products) - {c for k in kinds for c in (*shelf.own[k], *shelf.beside[k])})
        else:
            pool = shelf.beside[kind] if drawn < ACCIDENTS + WITH_IT else shelf.own[kind]
        code = _pick([c for c in pool if c not in taken], shelf, rng)
        when += 1 + rng.randrange(5 * DAY)
        if code is None:
            continue
        taken.add(code)
        rows.append(
            {
                "user_id": user,
                "item_id": shelf.ids[code],
                "title": shelf.products[code].title,
                "category": shelf.products[code].category,
                "locale": words(language)["locale"],
                "seconds": round(1 + 3.9 * rng.random() if accident else 12 * 20 ** rng.random(), 1),
                "timestamp": when,
                "planted": "accident" if accident else "",
            }
        )
    return rows


def _pick(pool: Sequence[int], shelf: Shelf, rng: Random) -> int | None:
    return rng.choices(pool, [shelf.weight[c] for c in pool])[0] if pool else None
