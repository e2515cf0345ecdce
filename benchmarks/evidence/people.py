"""Noise that people made: given labels beside the truth, one rater's label, or rows that raters disputed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import steelyard as sy
from _crowd import pairs
from _results import data
from benchmarks.evidence import raters
from benchmarks.evidence.labelled import Labelled, labelled
from steelyard.values.samples import Samples

Noise = Callable[[int, int], Labelled]  # (rows, seed)


def _with_gold(which: str) -> Noise:
    def read(rows: int, seed: int) -> Labelled:
        from steelyard.acts import opening

        found = pairs(which)
        found = opening.some(found, rows) if rows < len(found) else found
        assert found.gold is not None
        return Labelled(found, np.asarray(found.gold != found.label))

    return read


def _one_rater(of: Callable[[int], tuple[Samples, np.ndarray]], by_deviation: bool = False) -> Noise:
    """Return a noise: one rater's label; gold is the majority's (the median's)."""

    def read(rows: int, seed: int) -> Labelled:
        samples, known = of(rows)
        truth, rng = np.asarray(samples.label), np.random.default_rng([seed, 71])
        if by_deviation:
            given = raters.one_of_three(truth, known, rng)
        else:
            given = raters.dissenting(truth, 1.0 - known, len(samples.scale) - 1, rng)
        return Labelled(labelled(samples, given, truth), given != truth)

    return read


def _disputed(of: Callable[[int], tuple[Samples, np.ndarray]], when: Callable[[np.ndarray], np.ndarray]) -> Noise:
    """Return a noise that nobody knows: the label is the majority's, `wrong` are the rows that raters disputed."""

    def read(rows: int, seed: int) -> Labelled:
        samples, known = of(rows)
        return Labelled(samples, when(known))

    return read


def _rated(folder: str, file: str, kept: tuple[str, ...], column: str) -> Callable[[int], tuple[Samples, np.ndarray]]:
    """Return a reader of a table and of the (n,) figure by which its raters agreed.

    The figure passes the reading as a word, so that it keeps its row, and is taken out again before anything is made
    of the samples.
    """
    word = "rated"

    def read(rows: int) -> tuple[Samples, np.ndarray]:
        table = pq.read_table(data(folder) / file)
        bare = table.select(list(kept)).append_column(word, _words(table[column]))
        texts = {"columns": {"text": kept[0], "label": kept[1]}, "task": "classification"}
        found = sy.read(bare, sample=rows, **({} if "query" in kept else texts))
        known = np.array([float(v[1:]) for v in found.table[word].to_pylist()])
        return replace(found, table=found.table.drop_columns([word])), known

    return read


def _words(figures: pa.ChunkedArray) -> pa.Array:
    """Return figures as words of at most 40 kinds: a column of many numbers makes no slice and would not be read."""
    values = figures.to_numpy().astype(float)
    if len(np.unique(values)) > 40:
        values = np.round(values * 40) / 40
    return pa.array([f"v{v:.4f}" for v in values])


_TWEETS = _rated("airline_tweets", "tweets.parquet", ("text", "airline_sentiment", "airline"),
                 "airline_sentiment_confidence")  # fmt: skip
_PHRASES = _rated("financial_phrasebank", "sentences.parquet", ("sentence", "label"), "agreement_at_least")
_SEARCHES = _rated(
    "crowdflower_search", "train.parquet",
    ("query", "product_title", "product_description", "median_relevance"), "relevance_variance",
)  # fmt: skip
#: Of 5 to 8 raters; a file holds what agreed at least so much, so the mean of its range stands for it.
_SHARE = {50.0: 0.58, 66.0: 0.71, 75.0: 0.88, 100.0: 1.0}


def _shares(rows: int) -> tuple[Samples, np.ndarray]:
    found, known = _PHRASES(rows)
    return found, np.array([_SHARE[v] for v in known])


#: table -> the noises that people made in it, by name.
BY: dict[str, tuple[tuple[str, Noise], ...]] = {
    "airline_tweets": (("one_rater", _one_rater(_TWEETS)), ("disputed", _disputed(_TWEETS, lambda v: v < 0.7))),
    "financial_phrasebank": (("one_rater", _one_rater(_shares)), ("disputed", _disputed(_PHRASES, lambda v: v < 66))),
    "dproduct_crowd": (("majority", _with_gold("majority")), ("first_answer", _with_gold("first answer"))),
    "crowdflower_search": (
        ("one_rater", _one_rater(_SEARCHES, True)),
        ("disputed", _disputed(_SEARCHES, lambda v: v > 0.6)),
    ),
}
