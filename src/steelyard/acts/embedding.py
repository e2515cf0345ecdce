"""Embedding: a frozen encoder reads every text once; its vectors stand for the words in all that follows.

The quick tier's own passes then train their head on the vectors: softmax regression out of fold, with per-sample
gradients of that last layer in closed form, and neighbours by meaning instead of by words.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

from steelyard.acts.folding import spread
from steelyard.acts.stages import Progress, no_progress
from steelyard.features.similarity import coded
from steelyard.features.table import Table
from steelyard.values.arrays import AnyArray, Floats, Ints

SHARD = 2048  # texts a shard: what is lost at most when the work is killed

REFERENCES, BLOCK = 20_000, 2000  # labelled rows that every row is compared with; rows compared at once

Texts = list[str]


@dataclass(frozen=True)
class Vectors:
    """Unit vectors of texts on disk: shards of float16 with the ids of their texts, read back as float32.

    row: (n,) which distinct text each row has. files: one .npy a shard. cut: (t,) tokens that each distinct text lost.
    """

    row: Ints
    files: tuple[Path, ...]
    cut: Ints

    def rows(self, start: int, stop: int) -> Floats:
        """Return (stop - start, d) vectors of rows."""
        used, place = np.unique(self.row[start:stop], return_inverse=True)
        parts = []
        for shard in np.unique(used // SHARD):
            held = np.load(self.files[shard], mmap_mode="r", allow_pickle=False)
            parts.append(held[used[used // SHARD == shard] - shard * SHARD])
        whole = np.concatenate(parts or [np.load(self.files[0], mmap_mode="r", allow_pickle=False)[:0]])
        return whole.astype(np.float32)[place]


def embed(encoder: Any, texts: Texts, folder: Path, progress: Callable[[int, int], None]) -> Vectors:
    """Return the vectors of texts (n,); equal texts are read once, shards of an earlier or a killed call are reused.

    folder: of the encoder's identity (``cache_of``). A shard is used when its ids are those of the texts it would hold.
    """
    distinct, row = np.unique(np.array(texts, dtype=object).astype(str), return_inverse=True)
    folder.mkdir(parents=True, exist_ok=True)
    files, lost = [], []
    for start in range(0, len(distinct), SHARD):
        part = distinct[start : start + SHARD].tolist()
        ids = np.frombuffer(b"".join(blake2b(t.encode(), digest_size=8).digest() for t in part), np.uint64)
        name = blake2b(ids.tobytes(), digest_size=8).hexdigest()
        vectors, held, cut = (folder / f"{name}{end}.npy" for end in ("", ".ids", ".cut"))
        there = vectors.exists() and held.exists() and cut.exists()
        if not (there and np.array_equal(np.load(held, allow_pickle=False), ids)):
            _save(held, ids)
            read, tokens = encoder.embed(part)
            _save(cut, tokens.astype(np.int32))
            _save(vectors, read.astype(np.float16))
        files.append(vectors)
        lost.append(np.load(cut, allow_pickle=False))
        progress(min(start + SHARD, len(distinct)), len(distinct))
    return Vectors(row.astype(np.int64), tuple(files), np.concatenate(lost or [np.zeros(0, np.int32)]))


def cache_of(encoder: Any, root: Path) -> Path:
    """Return the folder of the encoder's vectors under ``root``; another model, length or precision has another."""
    return root / blake2b(encoder.identity.encode(), digest_size=6).hexdigest()


def _save(path: Path, values: AnyArray) -> None:
    part = path.with_name(f".{path.name}.part")
    with part.open("wb") as out:
        np.save(out, values, allow_pickle=False)
    part.replace(path)


