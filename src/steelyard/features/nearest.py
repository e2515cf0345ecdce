"""Nearest rows of other groups: exact inside buckets of the space, in bounded memory.

Rows become short unit vectors (principal directions, fitted on a part of the rows). Reference rows lie in buckets
around common centres, and a row is compared with every reference row of the buckets nearest to it (an inverted file,
Jegou et al. 2011, without the quantiser). The tests hold how many of the true nearest rows are found.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from steelyard.values.arrays import AnyArray, Floats, Ints

SIZE = 32  # numbers a row
BUCKET, MOST = 256, 1024  # reference rows a bucket: usual, and at most
PROBES = 4  # buckets that a row is compared with
SOME, ROUNDS = 20_000, 4  # rows and rounds that find the centres of the buckets
ROWS_AT_ONCE = 10_000


@dataclass(frozen=True)
class Compact:
    """Rows (m, d), dense or sparse, to (m, SIZE) unit vectors: centred, scaled by ``scale``, turned by ``turn``."""

    centre: Floats
    scale: Floats
    turn: Floats

    def __call__(self, x: Any) -> Floats:
        out = np.asarray(x @ (self.scale[:, None] * self.turn), np.float32) - self.centre
        length = np.sqrt(np.square(out).sum(1, keepdims=True))
        return np.divide(out, length, out=np.zeros_like(out), where=length > 1e-12)


def directions(x: Any, seed: int) -> Compact:
    """Return the SIZE principal directions of rows x (m, d).

    Dense columns are standardised first and centred. Sparse rows, of length 1 as they come, are not: their directions
    are those of a truncated singular value decomposition (randomised, Halko et al. 2011, one power iteration).
    """
    size = min(SIZE, *x.shape)
    if isinstance(x, np.ndarray):
        scale = 1.0 / np.where(x.std(0) > 0, x.std(0), 1.0)
        standard = (x - x.mean(0)) * scale
        turn = np.linalg.eigh(standard.T @ standard)[1][:, ::-1][:, :size]
        return Compact((x.mean(0) * scale) @ turn, scale, turn)
    used = np.unique(x.indices)
    some = x[:, used]
    drawn = np.random.default_rng(seed).standard_normal((len(used), size + 8), dtype=np.float32)
    basis = np.linalg.qr(some @ (some.T @ (some @ drawn)))[0]
    found = np.linalg.svd(np.asarray(some.T @ basis), full_matrices=False)[0][:, :size]
    turn = np.zeros((x.shape[1], found.shape[1]), np.float32)
    turn[used] = found
    return Compact(np.zeros(found.shape[1], np.float32), np.ones(x.shape[1], np.float32), turn)


@dataclass(frozen=True)
class Buckets:
    """Reference vectors (r, d) by the centre that is most alike; at most MOST of them a bucket, by chance."""

    centres: Floats
    members: dict[int, Ints]

    @classmethod
    def of(cls, reference: Floats, seed: int) -> Buckets:
        """Return about r / BUCKET buckets: spherical k-means, a few rounds on a part of the rows."""
        rng = np.random.default_rng(seed)
        some = reference[np.sort(rng.permutation(len(reference))[:SOME])]
        centres = some[np.sort(rng.permutation(len(some))[: max(1, len(reference) // BUCKET)])]
        for _ in range(ROUNDS):
            code = (some @ centres.T).argmax(1)
            sums = np.stack([np.bincount(code, some[:, j], len(centres)) for j in range(some.shape[1])], axis=1)
            length = np.sqrt(np.square(sums).sum(1, keepdims=True))
            centres = np.where(length > 1e-9, sums / np.maximum(length, 1e-9), centres).astype(np.float32)
        members = dict(_grouped((reference @ centres.T).argmax(1)))
        for code, rows in members.items():
            if len(rows) > MOST:
                members[code] = np.sort(rng.permutation(rows)[:MOST])
        return cls(centres, members)

    def of_each(self, vectors: Floats) -> Ints:
        """Return (m, p) the PROBES buckets whose centres are most alike."""
        probes = min(PROBES, len(self.centres))
        return np.argpartition(-(vectors @ self.centres.T), probes - 1, axis=1)[:, :probes]


def nearest(vectors: Floats, group: Ints, rows: Ints, k: int, seed: int) -> Iterator[tuple[int, Ints]]:
    """Yield (start, (m, k) rows) of the k nearest of ``rows`` for every row, nearest first, -1 where there are fewer.

    vectors: (n, d) unit vectors. group: (n,); a row never meets its own group. rows: (r,) reference rows, rising.
    """
    reference, groups = vectors[rows], group[rows]
    buckets = Buckets.of(reference, seed)
    for start in range(0, len(vectors), ROWS_AT_ONCE):
        part, own = vectors[start : start + ROWS_AT_ONCE], group[start : start + ROWS_AT_ONCE]
        found = [_inside(buckets, code, part, own, reference, groups, k) for code in buckets.of_each(part).T]
        place, cosine = (np.concatenate(both, axis=1) for both in zip(*found, strict=True))
        best = np.argsort(-cosine, axis=1, kind="stable")[:, :k]
        place = np.take_along_axis(place, best, 1)
        yield start, np.where(place >= 0, rows[place], -1)


def _inside(
    buckets: Buckets, code: Ints, vectors: Floats, own: Ints, reference: Floats, groups: Ints, k: int
) -> tuple[Ints, Floats]:
    """Return (m, k) reference positions and cosines, the best of the bucket ``code`` (m,); -1, -inf for no more."""
    place = np.full((len(vectors), k), -1, np.int64)
    cosine = np.full((len(vectors), k), -np.inf, np.float32)
    for bucket, rows in _grouped(code):
        members = buckets.members.get(bucket)
        if members is None:
            continue
        alike = vectors[rows] @ reference[members].T
        alike[own[rows][:, None] == groups[members][None, :]] = -np.inf
        most = min(k, len(members))
        best = np.argpartition(-alike, most - 1, axis=1)[:, :most]
        value = np.take_along_axis(alike, best, 1)
        place[rows, :most] = np.where(np.isfinite(value), members[best], -1)
        cosine[rows, :most] = value
    return place, cosine


def _grouped(code: Ints) -> Iterator[tuple[int, AnyArray]]:
    """Yield (code, its positions in rising order)."""
    order = np.argsort(code, kind="stable")
    starts = np.flatnonzero(np.concatenate([[True], code[order][1:] != code[order][:-1]])[: len(code)])
    for start, stop in zip(starts, [*starts[1:], len(code)], strict=True):
        yield int(code[order[start]]), order[start:stop]
