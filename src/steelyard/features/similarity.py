"""Similarity features of query and product: how well the product's words, numbers and codes answer the query's."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import scipy.sparse as sp

from steelyard.features import overlap
from steelyard.features.blocks import packed, unpacked
from steelyard.features.tokens import Tokens, tokenise
from steelyard.values.arrays import AnyArray, Floats, Ints
from steelyard.values.samples import Samples

IDF_ROWS = 100_000
BINS = 63  # of a feature's values; with the code for NaN they fill one byte and scikit-learn's 64 bins

#: Text columns that are compared, with the number of characters that count.
LIMITS = {"query": 200, "query_description": 600, "title": 300, "description": 600, "brand": 60, "category": 120}
SHORT = tuple((s, s in ("word", "char4", "number", "chunk", "code")) for s in
              ("word", "word2", "char3", "char4", "number", "unit", "chunk", "code"))  # fmt: skip
LONG = (("word", True), ("word2", False), ("char4", False), ("number", False))
TAG = {
    ("query", "title"): "qt", ("query", "description"): "qd",
    ("query_description", "title"): "xt", ("query_description", "description"): "xd",
}  # fmt: skip
RELATIVE = (
    "qt.word.cos", "qt.char4.cos", "qt.char4.cov_a", "qt.word.cov_a", "qt.chunk.cov_b", "qt.code.cos",
    "code_q_in_t.cov", "code_t_in_q.cov", "qt.number.cos", "qd.word.cos", "xt.word.cos", "xd.word.cos",
)  # fmt: skip


def fold(text: str, limit: int) -> str:
    """Return text as the features see it: NFKC (full-width to half-width), lower case, at most ``limit`` characters."""
    text = text[:limit]
    return text.lower() if text.isascii() else unicodedata.normalize("NFKC", text).lower()


def encode(column: pa.ChunkedArray | pa.Array) -> tuple[Ints, list[str]]:
    """Return (n,) codes and the unique texts of a column; null is the empty text."""
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    coded = pc.fill_null(array.cast(pa.large_string()), "").dictionary_encode()
    return coded.indices.to_numpy(zero_copy_only=False).astype(np.int64), coded.dictionary.to_pylist()


@dataclass
class _Chunk:
    """The tokenised texts of some rows: which unique text each row has, and count matrices on demand."""

    index: dict[str, Ints]
    tokens: dict[str, Tokens]

    @classmethod
    def of(cls, table: pa.Table, fields: list[str]) -> _Chunk:
        index, tokens = {}, {}
        for name in fields:
            index[name], texts = encode(table[name])
            tokens[name] = tokenise([fold(t, LIMITS[name]) for t in texts])
        return cls(index, tokens)

    def counts(self, field: str, stream: str) -> sp.csr_matrix:
        return overlap.counts(self.tokens[field].streams[stream], self.tokens[field].n)


def _idf(samples: Samples, fields: list[str]) -> dict[str, Floats]:
    """Return stream -> idf over queries and titles of at most IDF_ROWS evenly spaced rows."""
    rows = np.unique(np.linspace(0, len(samples) - 1, min(len(samples), IDF_ROWS)).astype(np.int64))
    chunk = _Chunk.of(samples.table.select(fields).take(pa.array(rows)), fields)
    streams = {s for s, _ in SHORT} | {"word3", "word4", "squash"}
    return {s: overlap.idf(chunk.counts(f, s) for f in fields) for s in streams}


def _lengths(c: _Chunk) -> Iterator[tuple[str, Floats]]:
    for name, t in c.tokens.items():
        yield f"length.{name}", t.chars[c.index[name]]
        words = np.bincount(t.streams["word"][0], minlength=t.n)
        yield f"words.{name}", words[c.index[name]].astype(np.float32)


def _pair(c: _Chunk, idf: dict[str, Floats], a: str, b: str) -> Iterator[tuple[str, Floats]]:
    """Yield the overlap of two fields, stream by stream, and how far one's model codes stand in the other."""
    tag = TAG[a, b]
    for stream, detail in SHORT if tag == "qt" else LONG:
        shared = overlap.compare(
            c.counts(a, stream), c.counts(b, stream), idf[stream], c.index[a], c.index[b], detail=detail
        )
        yield from ((f"{tag}.{stream}.{k}", v) for k, v in shared.items())
    for one, other in ((a, b), (b, a)) if tag in ("qt", "xt") else ((a, b),):
        found = overlap.coverage(
            c.counts(one, "codegram"), c.counts(other, "squash"), idf["squash"], c.index[one], c.index[other]
        )
        name = f"code_{TAG_LETTER[one]}_in_{TAG_LETTER[other]}"
        yield f"{name}.cov", found[0]
        yield f"{name}.n", found[1]


