"""Which rows say the same thing: identical and near-identical pairs, and where their labels contradict."""

from __future__ import annotations

import numpy as np

from steelyard.features.hashing import distinct, mixed, number_hash
from steelyard.features.near import joined, shapes_of
from steelyard.features.normal import normal, signature
from steelyard.values.arrays import AnyArray, Ints
from steelyard.values.samples import Samples

#: What stands for the product of a row, first that is not empty. Ids come after the title on purpose: one title
#: listed under two ids and judged twice is the commonest contradiction in search tables.
PRODUCT = ("title", "product_id", "description")


def query_codes(samples: Samples, spell: str = "normal") -> Ints:
    """Return (n,) int64: rows with the same query after normalisation share a code.

    spell: ``normal`` (same words in the same order) or ``signature`` (same words in any order). A row without
    query text goes by its query_id, else by its group. Classification and tagging have no query: all codes are 0.
    """
    return _dense(_query_hash(samples, spell))


def pair_codes(samples: Samples) -> Ints:
    """Return (n,) int64: rows with the same query and the same product after normalisation share a code.

    The product is the title, else the product_id, else the description, else the given numbers (LETOR); the text
    for classification; the tokens for tagging. A row where all of these are empty equals no other row.
    """
    product = _product_hash(samples)
    return _codes(mixed(_query_hash(samples, "normal"), product), product == 0)


def near_codes(samples: Samples) -> Ints:
    """Return (n,) int64: rows with a near-identical pair share a code; coarser than ``pair_codes``.

    Near-identical: the same query words in any order, and titles (texts) whose token sets have a Jaccard
    similarity of at least 0.9 and exactly the same tokens with a digit (a 12 and a 13 are different products).
    Likeness is passed on: a ~ b and b ~ c puts a and c together. The partition does not depend on row order.
    Exact by prefix filtering; caps for very common words are those of ``near.WINDOW``.
    Time: about 15 s and 0.5 GB for 1M distinct titles on one core.
    """
    query = _query_hash(samples, "signature")
    product = _product_hash(samples)
    column = _near_column(samples)
    if column is not None:
        found = distinct(samples, column)
        shapes = shapes_of(found)
        has_text = shapes.size[found.index] > 0
        rows = np.flatnonzero(has_text)
        product[rows] = joined(query[rows], found.index[rows], found, shapes)
    return _codes(mixed(query, product), product == 0)


def contradicting(samples: Samples, codes: Ints) -> tuple[Ints, Ints]:
    """Return (agreeing (n,), contradicting (n,)) int32: other rows of a row's code with the same / another label.

    codes: (n,) of ``pair_codes`` or ``near_codes``. Rows count only with rows of their own split, so that nothing
    about test labels reaches a training row. A row without a label has 0 and 0 and counts for nobody.
    """
    return twins(within_split(samples, codes), samples.label)


def evidence(samples: Samples, codes: Ints) -> dict[str, Ints]:
    """Return ``agreeing``, ``contradicting``, ``twin_label`` (n,) of rows that share a code within their split."""
    own = within_split(samples, codes)
    agreeing, against = twins(own, samples.label)
    return {"agreeing": agreeing, "contradicting": against, "twin_label": twin_label(own, samples.label)}


def twins(codes: Ints, label: Ints) -> tuple[Ints, Ints]:
    """Return (agreeing (n,), contradicting (n,)) int32 among exactly these rows; label (n,), -1 counts for nobody."""
    known = np.flatnonzero(label >= 0)
    place = _dense(codes[known])
    width = int(label.max(initial=0)) + 1
    _, inverse, same = np.unique(place * width + label[known], return_inverse=True, return_counts=True)
    everyone = np.bincount(place)[place] if len(place) else np.zeros(0, np.int64)
    agreeing, against = np.zeros(len(label), np.int32), np.zeros(len(label), np.int32)
    agreeing[known] = same[inverse] - 1
    against[known] = everyone - same[inverse]
    return agreeing, against


def twin_label(codes: Ints, label: Ints) -> Ints:
    """Return (n,) int32 the label that most rows of a row's code carry, its own where no other has more rows.

    Of several such labels the lowest code; -1 for a row without a label.
    """
    out = np.full(len(label), -1, np.int32)
    known = np.flatnonzero(label >= 0)
    if not len(known):
        return out
    place, width = _dense(codes[known]), int(label.max()) + 1
    pairs, inverse, rows = np.unique(place * width + label[known], return_inverse=True, return_counts=True)
    order = np.lexsort((pairs, -rows, pairs // width))
    first = np.unique((pairs // width)[order], return_index=True)[1]
    best, most = (pairs % width)[order][first], rows[order][first]
    out[known] = np.where(most[place] > rows[inverse], best[place], label[known])
    return out


def within_split(samples: Samples, codes: Ints) -> Ints:
    """Return (n,) codes that rows share only within their own split: nothing of test labels reaches training rows."""
    split, names = split_codes(samples)
    return codes * len(names) + split


def split_codes(samples: Samples) -> tuple[Ints, tuple[str, ...]]:
    """Return ((n,) int64 codes, names) of the splits; ``train`` where the table says nothing."""
    if not samples.has("split"):
        return np.zeros(len(samples), np.int64), ("train",)
    found = distinct(samples, "split")
    names = [name or "train" for name in found.values.to_pylist()]
    order = sorted(set(names)) or ["train"]
    place = np.array([order.index(name) for name in names] or [0], np.int64)
    return place[found.index], tuple(order)


def _near_column(samples: Samples) -> str | None:
    wanted = ("title",) if samples.task == "relevance" else ("text", "tokens")
    return next((c for c in wanted if samples.has(c)), None)


def _query_hash(samples: Samples, spell: str) -> AnyArray:
    if samples.task != "relevance":
        return np.zeros(len(samples), np.uint64)
    found = _column_hash(samples, "query", spell)
    found = _filled(found, _column_hash(samples, "query_id", "id"))
    return _filled(found, mixed(np.full(len(samples), 7, np.uint64), samples.group))


def _product_hash(samples: Samples) -> AnyArray:
    """Return (n,) uint64; 0 where a row names no product."""
    found = np.zeros(len(samples), np.uint64)
    for column in PRODUCT if samples.task == "relevance" else ("text", "tokens"):
        found = _filled(found, _column_hash(samples, column, "id" if column.endswith("_id") else "normal"))
    return found if samples.numeric is None else _filled(found, number_hash(samples.numeric))


def _column_hash(samples: Samples, column: str, spell: str) -> AnyArray:
    if not samples.has(column):
        return np.zeros(len(samples), np.uint64)
    found = distinct(samples, column)
    spelled = {"normal": normal, "signature": signature, "id": lambda t: t and f"{column}\0{t}"}[spell]
    return found.hashes(spelled)[found.index]


def _filled(found: AnyArray, more: AnyArray) -> AnyArray:
    return np.where(found == 0, more, found)


def _codes(hashes: AnyArray, alone: AnyArray) -> Ints:
    """Return (n,) dense codes; each row that is ``alone`` has a code of its own, after all others."""
    codes = np.zeros(len(hashes), np.int64)
    codes[~alone] = _dense(hashes[~alone])
    first = int(codes[~alone].max()) + 1 if (~alone).any() else 0
    codes[alone] = first + np.arange(int(alone.sum()))
    return codes


def _dense(values: AnyArray) -> Ints:
    return np.unique(values, return_inverse=True)[1].astype(np.int64)
