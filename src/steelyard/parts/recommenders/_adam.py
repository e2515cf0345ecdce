"""Adam for a table of vectors of which a step touches few."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix

from steelyard.values.arrays import Floats, Ints

_FIRST, _SECOND, _TINY = 0.9, 0.999, 1e-8


class Table:
    """r vectors, (r, d) float32, that move by Adam; a vector that a step does not touch keeps its moments.

    Source: Kingma and Ba 2015, algorithm 1; lazily, as torch.optim.SparseAdam does.
    """

    def __init__(self, value: Floats) -> None:
        self.value = value
        self.first = np.zeros_like(value)
        self.second = np.zeros_like(value)

    def move(self, rows: Ints, gradient: Floats, rate: float, step: int) -> None:
        """Take one step; gradient: (b, d) of rows (b,), added up where a row comes twice. step: from 1."""
        touched, summed = gathered(rows, gradient)
        first, second = self.first[touched], self.second[touched]
        self.value[touched] -= moved(first, second, summed, rate, step)
        self.first[touched], self.second[touched] = first, second

    def move_all(self, gradient: Floats, rate: float, step: int) -> None:
        """Take one step of all vectors; gradient: (r, d)."""
        self.value -= moved(self.first, self.second, gradient, rate, step)


def moved(first: Floats, second: Floats, gradient: Floats, rate: float, step: int) -> Floats:
    """Return what a step takes away; moments ``first`` and ``second`` are brought up to date in place."""
    out = gradient - first
    out *= 1 - _FIRST
    first += out
    np.multiply(gradient, gradient, out=out)
    out -= second
    out *= 1 - _SECOND
    second += out
    np.sqrt(second, out=out)
    out += _TINY
    np.divide(first, out, out=out)
    out *= rate * np.sqrt(1 - _SECOND**step) / (1 - _FIRST**step)
    return out


def gathered(rows: Ints, gradient: Floats) -> tuple[Ints, Floats]:
    """Return the distinct rows (r,) and the sum of the gradients of each (r, d)."""
    order = np.argsort(rows, kind="stable")
    ordered = rows[order]
    starts = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
    ends = np.append(starts, len(rows))
    sums = csr_matrix((np.ones(len(rows), gradient.dtype), order, ends), shape=(len(starts), len(rows)))
    return ordered[starts], sums @ gradient
