"""Recommender: learns from weighted interactions, and scores every item for a user."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from steelyard.errors import DataError
from steelyard.values.arrays import Floats, Ints, Mask
from steelyard.values.interactions import Interactions

#: Asked at every step: (rows (b,), their losses (b,) under the model of this moment, progress 0..1) -> weights (b,).
#: One that weighs items drawn against rows too has ``drawn``: (their losses (k,), progress) -> weights (k,).
Importance = Callable[[Ints, Floats, float], Floats]


@dataclass(frozen=True)
class Fitted:
    """A fitted recommender; subclasses write ``relevance`` for users that it knows.

    known: (u,) True for users with an interaction of positive weight. popularity: (m,) float32 weight of the
    interactions of each item, the relevance of items for every other user.
    """

    known: Mask
    popularity: Floats

    def relevance(self, users: Ints) -> Floats:
        """Return (b, m) float32 for known users; higher = recommended earlier."""
        raise NotImplementedError

    def scores(self, users: Ints) -> Floats:
        """Return (b, m) float32 of all items, seen ones among them; popularity for a user it does not know, or -1.

        Raises DataError D284 for users that were no users of the interactions it learned from, as do the others.
        """
        users = self.users(users)
        known = (users >= 0) & self.known[users]
        if known.all():
            return self.relevance(users)
        out = np.empty((len(users), len(self.popularity)), np.float32)
        out[~known] = self.popularity
        if known.any():
            out[known] = self.relevance(users[known])
        return out

    def pairs(self, users: Ints, items: Ints, block: int = 512) -> Floats:
        """Return (n,) float32 relevance of item for user, row by row; the same numbers as ``scores``.

        block: users whose scores exist at once. Factor models do better than this and say so.
        """
        users, items = self.users(users), self.items(items)
        out = np.empty(len(users), np.float32)
        order = np.argsort(users, kind="stable")
        asked, starts = np.unique(users[order], return_index=True)
        ends = np.append(starts[1:], len(order))
        for first in range(0, len(asked), block):
            of = asked[first : first + block]
            relevance = self.scores(of)
            rows = order[starts[first] : ends[first + len(of) - 1]]
            out[rows] = relevance[np.searchsorted(of, users[rows]), items[rows]]
        return out

    def among(self, users: Ints, items: Ints) -> Floats:
        """Return (b, c) float32 relevance of the items (b, c) given for each user; -inf where the item is -1.

        The same numbers as ``scores``, unless the model reads lists (``by_list``), or few of all items but these.
        """
        users, items = self.users(users), self.items(items, least=-1)
        given = items >= 0
        out = np.full(items.shape, -np.inf, np.float32)
        user = np.broadcast_to(users[:, None], items.shape)
        out[given] = self.pairs(user[given], items[given])
        return out

    def users(self, codes: Ints) -> Ints:
        """Return the codes (b,) of users, -1 for one that is in no table. Raises DataError D284 for any other."""
        return _within("user", codes, -1, len(self.known))

    def items(self, codes: Ints, least: int = 0) -> Ints:
        """Return the codes of items; least: -1 where that means none. Raises DataError D284 for any other."""
        return _within("item", codes, least, len(self.popularity))


def _within(what: str, codes: Ints, least: int, known: int) -> Ints:
    codes = np.asarray(codes, dtype=np.int64)
    outside = (codes < least) | (codes >= known)
    if outside.any():
        first = int(codes[outside].flat[0])
        raise DataError("D284", what=what, count=int(outside.sum()), asked=codes.size, first=first, last=known - 1)
    return codes


@dataclass(frozen=True)
class Epoch:
    """One pass over n interactions. number: from 1. loss: (n,) float32 of each when its step looked at it, before it
    moved. fitted: the model of this moment; the next epoch changes it, so ask it before you go on.
    """

    number: int
    loss: Floats
    fitted: Fitted


@dataclass(frozen=True)
class Recommender:
    """Contract of a recommender: a part writes ``learn``, or ``train`` when it is trained step by step.

    stepwise: True for those with ``train``: they have a loss for each interaction, and take weights at every step.
    by_list: True where the relevance of an item depends on what else is in its list.
    """

    stepwise: ClassVar[bool] = False
    by_list: ClassVar[bool] = False

    def fit(self, interactions: Interactions, sample_weight: Floats | None = None, seed: int = 0) -> Fitted:
        """Return the fitted model of all given interactions; leave out test rows before.

        sample_weight: (n,) >= 0. Only their ratios count: they are scaled to mean 1 over the rows of positive weight,
        and a row of weight 0 is as if it were not in the table. Weights of 1 change no bit of the result.
        Raises DataError D280 for weights that are negative or not finite, D281 when none is positive.
        """
        rows, weight = weighed(interactions, sample_weight)
        return self.learn(rows, weight, seed)

    def learn(self, interactions: Interactions, weight: Floats, seed: int) -> Fitted:
        """Return the fitted model; weight: (n,) > 0, mean 1."""
        *_, last = self.train(interactions, lambda rows, loss, progress: weight[rows], seed)
        known, popularity = counted(interactions, weight)
        return replace(last.fitted, known=known, popularity=popularity)

    def train(self, interactions: Interactions, importance: Importance | None = None, seed: int = 0) -> Iterator[Epoch]:
        """Train and yield after every epoch: theta <- theta - rate * mean(alpha_i g_i) over the rows of a step.

        importance: gives alpha (b,) from the losses of this very step (T-CE, R-CE), or from what the caller knows of
        the rows; None: 1 each. It is used as it is: neither scaled nor clipped. Every row is looked at once an epoch,
        and has a loss also where its weight is 0.
        """
        raise NotImplementedError


def alphas(importance: Importance | None, rows: Ints, progress: float, loss: Floats) -> Floats:
    """Return (b,) float32 what ``importance`` says of a step, 1 each without one."""
    if importance is None:
        return np.ones(len(rows), np.float32)
    return np.asarray(importance(rows, loss, progress), dtype=np.float32)


def drawn_alphas(importance: Importance | None, progress: float, loss: Floats) -> Floats:
    """Return (k,) float32 what ``importance`` says of items drawn against the rows of a step, 1 each without a word."""
    of = getattr(importance, "drawn", None)
    return np.ones(len(loss), np.float32) if of is None else np.asarray(of(loss, progress), dtype=np.float32)


def weighed(interactions: Interactions, sample_weight: Floats | None) -> tuple[Interactions, Floats]:
    """Return the interactions of positive weight and their weights (k,), mean 1; see ``Recommender.fit``."""
    n = len(interactions)
    weight = np.ones(n) if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
    if weight.shape != (n,):
        raise ValueError(f"sample_weight has shape {weight.shape}, expected {(n,)}")
    broken = ~(np.isfinite(weight) & (weight >= 0))
    if broken.any():
        raise DataError("D280", rows=n, count=int(broken.sum()), first=int(np.argmax(broken)))
    kept = weight > 0
    if not kept.any():
        raise DataError("D281", rows=n)
    if not kept.all():
        interactions, weight = interactions.take(kept), weight[kept]
    return interactions, weight / weight.mean()


def counted(interactions: Interactions, weight: Floats) -> tuple[Mask, Floats]:
    """Return what every ``Fitted`` starts with: known users (u,) and the popularity of items (m,) float32."""
    known = np.bincount(interactions.user, minlength=interactions.n_users) > 0
    popularity = np.bincount(interactions.item, weights=weight, minlength=interactions.n_items)
    return known, popularity.astype(np.float32)
