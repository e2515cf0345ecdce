"""Graph convolution without weights of its own: vectors averaged over the neighbours in the user-item graph."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np
from scipy.sparse import csr_matrix

from steelyard.parts.recommenders import Epoch, Importance, Recommender, alphas, counted
from steelyard.parts.recommenders._adam import Table
from steelyard.parts.recommenders._factors import Factors
from steelyard.parts.recommenders._negatives import at_most, hardest
from steelyard.parts.recommenders._pairs import pairwise
from steelyard.parts.recommenders._steps import epochs
from steelyard.values.arrays import Floats, Ints
from steelyard.values.interactions import Interactions


@dataclass(frozen=True)
class LightGcn(Recommender):
    """Minimises the loss of ``bpr`` over E = (E0 + A E0 + ... + A^layers E0) / (layers + 1).

    A is the user-item graph, each edge over the root of the degrees of its ends; it holds every given interaction
    once, whatever its weight; weights multiply losses. E is linear in E0 and the averaging is symmetric, so the
    gradient of E0 is the same averaging of the gradient of E: exact, without autograd. A step averages twice over the
    whole graph, so its cost hardly grows with batch_size. reg holds for the E0 of the rows of the step.
    candidates: as in ``bpr``.
    Source: He et al. 2020, eq. 7, 8 and 15.
    """

    stepwise: ClassVar[bool] = True
    embedding_size: int = 64
    layers: int = 3
    epochs: int = 15
    batch_size: int = 16384
    candidates: int = 16
    learning_rate: float = 0.01
    reg: float = 1e-4
    scale: float = 0.1

    def train(self, interactions: Interactions, importance: Importance | None = None, seed: int = 0) -> Iterator[Epoch]:
        rng = np.random.default_rng(seed)
        n, u = len(interactions), interactions.n_users
        first = Table(self.scale * rng.standard_normal((u + interactions.n_items, self.embedding_size), np.float32))
        graph = Graph(interactions, self.layers)
        known, popularity = counted(interactions, np.ones(n))
        losses = np.empty(n, np.float32)
        each = at_most(self.candidates, interactions.n_items)
        for number, epoch in epochs(interactions, rng, self.epochs, self.batch_size, each):
            for step in epoch:
                rows = step.rows
                alpha = partial(alphas, importance, rows, step.progress)
                final = graph.averaged(first.value)
                by = interactions.user[rows]
                j = hardest(final[by], final[u:], step.drawn)
                ends = (by, u + interactions.item[rows], u + j)
                losses[rows], weight, pulls = pairwise(alpha, *(final[end] for end in ends))
                gradient = graph.averaged(added(ends, pulls, final.shape))
                shrink = (self.reg * weight / len(rows))[:, None]
                gradient += added(ends, tuple(shrink * first.value[end] for end in ends), final.shape)
                first.move_all(gradient, self.learning_rate, step.number)
            final = graph.averaged(first.value)
            yield Epoch(number, losses, Factors(known, popularity, final[:u], final[u:], np.zeros_like(popularity)))


class Graph:
    """The averaging of vectors over users and items; symmetric."""

    def __init__(self, interactions: Interactions, layers: int) -> None:
        x = csr_matrix(interactions.matrix(), dtype=np.float32)
        x.data[:] = 1
        by_user, by_item = (np.maximum(np.asarray(x.sum(axis=axis)).ravel(), 1) for axis in (1, 0))
        x.data /= np.sqrt(np.repeat(by_user, np.diff(x.indptr)) * by_item[x.indices])
        self.items_of, self.users_of, self.layers = x, x.T.tocsr(), layers

    def averaged(self, vectors: Floats) -> Floats:
        """Return (u + m, d): the mean of the vectors (u + m, d) and of 1 to ``layers`` steps along the edges."""
        u = self.items_of.shape[0]
        total = vectors.copy()
        users, items = vectors[:u], vectors[u:]
        for _ in range(self.layers):
            users, items = self.items_of @ items, self.users_of @ users
            total[:u] += users
            total[u:] += items
        total /= self.layers + 1
        return total


def added(ends: tuple[Ints, ...], parts: tuple[Floats, ...], shape: tuple[int, ...]) -> Floats:
    """Return (u + m, d): the sum of the vectors (b, d) of ``parts`` at the rows ``ends`` (b,) where each belongs."""
    rows = np.concatenate(ends)
    places = csr_matrix((np.ones(len(rows), np.float32), (rows, np.arange(len(rows)))), shape=(shape[0], len(rows)))
    return places @ np.concatenate(parts)
