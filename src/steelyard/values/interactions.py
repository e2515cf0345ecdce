"""Interactions: who did what with which item, and when; columnar, keyed by row_key."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from steelyard.errors import DataError
from steelyard.values.arrays import AnyArray, Floats, Ints, Strings


@dataclass(frozen=True, eq=False)
class Interactions:
    """n interactions of u users with m items, in the order of the user's file.

    row_key: (n,) stable ids. user, item: (n,) int64 codes into ``user_ids`` (u,) and ``item_ids`` (m,).
    value: (n,) float64, the rating or the strength of the event; 1 where the table says nothing.
    ts: (n,) float64 time, NaN where it is unknown, or None. position: (n,) place at which it was shown, or None.
    split: (n,) ``train``, ``valid`` or ``test``.
    Raises ValueError for shapes that do not agree, DataError D194 for codes without a name and D195 for values
    that are not finite.
    """

    row_key: Strings
    user: Ints
    item: Ints
    value: Floats
    user_ids: Strings
    item_ids: Strings
    split: Strings
    ts: Floats | None = None
    position: Ints | None = None

    def __post_init__(self) -> None:
        n = len(self.row_key)
        for name in ("user", "item", "value", "split", "ts", "position"):
            given = getattr(self, name)
            if given is not None and np.shape(given) != (n,):
                raise ValueError(f"{name} has shape {np.shape(given)}, expected {(n,)}")
        for name in ("user", "item"):
            codes, known = getattr(self, name), len(getattr(self, f"{name}_ids"))
            outside = (codes < 0) | (codes >= known)
            if outside.any():
                first = int(np.argmax(outside))
                raise DataError("D194", what=name, count=int(outside.sum()), first=first, known=known)
        broken = ~np.isfinite(self.value)
        if broken.any():
            raise DataError("D195", count=int(broken.sum()), rows=n, first=int(np.argmax(broken)))

    def __len__(self) -> int:
        return len(self.row_key)

    @property
    def n_users(self) -> int:
        return len(self.user_ids)

    @property
    def n_items(self) -> int:
        return len(self.item_ids)

    @cached_property
    def chronological(self) -> Ints:
        """(n,) rows by user, then time; equal times keep the order of the file, unknown times come first."""
        time = np.zeros(len(self)) if self.ts is None else np.where(np.isnan(self.ts), -np.inf, self.ts)
        return np.lexsort((time, self.user))

    def matrix(self, weight: Floats | None = None) -> csr_array:
        """Return the (u, m) sum of weights, float64; weight: (n,), 1 for each interaction when it is None."""
        weight = np.ones(len(self)) if weight is None else np.asarray(weight, dtype=float)
        return csr_array((weight, (self.user, self.item)), shape=(self.n_users, self.n_items))

    def take(self, rows: AnyArray) -> Interactions:
        """Return the interactions at ``rows`` (k,) or where a mask (n,) holds; users and items keep their codes."""
        columns = ("row_key", "user", "item", "value", "split", "ts", "position")
        given = {c: getattr(self, c) for c in columns}
        taken: dict[str, Any] = {c: None if v is None else v[rows] for c, v in given.items()}
        return replace(self, **taken)
