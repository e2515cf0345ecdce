"""Choose which of the user's own columns serve as slices: few values, no numbers, no answers."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from steelyard.acts.recognising import ANSWER, ROW_IDS, fold
from steelyard.values.arrays import Ints

#: Distinct values that are always few; share of the rows that still is; and the most that is followed.
FEW, SHARE, MOST = 200, 0.05, 100_000


class Slices:
    """Follows the user's own columns batch by batch; ``kept`` gives those with few values."""

    def __init__(self, schema: pa.Schema, names: tuple[str, ...]) -> None:
        self.ignored = {n: "answer" for n in names if ANSWER.search(fold(n))}
        self.ignored |= {n: "row id" for n in names if fold(n) in ROW_IDS}
        self.ignored |= {n: "type" for n in names if not _sliceable(schema.field(n).type)}
        self.values: dict[str, dict[str, int]] = {n: {} for n in names if n not in self.ignored}
        self.codes: dict[str, list[Ints]] = {n: [] for n in self.values}

    def add(self, name: str, text: pa.Array) -> None:
        """Add the texts of one batch of one followed column."""
        values = self.values[name]
        known = pc.dictionary_encode(text)
        table = np.array(
            [values.setdefault(t[:200], len(values)) for t in known.dictionary.to_pylist()] + [-1], dtype=np.int32
        )
        self.codes[name].append(table[known.indices.fill_null(len(table) - 1).to_numpy(zero_copy_only=False)])
        if len(values) > MOST:
            self._ignore(name, "many values")

    def _ignore(self, name: str, why: str) -> None:
        self.ignored[name] = why
        del self.values[name], self.codes[name]

    def kept(self, rows: int, gold: Ints | None) -> dict[str, pa.Array]:
        """Return name -> (n,) strings of the columns with few values that do not repeat the trusted labels."""
        kept = {}
        for name in list(self.values):
            codes = np.concatenate(self.codes[name])
            if len(self.values[name]) > max(FEW, SHARE * rows):
                self._ignore(name, "many values")
            elif gold is not None and tells(codes, gold):
                self._ignore(name, "answer")
            else:
                texts = pa.array(list(self.values[name]), pa.string())
                kept[name] = texts.take(pa.array(codes, mask=codes < 0))
        return kept


def _sliceable(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    text = pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    return text or pa.types.is_integer(kind) or pa.types.is_boolean(kind)


def tells(codes: Ints, gold: Ints) -> bool:
    """Say whether a column with few values gives the trusted label of 99% of the rows, and gold has two values."""
    known = (gold >= 0) & (codes >= 0)
    if not known.any() or codes.max() >= FEW or len(np.unique(gold[known])) < 2:
        return False
    pairs, count = np.unique(np.stack([codes[known], gold[known]]), axis=1, return_counts=True)
    best = np.zeros(int(codes.max()) + 1)
    np.maximum.at(best, pairs[0], count)
    return bool(best.sum() >= 0.99 * known.sum())
