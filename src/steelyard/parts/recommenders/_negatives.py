"""Items that a user has not met, drawn uniformly: what a pairwise or pointwise model learns to put lower."""

from __future__ import annotations

import numpy as np

from steelyard.values.arrays import Floats, Ints
from steelyard.values.interactions import Interactions

#: Draws again that many times where an item was met; a user who met nearly everything keeps a met one.
_ROUNDS = 20


class Negatives:
    """Draws for the rows of given interactions."""

    def __init__(self, interactions: Interactions) -> None:
        self.items = interactions.n_items
        self.user = interactions.user
        self.met = np.unique(interactions.user * self.items + interactions.item)

    def draw(self, rng: np.random.Generator, rows: Ints, candidates: int = 1) -> Ints:
        """Return (b, candidates) items for each of the rows (b,) that its user has not met."""
        user = np.repeat(self.user[rows], candidates)
        drawn = rng.integers(0, self.items, len(user))
        doubtful = np.arange(len(user))
        for _ in range(_ROUNDS):
            key = user[doubtful] * self.items + drawn[doubtful]
            place = np.minimum(np.searchsorted(self.met, key), len(self.met) - 1)
            doubtful = doubtful[self.met[place] == key]
            if not len(doubtful):
                break
            drawn[doubtful] = rng.integers(0, self.items, len(doubtful))
        return drawn.reshape(len(rows), candidates)


def shown(interactions: Interactions, rows: Ints, drawn: Ints) -> Ints:
    """Return (b, 1 + c) the list that a row is to lead: its own item, then those drawn against it (b, c)."""
    return np.concatenate([interactions.item[rows, None], drawn], axis=1)


def at_most(candidates: int, items: int) -> int:
    """Return how many candidates are drawn: one in a thousand items at most, one at least.

    Among few items the hardest of many is soon what the user would like.
    """
    return max(1, min(candidates, items // 1000))


def hardest(x: Floats, items: Floats, drawn: Ints) -> Ints:
    """Return (b,) of the candidates drawn (b, c) the one that the model puts highest; x: (b, d), items: (m, d)."""
    if drawn.shape[1] == 1:
        return drawn[:, 0]
    relevance = np.stack([np.einsum("nd,nd->n", x, items[column]) for column in drawn.T])
    return drawn[np.arange(len(drawn)), relevance.argmax(axis=0)]
