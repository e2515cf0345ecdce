"""Picked: rows chosen to be labelled again, and what is secret of each until the answers are back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from steelyard.values.arrays import Ints, Strings

SUSPECT, RANDOM, CONTROL = "suspect", "random", "control"


@dataclass(frozen=True, eq=False)
class Picked:
    """A queue of b rows in the order in which they are shown.

    rows: (b,) positions in the table. part: (b,) ``suspect`` (the most suspicious), ``random`` (drawn by chance from
    all ``eligible`` rows, suspicious or not) or ``control`` (its label is known). shown: (b,) codes of the label that
    the queue shows, another than the given one in a planted control. known: (b,) codes of the label that a control
    should get, -1 for all others. near: rows left out because a near-identical one is in the queue.
    floor: suspicion at or above which the queue holds every eligible row but the near-identical; what lies above it is
    no sample.
    """

    rows: Ints
    part: Strings
    shown: Ints
    known: Ints
    eligible: int
    near: int
    floor: float

    def __len__(self) -> int:
        return len(self.rows)

    def count(self, part: str) -> int:
        return int((self.part == part).sum())

    def as_dict(self, row_key: Strings) -> dict[str, Any]:
        """Return JSON values by row key; row_key: (n,) of the table."""
        columns = zip(self.rows.tolist(), self.part.tolist(), self.shown.tolist(), self.known.tolist(), strict=True)
        rows = [{"row_key": str(row_key[i]), "part": p, "shown": s, "known": k} for i, p, s, k in columns]
        return {"rows": rows, "eligible": self.eligible, "near": self.near, "floor": self.floor}

    @classmethod
    def from_dict(cls, d: Mapping[str, Any], at: Mapping[str, int]) -> Picked:
        """Return what ``as_dict`` gave; at: position of each row key."""
        import numpy as np

        rows = d["rows"]
        return cls(
            rows=np.array([at[r["row_key"]] for r in rows], np.int64),
            part=np.array([r["part"] for r in rows], object),
            shown=np.array([r["shown"] for r in rows], np.int64),
            known=np.array([r["known"] for r in rows], np.int64),
            eligible=d["eligible"],
            near=d["near"],
            floor=d["floor"],
        )
