"""Matrix factorisation by points: each item met is a yes, drawn items that were not met are a no."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from steelyard.parts.recommenders import Epoch, Importance, Recommender, alphas, counted, drawn_alphas
from steelyard.parts.recommenders._adam import Table
from steelyard.parts.recommenders._factors import Factors
from steelyard.parts.recommenders._steps import epochs
from steelyard.values.interactions import Interactions


@dataclass(frozen=True)
class Mf(Recommender):
    """Minimises mean [ alpha_ui (-log s(x_u'y_i + b_i)) + sum over drawn j of alpha_uj (-log s(-(x_u'y_j + b_j))) ] by
    Adam.

    The loss for which T-CE and R-CE are published (Wang et al. 2021, with GMF): the loss of a row, and its weight, are
    those of its yes. What is drawn against it has weight 1, or by its own loss where the importance says so (R-CE).
    GMF of He et al. 2017 with an output layer of ones.
    embedding_size: d. negatives: drawn anew for every row in every epoch. reg: on the vectors and biases of a step.
    """

    stepwise: ClassVar[bool] = True
    embedding_size: int = 32
    epochs: int = 30
    batch_size: int = 1024
    negatives: int = 1
    learning_rate: float = 0.002
    reg: float = 1e-3
    scale: float = 0.01

    def train(self, interactions: Interactions, importance: Importance | None = None, seed: int = 0) -> Iterator[Epoch]:
        rng = np.random.default_rng(seed)
        n, d = len(interactions), self.embedding_size
        user = Table(self.scale * rng.standard_normal((interactions.n_users, d), dtype=np.float32))
        item = Table(self.scale * rng.standard_normal((interactions.n_items, d), dtype=np.float32))
        bias = Table(np.zeros((interactions.n_items, 1), np.float32))
        fitted = Factors(*counted(interactions, np.ones(n)), user.value, item.value, bias.value[:, 0])
        losses = np.empty(n, np.float32)
        for number, epoch in epochs(interactions, rng, self.epochs, self.batch_size, self.negatives):
            for step in epoch:
                rows = step.rows
                i = np.concatenate([interactions.item[rows], step.drawn.T.ravel()])
                u = np.tile(interactions.user[rows], 1 + self.negatives)
                x, y = user.value[u], item.value[i]
                z = np.einsum("nd,nd->n", x, y) + bias.value[i, 0]
                met = np.arange(len(i)) < len(rows)
                loss = np.logaddexp(0, np.where(met, -z, z))
                losses[rows] = loss[met]
                given = alphas(importance, rows, step.progress, losses[rows])
                weight = np.concatenate([given, drawn_alphas(importance, step.progress, loss[~met])])
                pull = ((weight * (np.exp(-np.logaddexp(0, -z)) - met)) / len(rows))[:, None].astype(np.float32)
                shrink = (self.reg * weight / len(rows))[:, None]
                user.move(u, pull * y + shrink * x, self.learning_rate, step.number)
                item.move(i, pull * x + shrink * y, self.learning_rate, step.number)
                bias.move(i, pull + shrink * bias.value[i], self.learning_rate, step.number)
            yield Epoch(number, losses, fitted)
