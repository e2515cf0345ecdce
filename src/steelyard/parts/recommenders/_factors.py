"""What the factor models have in common: a user and an item are vectors, relevance is their product."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from steelyard.parts.recommenders import Fitted
from steelyard.values.arrays import Floats, Ints


@dataclass(frozen=True)
class Factors(Fitted):
    """user: (u, d) and item: (m, d) float32 vectors. bias: (m,) float32, added to the relevance of an item."""

    user: Floats
    item: Floats
    bias: Floats

    def relevance(self, users: Ints) -> Floats:
        return self.user[users] @ self.item.T + self.bias

    def pairs(self, users: Ints, items: Ints, block: int = 65536) -> Floats:
        """Return (n,) relevance, row by row, without the scores of other items; block: rows at once."""
        users, items = self.users(users), self.items(items)
        out = np.empty(len(users), np.float32)
        for start in range(0, len(users), block):
            u, i = users[start : start + block], items[start : start + block]
            product = np.einsum("nd,nd->n", self.user[u], self.item[i]) + self.bias[i]
            out[start : start + block] = np.where((u >= 0) & self.known[u], product, self.popularity[i])
        return out