@dataclass(frozen=True)
class Meaning:
    """(start, stop) -> sparse rows of length 1 that hold vectors: of a text, or of how a query meets a product.

    A pair is |q - p| and q * p side by side, the two halves of equal length (InferSent's features: Conneau et al. 2017,
    §3.1). words: the hashed text of the same rows, kept beside the vectors, or None.
    """

    first: Vectors
    second: Vectors | None
    words: Callable[[int, int], sp.csr_matrix] | None = None

    def dense(self, start: int, stop: int) -> Floats:
        """Return (stop - start, d) float32 rows of length 1 (0 for a text without anything)."""
        a = self.first.rows(start, stop)
        if self.second is None:
            return a
        b = self.second.rows(start, stop)
        return np.concatenate([_unit(np.abs(a - b)), _unit(a * b)], axis=1) / np.float32(np.sqrt(2))

    def __call__(self, start: int, stop: int) -> sp.csr_matrix:
        dense = sp.csr_matrix(self.dense(start, stop))
        if self.words is None:
            return dense
        return sp.hstack([dense, self.words(start, stop)], format="csr") * np.float32(np.sqrt(0.5))

    @property
    def cut(self) -> Ints:
        """(n,) tokens that each row's texts lost because they were longer than the encoder reads."""
        lost = self.first.cut[self.first.row]
        return lost if self.second is None else lost + self.second.cut[self.second.row]

    def cosine(self, start: int, stop: int) -> Floats:
        """Return (stop - start,) cosine of query and product."""
        assert self.second is not None
        return np.einsum("nd,nd->n", self.first.rows(start, stop), self.second.rows(start, stop))


def _unit(x: Floats) -> Floats:
    length = np.sqrt(np.square(x).sum(1, keepdims=True))
    return np.divide(x, length, out=np.zeros_like(x), where=length > 1e-9)


def with_meaning(
    table: Table, encoder: Any, first: Texts, second: Texts | None, root: Path, progress: Progress = no_progress
) -> tuple[Table, Meaning]:
    """Return the table with vectors in place of bare words, and for pairs the cosine among the similarity features.

    first, second: query and product of each row, or the text alone. The words stay beside the vectors.
    """
    folder = cache_of(encoder, root)
    sides = [first] if second is None else [first, second]
    found = []
    for i, texts in enumerate(sides):

        def tell(done: int, total: int, i: int = i) -> None:
            progress("embed", i * total + done, len(sides) * total)

        found.append(embed(encoder, texts, folder, tell))
    meaning = Meaning(found[0], found[1] if second is not None else None, table.text)
    features = table.features
    if second is not None:
        steps = range(0, len(table), SHARD)
        cosine = np.concatenate([meaning.cosine(s, min(s + SHARD, len(table))) for s in steps])
        features = np.concatenate([features, coded([cosine], len(table))], axis=1)
    return replace(table, text=meaning, features=features), meaning


def meant_alike(meaning: Meaning, table: Table, k: int = 15, seed: int = 0) -> dict[str, AnyArray]:
    """Return ``neighbour_label`` (n, k) int32, nearest first, -1 where there are fewer: exact, streamed, by vectors.

    Every row is compared with at most REFERENCES labelled rows of other groups, whole groups drawn by ``seed``.
    """
    n = len(table)
    out = np.full((n, k), -1, np.int32)
    known = np.flatnonzero(table.label >= 0)
    known = known[spread(table.group[known], REFERENCES, seed)]
    if not len(known):
        return {"neighbour_label": out}
    steps = range(0, n, BLOCK)
    whole = np.concatenate([meaning.dense(s, min(s + BLOCK, n))[_inside(known, s)] for s in steps])
    for start in steps:
        stop = min(start + BLOCK, n)
        near = meaning.dense(start, stop) @ whole.T
        near[table.group[start:stop, None] == table.group[known][None, :]] = -np.inf
        best = min(k, len(known))
        top = np.argpartition(-near, best - 1, axis=1)[:, :best]
        size = np.take_along_axis(near, top, 1)
        order = np.lexsort((top, -size))
        top, size = np.take_along_axis(top, order, 1), np.take_along_axis(size, order, 1)
        out[start:stop, :best] = np.where(np.isfinite(size), table.label[known[top]], -1)
    return {"neighbour_label": out}


def _inside(rows: Ints, start: int) -> Ints:
    return rows[(rows >= start) & (rows < start + BLOCK)] - start