TAG_LETTER = {"query": "q", "title": "t", "description": "d", "query_description": "x"}


def _order(c: _Chunk, idf: dict[str, Floats]) -> Iterator[tuple[str, Floats]]:
    """Yield the longest run of query words in the title, and whether first and last words meet."""
    q, t, qi, ti = c.tokens["query"], c.tokens["title"], c.index["query"], c.index["title"]
    run = np.zeros(len(qi), np.float32)
    for k, stream in enumerate(("word", "word2", "word3", "word4"), 1):
        shared = overlap.coverage(c.counts("query", stream), c.counts("title", stream), idf[stream], qi, ti)[1]
        run[np.nan_to_num(shared) > 0] = k
    yield "run", run
    yield "first_equal", (q.first[qi] == t.first[ti]).astype(np.float32)
    yield "last_equal", (q.last[qi] == t.last[ti]).astype(np.float32)
    for name, word in (("first_found", q.first), ("last_found", q.last)):
        single = overlap.counts((np.arange(q.n), word), q.n)
        yield name, np.nan_to_num(overlap.coverage(single, c.counts("title", "word"), idf["word"], qi, ti)[1])


def _named(c: _Chunk, idf: dict[str, Floats]) -> Iterator[tuple[str, Floats]]:
    """Yield how much of brand and category the query names."""
    for a in ("brand", "category"):
        for b in ("query", "query_description"):
            if a in c.tokens and b in c.tokens:
                cov, n = overlap.coverage(c.counts(a, "word"), c.counts(b, "word"), idf["word"], c.index[a], c.index[b])
                yield f"{a}_in_{b}.cov", cov
                yield f"{a}_in_{b}.n", n


def prices(column: pa.ChunkedArray) -> Floats:
    """Return (n,) numbers of a price column, NaN where there is none: '$1,299.00' is 1299."""
    text = pc.replace_substring_regex(pc.fill_null(column.cast(pa.large_string()), ""), r"[^0-9.]", "")
    plain = pc.match_substring_regex(text, r"^[0-9]+(\.[0-9]*)?$")
    return pc.if_else(plain, text, None).cast(pa.float64()).to_numpy().astype(np.float64)


def _price(table: pa.Table) -> Iterator[tuple[str, Floats]]:
    if "price" not in table.column_names:
        return
    price = prices(table["price"])
    yield "price", np.log1p(price).astype(np.float32)
    if "query_price" in table.column_names:
        ratio = np.log1p(prices(table["query_price"])) - np.log1p(price)
        yield "price_ratio", ratio.astype(np.float32)
        yield "price_gap", np.abs(ratio).astype(np.float32)


def relative(x: Floats, group: Ints) -> dict[str, Floats]:
    """Return where each value stands among the rows of its group, (n,) each, NaN for a group of one row.

    gap: distance to the best other row (positive for the best itself); rank: 0 the best .. 1 the last, equal values
    share a rank; z: distance from the group's mean in its standard deviations.
    """
    n = len(x)
    v = np.where(np.isfinite(x), x, -1.0)
    order = np.lexsort((-v, group))
    g, s = group[order], v[order]
    new = np.concatenate([[True], g[1:] != g[:-1]])[:n]
    start = np.flatnonzero(new)
    size = np.diff(np.append(start, n))
    gid = np.repeat(np.arange(len(start)), size)
    second = s[np.minimum(start + 1, n - 1)][gid]
    place = np.arange(n) - start[gid]
    differs = np.concatenate([[True], s[1:] != s[:-1]])[:n] | new
    rank = place[np.maximum.accumulate(np.where(differs, np.arange(n), 0))]
    mean = np.bincount(gid, s) / size
    deviation = np.sqrt(np.maximum(np.bincount(gid, s * s) / size - mean**2, 0))
    values = {
        "gap": np.where(place == 0, s - second, s - s[start][gid]),
        "rank": rank / np.maximum(size[gid] - 1, 1),
        "z": (s - mean[gid]) / (deviation[gid] + 1e-3),
    }
    out = {}
    for name, value in values.items():
        out[name] = np.empty(n, np.float32)
        out[name][order] = np.where(size[gid] > 1, value, np.nan)
    return out


