"""Table: what the quick models see of samples; numbers, no text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp

from steelyard.features.blocks import ROWS_AT_ONCE
from steelyard.values.arrays import AnyArray, Floats, Ints, Mask
from steelyard.values.fields import Fields
from steelyard.values.levels import MANY_GRADES


@dataclass(frozen=True)
class Table:
    """What the models see of samples: text rows on demand, similarity features, labels, groups.

    text: (start, stop) -> (stop - start, d) sparse rows, or None without text; features: (n, f) uint8 quantile codes.
    label: (n,) codes, -1 none; group: (n,); classes: c; positions: (c,) places of ordered grades, or None.
    fields: what a click model reads of the rows, or None.
    """

    text: Callable[[int, int], sp.csr_matrix] | None
    features: AnyArray
    label: Ints
    group: Ints
    classes: int
    positions: Floats | None
    fields: Fields | None = None

    def __len__(self) -> int:
        return len(self.label)

    @property
    def numbered(self) -> bool:
        """Whether models fit one number on the scale instead of an output per grade."""
        return self.positions is not None and self.classes >= MANY_GRADES

    def muted(self, mute: Mask) -> Table:
        """Return the same rows, those of ``mute`` (n,) without a label: they teach and tell nothing."""
        return replace(self, label=np.where(mute, -1, self.label)) if mute.any() else self

    def targets(self, soft: Floats) -> Floats:
        """Return what the linear model learns from (n, c) soft labels: those, or (n, 2) shares of the scale's ends."""
        if self.positions is None or not self.numbered:
            return soft.astype(np.float32, copy=False)
        place = (soft @ self.positions).astype(np.float32)
        return np.stack([soft.sum(1).astype(np.float32) - place, place], axis=1)

    def rows(self, which: Ints) -> sp.csr_matrix:
        """Return the text rows at ``which`` (rising)."""
        assert self.text is not None
        blocks = []
        for start in range(0, len(self), ROWS_AT_ONCE):
            stop = min(start + ROWS_AT_ONCE, len(self))
            inside = which[(which >= start) & (which < stop)]
            if len(inside):
                blocks.append(self.text(start, stop)[inside - start])
        return sp.vstack(blocks, format="csr") if blocks else self.text(0, 0)
