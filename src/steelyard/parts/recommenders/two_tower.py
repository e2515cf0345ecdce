"""Texts of a user's history and of an item as vectors that meet: reads new items as well as old ones; needs torch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from steelyard.parts.recommenders import Epoch, Fitted, Importance, Recommender, alphas, counted
from steelyard.parts.recommenders._negatives import shown
from steelyard.parts.recommenders._prefixes import Prefixes
from steelyard.parts.recommenders._steps import epochs
from steelyard.parts.recommenders._titles import titles, vectors
from steelyard.values.arrays import Floats, Ints
from steelyard.values.interactions import Interactions


@dataclass(frozen=True)
class Towers(Fitted):
    """towers: of ``_towers``. history: what every user has taken."""

    towers: Any
    history: Prefixes

    def relevance(self, users: Ints) -> Floats:
        return self.towers.relevance(self.history.latest(users))


@dataclass(frozen=True)
class TwoTower(Recommender):
    """Minimises mean alpha_t [ -log softmax over the t-th item of a user and ``negatives`` of cosine / temperature ].

    Cosine is between U h and V e: e is the frozen vector of the item's text, h the mean of those of the at most
    ``history`` items before it, each ``decay`` times the one after. U and V begin as the ``embedding_size`` main
    directions of e, so that training starts from what the encoder knows; a first row has a learned h. Negatives are
    drawn anew for every row in every epoch among the items that the user has not met; in-batch ones would make the
    loss of a row depend on its batch mates. There is no number of an item's own: an item without interactions is read
    like any other, and one without a text has relevance 0.
    pretrained: ``minilm``, a folder or a hub name. max_length: tokens read of a text. precision: of the encoder.
    batch_size: rows a step, at most a 40th of them. Source: Yi et al. 2019 (two towers), Karpukhin et al. 2020, eq. 2.
    Raises DataError D282 when no item has a text, EnvironmentProblem E242 without torch.
    """

    stepwise: ClassVar[bool] = True
    pretrained: str = "minilm"
    embedding_size: int = 128
    history: int = 10
    decay: float = 0.8
    epochs: int = 5
    batch_size: int = 512
    negatives: int = 16
    temperature: float = 0.07
    learning_rate: float = 1e-3
    max_length: int = 64
    precision: str = "bf16"

    def train(self, interactions: Interactions, importance: Importance | None = None, seed: int = 0) -> Iterator[Epoch]:
        texts = vectors(titles(interactions, "two_tower"), self.pretrained, self.max_length, self.precision)
        from steelyard.parts.recommenders._towers import Pair

        rng, n = np.random.default_rng(seed), len(interactions)
        towers = Pair(texts, min(self.embedding_size, texts.shape[1]), self.decay, self.temperature)
        before = Prefixes(interactions, self.history)
        fitted = Towers(*counted(interactions, np.ones(n)), towers, before)
        losses = np.empty(n, np.float32)
        for number, epoch in epochs(interactions, rng, self.epochs, self.batch_size, self.negatives):
            for step in epoch:
                rows = step.rows
                losses[rows] = towers.look(before.before(rows), shown(interactions, rows, step.drawn))
                alpha = alphas(importance, rows, step.progress, losses[rows])
                towers.move(alpha, self.learning_rate * (1 - step.progress))
            yield Epoch(number, losses, fitted)
