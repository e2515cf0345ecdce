"""Fields: rows of a click log, each with one category or number a field; what click models read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from steelyard.values.arrays import AnyArray, Floats, Ints, Strings


@dataclass(frozen=True, eq=False)
class Fields:
    """n rows of f fields. code: (n, f) int64 column of each field's category, 0 <= code < width.

    value: (n, f) float32 what stands in that column: 1 for a category, the number itself for a field of one column.
    names: (f,) fields.
    """

    code: Ints
    value: Floats
    width: int
    names: Strings

    def __len__(self) -> int:
        return len(self.code)

    @classmethod
    def of_codes(cls, code: Ints, width: int, names: Sequence[str]) -> Fields:
        """Return fields of one category each. code: (n, f) columns of the categories."""
        return cls(code.astype(np.int64), np.ones(code.shape, np.float32), width, np.array(list(names), dtype=object))

    def take(self, rows: AnyArray) -> Fields:
        """Return the rows (k,), or where a mask (n,) holds."""
        return Fields(self.code[rows], self.value[rows], self.width, self.names)

    def sparse(self) -> sp.csr_matrix:
        """Return (n, width) float32 rows of length 1, as the linear model reads them."""
        n, f = self.code.shape
        length = np.maximum(np.linalg.norm(self.value, axis=1), 1e-12)
        data = (self.value / length[:, None]).astype(np.float32).ravel()
        x = sp.csr_matrix((data, self.code.ravel(), f * np.arange(n + 1)), shape=(n, self.width))
        x.sum_duplicates()
        return x


def of_numbers(x: Floats) -> Fields:
    """Return dense features (n, f) as fields of one column each."""
    n, f = x.shape
    code = np.broadcast_to(np.arange(f), (n, f))
    return Fields(code, np.asarray(x, np.float32), f, np.array([str(i) for i in range(f)], dtype=object))
