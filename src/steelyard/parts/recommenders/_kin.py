"""How like an item is to those that a user took, by what a table of items says of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from steelyard.values.arrays import Floats, Ints
from steelyard.values.interactions import Interactions

_TINY = 1e-9


@dataclass(frozen=True)
class Kin:
    """item: (m, f) and user: (u, f) float32, of length 1, or 0 where nothing is known."""

    item: Floats
    user: Floats

    def of(self, users: Ints, items: Ints) -> Floats:
        """Return (b, c) cosine of items (b, c) with what their users (b,) took, 0 where nothing is known."""
        return np.einsum("bf,bcf->bc", self.user[users], self.item[items])


def kin(interactions: Interactions) -> Kin | None:
    """Return it for the rows given, None where nothing is said of items.

    An item is its features in deviations from their mean, over their spread, 0 where unknown; so a rare category says
    more than a frequent one. A user is the mean of the rows.
    """
    told = interactions.item_features
    if told is None:
        return None
    known = np.isfinite(told)
    count = np.maximum(known.sum(0), 1)
    away = np.where(known, told - np.where(known, told, 0.0).sum(0) / count, 0.0)
    spread = np.sqrt((away**2).sum(0) / count)
    item = _long(np.divide(away, spread, out=np.zeros_like(away), where=spread > _TINY))
    return Kin(item, _long(interactions.matrix() @ item))


def _long(x: Floats) -> Floats:
    """Return (n, f) float32 rows of length 1, those of length 0 as they are."""
    length = np.sqrt((x**2).sum(1, keepdims=True))
    return np.divide(x, length, out=np.zeros_like(x), where=length > _TINY).astype(np.float32)
