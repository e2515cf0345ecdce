"""The tables of the evidence: truth, and where people made the noise the label that they gave.

All are real and lie outside the repository; `demo` is the shop catalogue that Steelyard brings along. Tables larger
than `rows` are cut to whole groups by chance, seed 0.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

import steelyard as sy
from _results import data
from benchmarks.evidence import people
from benchmarks.evidence.labelled import Labelled
from steelyard.values.samples import Samples


@dataclass(frozen=True)
class Named:
    """read(rows) -> Samples whose label is the truth. people: name and (rows, seed) -> Labelled of noises of people.

    model: which of the two quick models its arms train. rows: it is cut to. column: its slices, '' none.
    """

    name: str
    read: Callable[[int], Samples] | None
    rows: int
    model: str = "linear"
    column: str = ""
    people: tuple[tuple[str, people.Noise], ...] = ()

    def real(self, noise: str, rows: int, seed: int) -> Labelled:
        return dict(self.people)[noise](rows, seed)


def _text(folder: str, file: str, text: str, label: str, column: str = "", but: str = "") -> Callable[[int], Samples]:
    """Return a reader of texts; nothing but text, label and slice is read, so that nothing else can leak.

    but: a label whose rows are left out.
    """

    def read(rows: int) -> Samples:
        table = pq.read_table(data(folder) / file)
        if but:
            table = table.filter(pc.not_equal(table[label], but))
        return _classes(table.select([n for n in (text, label, column) if n]), text, label, rows)

    return read


def _classes(table: pa.Table, text: str, label: str, rows: int) -> Samples:
    return sy.read(table, columns={"text": text, "label": label}, task="classification", sample=rows)


def _serialised(text: str) -> dict[str, str]:
    """Return the fields of Ditto's `COL name VAL value` text."""
    return {k: v.strip() for k, v in re.findall(r"COL (\w+) VAL (.*?)(?= COL \w+ VAL |$)", text + " ")}


def _matching(which: str) -> Callable[[int], Samples]:
    def read(rows: int) -> Samples:
        table = pq.read_table(data("product_matching") / "er_magellan.parquet").to_pylist()
        out = []
        for row in table:
            if row["dataset"] != which:
                continue
            left, right = _serialised(row["left"]), _serialised(row["right"])
            name = "title" if "title" in left else "name"
            out.append(
                {
                    "query": left.pop(name), "query_description": " ".join(left.values()),
                    "title": right.pop(name), "brand": right.pop("brand", right.pop("manufacturer", "")),
                    "description": " ".join(right.values()), "label": row["label"],
                }
            )  # fmt: skip
        return sy.read(pa.Table.from_pylist(out), task="relevance", sample=rows)

    return read


def _graded(rows: int) -> Samples:
    table = pq.read_table(data("qbqtc_zh") / "pairs.parquet").drop_columns(["split", "id"])
    return sy.read(table, task="relevance", sample=rows)


def _demo(rows: int) -> Samples:
    """The shop catalogue with its true grades, nothing planted."""
    from steelyard.demonstration import catalogue

    table = catalogue.make(rows=rows)
    own = table.drop_columns(["label", "planted", "split", "annotator"]).rename_columns(
        [
            "label" if n == "gold" else n
            for n in table.column_names
            if n not in ("label", "planted", "split", "annotator")
        ]
    )
    return sy.read(own, label_order=["I", "C", "S", "E"])


def _demo_texts(rows: int) -> Samples:
    """Titles of the catalogue, to be put into their category: a text set that lies in the package."""
    from steelyard.demonstration import catalogue

    table = catalogue.make(rows=rows)
    own = pa.table({"text": table["title"], "label": table["category"], "locale": table["locale"]})
    return sy.read(own, columns={"text": "text", "label": "label"}, task="classification")


SETS: dict[str, Named] = {
    s.name: s
    for s in (
        Named("banking77", _text("banking77", "utterances.parquet", "text", "category", "split"), 8_000),
        Named("clinc150", _text("clinc150", "full.parquet", "text", "intent", "domain", "oos"), 6_000, column="domain"),
        Named("airline_tweets", _text("airline_tweets", "tweets.parquet", "text", "airline_sentiment", "airline"),
              6_000, column="airline", people=people.BY["airline_tweets"]),
        Named("financial_phrasebank", _text("financial_phrasebank", "sentences.parquet", "sentence", "label"), 4_846,
              people=people.BY["financial_phrasebank"]),
        Named("stock_emotions", _text("stock_emotions", "posts.parquet", "processed", "senti_label"), 6_000),
        Named("womens_clothing", _text("womens_clothing_reviews", "reviews.parquet", "review_text", "recommended_ind",
              "department_name"), 6_000, column="department_name"),
        Named("zh_categories", _text("zh_online_shopping_10_cats", "reviews.parquet", "review", "cat"), 6_000),
        Named("zh_sentiment", _text("zh_online_shopping_10_cats", "reviews.parquet", "review", "label", "cat"), 6_000,
              column="category"),
        Named("zh_waimai", _text("zh_service_reviews", "waimai_10k.parquet", "review", "label"), 6_000),
        Named("walmart_amazon", _matching("Walmart-Amazon"), 3_000, "boosted"),
        Named("abt_buy", _matching("Abt-Buy"), 3_000, "boosted"),
        Named("qbqtc_zh", _graded, 3_000, "boosted"),
        Named("dproduct_crowd", None, 8_315, "boosted",
              people=people.BY["dproduct_crowd"]),
        Named("crowdflower_search", None, 3_000, "boosted", people=people.BY["crowdflower_search"]),
        Named("demo", _demo, 900, "boosted", column="category"),
        Named("demo_texts", _demo_texts, 900, column="locale"),
    )
}  # fmt: skip


@lru_cache(maxsize=2)
def truth(name: str, rows: int) -> Samples:
    """Return a set whose label is the truth, read once."""
    read = SETS[name].read
    assert read is not None
    return read(rows)
