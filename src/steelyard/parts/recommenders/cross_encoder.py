"""A transformer reads a user's history and an item together, and re-ranks the best of a first stage; needs torch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from steelyard import parts
from steelyard.parts.recommenders import Epoch, Fitted, Importance, Recommender, alphas, counted
from steelyard.parts.recommenders._negatives import Negatives, shown
from steelyard.parts.recommenders._prefixes import Prefixes
from steelyard.parts.recommenders._reading import Reader
from steelyard.parts.recommenders._titles import titles
from steelyard.values.arrays import Floats, Ints, Mask
from steelyard.values.interactions import Interactions
from steelyard.values.recipe import Recipe

#: Batches that are read and sorted by length together: little padding, and still another order each epoch.
_POOL = 50


@dataclass(frozen=True)
class Read(Fitted):
    """reader: of ``_reading``. history: what every user has taken. first: the fitted first stage; best: how many of
    its items are read. met: (u, m) what every user has taken, read too."""

    reader: Reader
    history: Prefixes
    first: Fitted
    best: int
    met: Any

    def relevance(self, users: Ints) -> Floats:
        """Return (b, m): of what is read what the network says, of the rest the order of the first stage below it."""
        stage = self.first.scores(users)
        read = self._read(users, stage)
        of, items = read.nonzero()
        said = np.full(stage.shape, np.inf, np.float32)
        said[of, items] = self.reader.relevance(self.history.latest(users)[of], items)
        place = (-stage).argsort(axis=1, kind="stable").argsort(axis=1, kind="stable") + 1
        below = said.min(axis=1, keepdims=True) - place / np.float32(stage.shape[1])
        return np.where(read, said, below).astype(np.float32)

    def among(self, users: Ints, items: Ints) -> Floats:
        """Return (b, c) what the network says of every item given, whatever the first stage thinks of it."""
        users, items = self.users(users), self.items(items, least=-1)
        given = items >= 0
        out = np.full(items.shape, -np.inf, np.float32)
        user = np.broadcast_to(users[:, None], items.shape)
        known = given & (user >= 0) & self.known[user]
        out[given] = self.popularity[items[given]]
        out[known] = self.reader.relevance(self.history.latest(user[known]), items[known])
        return out

    def pairs(self, users: Ints, items: Ints, block: int = 512) -> Floats:
        """Return (n,) what the network says of every pair, whatever the first stage thinks of it."""
        return self.among(users, self.items(items)[:, None])[:, 0]

    def _read(self, users: Ints, stage: Floats) -> Mask:
        """Return (b, m) True for what is read: what the user has met, and the ``best`` of the rest."""
        met = self.met[users].toarray() > 0
        open_ = np.where(met, -np.inf, stage)
        np.put_along_axis(met, (-open_).argsort(axis=1, kind="stable")[:, : self.best], True, axis=1)
        return met


@dataclass(frozen=True)
class CrossEncoder(Recommender):
    """Minimises mean alpha_t [ -log softmax over the t-th item of a user and ``negatives`` of the network's number ].

    The network reads a pair: the titles of the at most ``history`` items before, newest first, and that of the item.
    Negatives are drawn anew for every row in every epoch among the items that the user has not met. Every pair costs a
    pass: ``scores`` reads the ``best`` items of the recommender ``first``, and what the user has met; the rest follows
    in the order of ``first``. That learns from the same rows, with the weights that they had in the epoch. ``among``
    reads all items that it is given.
    pretrained: ``minilm``, a folder or a hub name. batch_size: rows a step, each with its negatives. learning_rate: of
    AdamW, rising over the first steps, then falling on a line to 0; ten times that for the new head. max_length:
    tokens of a pair. precision: fp32 or bf16. Source: Nogueira and Cho 2019 (re-ranking by a cross-encoder).
    Raises DataError D282 when no item has a text, EnvironmentProblem E242 without torch.
    """

    stepwise: ClassVar[bool] = True
    pretrained: str = "minilm"
    first: str = "item_knn"
    best: int = 100
    history: int = 5
    negatives: int = 3
    epochs: int = 1
    batch_size: int = 8
    learning_rate: float = 5e-5
    max_length: int = 96
    precision: str = "bf16"

    def train(self, interactions: Interactions, importance: Importance | None = None, seed: int = 0) -> Iterator[Epoch]:
        texts = titles(interactions, "cross_encoder")
        rng, n = np.random.default_rng(seed), len(interactions)
        steps = -(-n // self.batch_size) * self.epochs
        recipe = Recipe(
            epochs=self.epochs,
            batch_size=self.batch_size * (1 + self.negatives),
            learning_rate=self.learning_rate,
            head_rate=10.0,
            precision=self.precision,
            seed=seed,
        )
        model = parts.make("models", "transformer", pretrained=self.pretrained)
        reader = Reader(model, recipe, texts, self.negatives, self.max_length, steps)
        before, negatives = Prefixes(interactions, self.history), Negatives(interactions)
        met = interactions.matrix().tocsr()
        losses, given, number = np.empty(n, np.float32), np.ones(n), 0
        for epoch in range(self.epochs):
            order = rng.permutation(n)
            for start in range(0, n, _POOL * self.batch_size):
                pool = order[start : start + _POOL * self.batch_size]
                drawn = negatives.draw(rng, pool, self.negatives)
                reader.take(before.before(pool), shown(interactions, pool, drawn))
                for places in self._batches(reader.length, rng):
                    rows = pool[places]
                    losses[rows] = reader.look(places)
                    alpha = given[rows] = alphas(importance, rows, number / steps, losses[rows])
                    reader.move(alpha, recipe.rate(number, steps))
                    number += 1
            first = parts.make("recommenders", self.first).fit(interactions, given if given.any() else None, seed)
            fitted = Read(*counted(interactions, np.ones(n)), reader, before, first, self.best, met)
            yield Epoch(epoch + 1, losses, fitted)

    def _batches(self, length: Ints, rng: np.random.Generator) -> list[Ints]:
        """Return places of a pool in batches of like length, in a drawn order."""
        order = np.argsort(length, kind="stable")
        batches = [order[s : s + self.batch_size] for s in range(0, len(order), self.batch_size)]
        return [batches[i] for i in rng.permutation(len(batches))]
