"""Encoded: texts as token ids, ready to be batched; NumPy only, padding is decided batch by batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from steelyard.values.arrays import AnyArray, Ints, Mask


@dataclass(frozen=True, eq=False)
class Side:
    """n token sequences laid end to end: ``ids`` (total,) int32, sequence i is ids[starts[i] : starts[i + 1]].

    types: (total,) int8 segment of each token where the model knows segments, or None.
    """

    ids: Ints
    starts: Ints
    types: Ints | None = None

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def length(self) -> Ints:
        """(n,) tokens of each sequence."""
        return np.diff(self.starts)

    def padded(self, rows: Ints, pad: int) -> dict[str, AnyArray]:
        """Return input_ids, attention_mask and, where known, token_type_ids of ``rows``, each (b, longest of them)."""
        length = self.length[rows]
        inside = np.arange(max(int(length.max(initial=0)), 1)) < length[:, None]
        flat = np.concatenate([np.arange(self.starts[r], self.starts[r + 1]) for r in rows]) if len(rows) else rows
        out = {"input_ids": _spread(inside, self.ids[flat], pad), "attention_mask": inside.astype(np.int64)}
        if self.types is not None:
            out["token_type_ids"] = _spread(inside, self.types[flat], 0)
        return out


def interleaved(texts: Sequence[tuple[Side, Ints]], pad: int) -> dict[str, AnyArray]:
    """Return m texts for each of n samples as n * m rows, those of a sample one after the other, padded to one length.

    texts: for each of the m places a side and which of its sequences (n,) stand there.
    """
    shown = [side.padded(rows, pad) for side, rows in texts]
    longest = max(each["input_ids"].shape[1] for each in shown)

    def joined(name: str) -> AnyArray:
        fill = pad if name == "input_ids" else 0
        wide = [np.pad(v := each[name], ((0, 0), (0, longest - v.shape[1])), constant_values=fill) for each in shown]
        return np.stack(wide, 1).reshape(-1, longest)

    return {name: joined(name) for name in shown[0]}


def _spread(inside: Mask, flat: AnyArray, fill: int) -> AnyArray:
    out = np.full(inside.shape, fill, np.int64)
    out[inside] = flat
    return out


@dataclass(frozen=True, eq=False)
class Encoded:
    """What a task made of samples.

    sides: one for a cross-encoder or a tagger; query and product for a dual encoder. rows: (k,) positions that have a
    loss of their own. group: (n,) query of each row. truncated: (n,) True where text was cut. dropped: (n,) tokens
    cut. target: what the loss compares with, by name, each (n, ...).
    """

    sides: tuple[Side, ...]
    rows: Ints
    group: Ints
    truncated: Mask
    dropped: Ints
    target: Mapping[str, AnyArray] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.group)

    @property
    def length(self) -> Ints:
        """(n,) tokens of the longest side."""
        return np.max([side.length for side in self.sides], axis=0)