def _relative(parts: dict[str, Floats], samples: Samples) -> Iterator[tuple[str, Floats]]:
    """Yield the stand of a row among the products of its query, and among the queries of its product."""
    groups = {"in_query": samples.group}
    product = encode(samples.table["product_id" if samples.has("product_id") else "title"])[0]
    if len(samples) and product.max() + 1 < 0.95 * len(samples):
        groups["in_product"] = product
    for tag, group in groups.items():
        group = np.unique(group, return_inverse=True)[1]
        size = np.bincount(group)[group]
        yield f"{tag}.size", np.log1p(size).astype(np.float32)
        if np.mean(size > 1) < 0.05:
            continue
        for name in RELATIVE:
            if name in parts:
                for kind, value in relative(parts[name], group).items():
                    if kind != "z" or tag == "in_query":
                        yield f"{tag}.{name}.{kind}", value


@dataclass(frozen=True)
class _Block:
    """Some rows and what is needed to measure them in another process."""

    rows: bytes
    fields: list[str]
    idf: dict[str, Floats]

    def measure(self) -> dict[str, Floats]:
        table = unpacked(self.rows)
        chunk = _Chunk.of(table, self.fields)
        part = dict(_lengths(chunk))
        pairs = _pairs(self.fields)
        for a, b in pairs:
            part |= _pair(chunk, self.idf, a, b)
        if ("query", "title") in pairs:
            part |= _order(chunk, self.idf)
        return part | dict(_named(chunk, self.idf)) | dict(_price(table))


def _pairs(fields: list[str]) -> list[tuple[str, str]]:
    return [p for p in TAG if p[0] in fields and p[1] in fields]


def columns(samples: Samples, each: Callable = map) -> dict[str, Floats]:
    """Return name -> (n,) float32 of every similarity that varies; NaN where a side has no text. Labels are not read.

    each: an engine (see ``steelyard.engine``). Cost: about 40 microseconds a row and core; memory: 4 bytes a feature
    and row, plus one block of rows.
    """
    fields = [f for f in LIMITS if samples.has(f) and samples.table[f].null_count < len(samples)]
    if not _pairs(fields):
        return {}
    weights = _idf(samples, [f for f in ("query", "title") if f in fields])
    wanted = [*fields, *(c for c in ("price", "query_price") if samples.has(c))]
    blocks = (_Block(rows, fields, weights) for rows in packed(samples.table, wanted))
    measured = list(each(_Block.measure, blocks))
    parts = {name: np.concatenate([m.pop(name) for m in measured]) for name in list(measured[0])}
    parts |= dict(_relative(parts, samples))
    return {name: v for name, v in parts.items() if _varies(v)}


def _varies(v: Floats) -> bool:
    known = v[np.isfinite(v)]
    return bool(len(known)) and bool(known.max() > known.min())


def coded(values: Iterable[Floats], rows: int, bins: int = BINS) -> AnyArray:
    """Return (n, f) uint8 quantile codes, one column for each of the (n,) ``values``: 0 for NaN, else 1 .. bins.

    Trees lose nothing but resolution, a feature takes one byte, and scikit-learn 1.9 bins weighted rows ten times
    slower than unweighted ones unless a column has few values. Edges come from at most 50,000 evenly spaced rows.
    """
    step = max(1, rows // 50_000)
    coded = []
    for v in values:
        known = v[::step][np.isfinite(v[::step])]
        edges = np.unique(np.quantile(known, np.linspace(0, 1, bins + 1)[1:-1], method="nearest")) if len(known) else ()
        coded.append(np.where(np.isfinite(v), 1 + np.searchsorted(edges, v, side="right"), 0).astype(np.uint8))
    return np.stack(coded, axis=1) if coded else np.zeros((rows, 0), np.uint8)
