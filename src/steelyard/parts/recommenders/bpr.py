"""Matrix factorisation by pairs: an item that the user met above one that it did not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np

from steelyard.parts.recommenders import Epoch, Importance, Recommender, alphas, counted
from steelyard.parts.recommenders._adam import Table
from steelyard.parts.recommenders._factors import Factors
from steelyard.parts.recommenders._negatives import at_most, hardest
from steelyard.parts.recommenders._pairs import pairwise
from steelyard.parts.recommenders._steps import epochs
from steelyard.values.interactions import Interactions


@dataclass(frozen=True)
class Bpr(Recommender):
    """Minimises mean alpha_ui [ -log sigmoid(x_u'(y_i - y_j)) + reg/2 (|x_u|^2 + |y_i|^2 + |y_j|^2) ] by Adam.

    j is drawn anew for every row in every epoch, uniformly among the items that the user has not met. The weight of
    a row multiplies its whole term, so a row of weight 0 moves nothing. Source: Rendle et al. 2009, with Adam
    (rows that a step does not touch rest) in place of plain descent.
    candidates: j is the one that the model puts highest of that many drawn items. 1 is Rendle et al.; more find what is
    still wrong sooner (dynamic negative sampling, Zhang et al. 2013); among few items they find what the user would
    like, so they are at most one in a thousand items.
    embedding_size: d. learning_rate: Adam's at the first step, falling on a line to 0 at the last. batch_size: rows a
    step, at most a 40th of them. scale: standard deviation of the first vectors.
    """

    stepwise: ClassVar[bool] = True
    embedding_size: int = 64
    epochs: int = 25
    batch_size: int = 2048
    candidates: int = 32
    learning_rate: float = 0.004
    reg: float = 0.02
    scale: float = 0.01

    def train(self, interactions: Interactions, importance: Importance | None = None, seed: int = 0) -> Iterator[Epoch]:
        rng = np.random.default_rng(seed)
        n, d = len(interactions), self.embedding_size
        user = Table(self.scale * rng.standard_normal((interactions.n_users, d), dtype=np.float32))
        item = Table(self.scale * rng.standard_normal((interactions.n_items, d), dtype=np.float32))
        known, popularity = counted(interactions, np.ones(n))
        fitted = Factors(known, popularity, user.value, item.value, np.zeros_like(popularity))
        losses = np.empty(n, np.float32)
        each = at_most(self.candidates, interactions.n_items)
        for number, epoch in epochs(interactions, rng, self.epochs, self.batch_size, each):
            for step in epoch:
                rows = step.rows
                u, i = interactions.user[rows], interactions.item[rows]
                j = hardest(user.value[u], item.value, step.drawn)
                x, yi, yj = user.value[u], item.value[i], item.value[j]
                alpha = partial(alphas, importance, rows, step.progress)
                losses[rows], weight, (gx, gi, gj) = pairwise(alpha, x, yi, yj)
                shrink = (self.reg * weight / len(rows))[:, None]
                rate = self.learning_rate * (1 - step.progress)
                user.move(u, gx + shrink * x, rate, step.number)
                by_item = np.concatenate([gi + shrink * yi, gj + shrink * yj])
                item.move(np.concatenate([i, j]), by_item, rate, step.number)
            yield Epoch(number, losses, fitted)
