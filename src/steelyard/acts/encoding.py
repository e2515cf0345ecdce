"""Encoding: Samples become what the quick models see, codes of similarities and sparse rows of hashed text.

Both are made block by block, by any engine. A table that fits stays in memory; the sparse rows of a larger one lie on
disk, block by block, as stages of the run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

from steelyard.acts.stages import Keep, Progress, counted, keep_nothing, no_progress
from steelyard.features import similarity
from steelyard.features.blocks import ROWS_AT_ONCE, packed, spans, unpacked
from steelyard.features.hashed import Hashing
from steelyard.features.table import Table
from steelyard.values.arrays import AnyArray
from steelyard.values.samples import Samples

KEEP_ROWS = 250_000  # rows whose sparse text stays in memory, about 1.2 kB each


def encode(
    samples: Samples, *, keep: Keep | None = None, each: Callable = map, progress: Progress = no_progress
) -> Table:
    """Return the samples as the models see them; of a click log its fields. Labels are carried, never read.

    keep: a run's stages; what was encoded before is read back. Without it everything stays in memory.
    """
    blocks = len(spans(len(samples)))
    first, second = (counted(each, progress, "encode", 2 * blocks, before) for before in (0, blocks))
    progress("encode", 0, 2 * blocks)
    kept = (keep or keep_nothing)("similarity", lambda: _codes(samples, first))
    codes, names = kept["codes"], [str(n) for n in kept["names"]]
    hashing = Hashing.of(samples, codes, names)
    text: Any = None
    if samples.fields is not None:
        text = InMemory(samples.fields.sparse())  # a category a field, in the place of words
    elif hashing.fields:
        text = _text(samples, hashing, codes, keep, second)
    progress("encode", 2 * blocks, 2 * blocks)
    scale = samples.scale
    positions = scale.positions if scale.ordered else None
    return Table(text, codes, samples.label, samples.group, len(scale), positions, samples.fields)


def _codes(samples: Samples, each: Callable) -> dict[str, AnyArray]:
    """Return the (n, f) uint8 codes of similarities and given numbers, and the f names."""
    found = similarity.columns(samples, each)
    if samples.numeric is not None:
        found |= {name: samples.numeric[:, j] for j, name in enumerate(samples.numeric_names)}
    names = np.array(list(found), dtype=str)
    return {"codes": similarity.coded((found.pop(n) for n in names), len(samples)), "names": names}


@dataclass(frozen=True)
class _Block:
    """Some rows on their way to become sparse rows, and the stage that keeps them."""

    rows: bytes
    codes: AnyArray
    hashing: Hashing
    stage: str
    keep: Keep | None

    def encode(self) -> sp.csr_matrix | None:
        """Return the sparse rows, or None when they are kept on disk."""
        if self.keep is None:
            return self.hashing.rows(unpacked(self.rows), self.codes)
        self.keep(self.stage, self._arrays)
        return None

    def _arrays(self) -> Mapping[str, AnyArray]:
        m = self.hashing.rows(unpacked(self.rows), self.codes)
        return {"data": m.data, "indices": m.indices, "indptr": m.indptr, "shape": np.array(m.shape)}


@dataclass(frozen=True)
class InMemory:
    """Sparse rows of a small table."""

    matrix: sp.csr_matrix

    def __call__(self, start: int, stop: int) -> sp.csr_matrix:
        return self.matrix[start:stop]


@dataclass(frozen=True)
class OnDisk:
    """Sparse rows of a large table, read back block by block."""

    keep: Keep
    width: int

    def __call__(self, start: int, stop: int) -> sp.csr_matrix:
        first, last = start // ROWS_AT_ONCE, (stop - 1) // ROWS_AT_ONCE
        if stop <= start:
            return sp.csr_matrix((0, self.width), dtype=np.float32)
        blocks = [self._block(b) for b in range(first, last + 1)]
        rows = blocks[0] if len(blocks) == 1 else sp.vstack(blocks, format="csr")
        offset = first * ROWS_AT_ONCE
        whole = start == offset and stop - offset == rows.shape[0]
        return rows if whole else rows[start - offset : stop - offset]

    def _block(self, number: int) -> sp.csr_matrix:
        kept = self.keep(f"text-{number}", _missing)
        return sp.csr_matrix((kept["data"], kept["indices"], kept["indptr"]), shape=tuple(kept["shape"]))


def _missing() -> Mapping[str, AnyArray]:
    raise FileNotFoundError("a block of encoded text is missing from the run's work folder")


def _text(samples: Samples, hashing: Hashing, codes: AnyArray, keep: Keep | None, each: Callable) -> Any:
    """Return (start, stop) -> sparse rows; encoded once."""
    on_disk = keep if len(samples) > KEEP_ROWS else None
    parts = zip(spans(len(samples)), packed(samples.table, hashing.fields), strict=True)
    blocks = (
        _Block(rows, codes[start:stop], hashing, f"text-{start // ROWS_AT_ONCE}", on_disk)
        for (start, stop), rows in parts
    )
    done = list(each(_Block.encode, blocks))
    return OnDisk(on_disk, 1 << hashing.bits) if on_disk else InMemory(sp.vstack(done, format="csr"))
