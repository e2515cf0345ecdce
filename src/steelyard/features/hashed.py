"""Hashed n-grams of a row's text for the linear model: words and characters, per column, and their crossing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import scipy.sparse as sp

from steelyard.features.similarity import LIMITS, encode, fold
from steelyard.features.tokens import GOLDEN, mix, tokenise
from steelyard.values.arrays import AnyArray, Floats, Ints
from steelyard.values.samples import Samples

TEXT_LIMIT = 600
CROSS_AT_MOST = 12  # words of a query that are crossed with the title's
STREAMS = ("word", "word2", "char4", "cjk2")
SPARSE_STREAMS = ("word", "word2", "cjk2")  # for long columns: characters of a description say little and cost much

BINNED = (
    "word.cos", "word.cov_a", "char4.cov_a", "number.cos", "code.cos", "chunk.cov_b", "cov", "left_max", "run", ".rank",
)  # fmt: skip


def _salted(hashes: AnyArray, salt: int) -> AnyArray:
    return mix(hashes + mix(np.array([salt], np.uint64)))


def _matrix(row: Ints, hashes: AnyArray, n: int, bits: int) -> sp.csr_matrix:
    column = (hashes >> np.uint64(64 - bits)).astype(np.int64)
    m = sp.csr_matrix((np.ones(len(row), np.float32), (row, column)), shape=(n, 1 << bits))
    m.sum_duplicates()
    m.data = np.log1p(m.data)
    return m


def _unit(m: sp.csr_matrix) -> sp.csr_matrix:
    """Return the matrix with rows of length 1 (empty rows stay empty)."""
    norm = np.sqrt(np.asarray(m.multiply(m).sum(1)).ravel())
    scale = np.divide(1.0, norm, out=np.zeros_like(norm), where=norm > 0)
    return (sp.diags(scale.astype(np.float32)) @ m).tocsr()


def _column(column: pa.ChunkedArray, name: str, salt: int, bits: int) -> sp.csr_matrix:
    index, texts = encode(column)
    tokens = tokenise([fold(t, LIMITS.get(name, TEXT_LIMIT)) for t in texts])
    streams = SPARSE_STREAMS if name.endswith("description") else STREAMS
    matrix = sum(
        _matrix(tokens.streams[s][0], _salted(tokens.streams[s][1], 100 * salt + i), tokens.n, bits)
        for i, s in enumerate(streams)
    )
    return _unit(matrix.tocsr())[index]


def _crossed(query: pa.ChunkedArray, title: pa.ChunkedArray, bits: int) -> sp.csr_matrix:
    """Return hashed pairs (query word, title word): the interaction that a sum of two texts cannot express."""
    (qi, queries), (ti, titles) = encode(query), encode(title)
    q = tokenise([fold(t, LIMITS["query"]) for t in queries]).streams["word"]
    t = tokenise([fold(t, LIMITS["title"]) for t in titles]).streams["word"]
    q_size, t_size = np.bincount(q[0], minlength=len(queries)), np.bincount(t[0], minlength=len(titles))
    q_start, t_start = np.cumsum(q_size) - q_size, np.cumsum(t_size) - t_size
    q_take, t_take = np.minimum(q_size, CROSS_AT_MOST)[qi], np.minimum(t_size, 3 * CROSS_AT_MOST)[ti]
    pairs = q_take * t_take
    row = np.repeat(np.arange(len(qi)), pairs)
    place = np.arange(len(row)) - np.repeat(np.cumsum(pairs) - pairs, pairs)
    width = np.maximum(t_take[row], 1)
    left = q[1][q_start[qi][row] + place // width]
    right = t[1][t_start[ti][row] + place % width]
    return _unit(_matrix(row, mix(left * GOLDEN + right), len(qi), bits))


def binned(codes: AnyArray, bits: int, edges: Sequence[Floats]) -> sp.csr_matrix:
    """Return each feature's bin as a hashed indicator, from its (n, f) quantile codes; 0 (NaN) is a bin of its own."""
    n, f = codes.shape
    column = np.empty((n, f), np.int64)
    for j in range(f):
        place = np.where(codes[:, j] > 0, 1 + np.searchsorted(edges[j], codes[:, j]), 0)
        column[:, j] = (mix(np.uint64(j * 64 + 7) + place.astype(np.uint64)) >> np.uint64(64 - bits)).astype(np.int64)
    row = np.repeat(np.arange(n), f)
    return _unit(sp.csr_matrix((np.ones(n * f, np.float32), (row, column.ravel())), shape=(n, 1 << bits)))


def edges_of(codes: AnyArray, bins: int = 12) -> list[Floats]:
    """Return the inner quantiles of every feature's codes but 0 (NaN), from at most 100,000 evenly spaced rows."""
    step = max(1, len(codes) // 100_000)
    edges = []
    for j in range(codes.shape[1]):
        known = codes[::step, j][codes[::step, j] > 0]
        edges.append(np.unique(np.quantile(known, np.linspace(0, 1, bins + 1)[1:-1])) if len(known) else np.zeros(0))
    return edges


@dataclass(frozen=True)
class Hashing:
    """How the rows of one table become sparse rows; fixed once, then applied to any block of its rows.

    fields: text columns used; binned: positions of the similarity features used; edges: their quantiles.
    """

    fields: tuple[str, ...]
    binned: tuple[int, ...]
    edges: list[Floats]
    bits: int = 18

    @classmethod
    def of(cls, samples: Samples, codes: AnyArray, names: Sequence[str], bits: int = 18) -> Hashing:
        fields = tuple(f for f in (*LIMITS, "text") if samples.has(f) and samples.table[f].null_count < len(samples))
        chosen = tuple(j for j, name in enumerate(names) if name.endswith(BINNED))
        return cls(fields, chosen, edges_of(codes[:, chosen]), bits)

    def rows(self, table: pa.Table, codes: AnyArray) -> sp.csr_matrix:
        """Return (n, 2**bits) float32 rows of length 1: text columns, the crossing, binned similarities.

        table: the rows; codes: (n, f) their similarity codes. Each block has unit length before the blocks are added,
        so a long description cannot drown a short query.
        """
        blocks = [_column(table[f], f, salt, self.bits) for salt, f in enumerate(self.fields)]
        if "query" in self.fields and "title" in self.fields:
            blocks.append(_crossed(table["query"], table["title"], self.bits))
        if self.binned:
            blocks.append(2.0 * binned(codes[:, self.binned], self.bits, self.edges))
        if not blocks:
            return sp.csr_matrix((table.num_rows, 1 << self.bits), dtype=np.float32)
        return _unit(sum(blocks[1:], blocks[0]).tocsr().astype(np.float32))
