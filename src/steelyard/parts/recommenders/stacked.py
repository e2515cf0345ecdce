"""Several recommenders made one: what each says of an item, its popularity and its age, weighed by boosted trees."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from steelyard import parts
from steelyard.errors import DataError
from steelyard.parts.recommenders import Fitted, Recommender, counted
from steelyard.parts.recommenders._kin import Kin, kin
from steelyard.parts.recommenders._negatives import Negatives, shown
from steelyard.parts.recommenders._stacking import Blend, blend, features, trees
from steelyard.values.arrays import Floats, Ints
from steelyard.values.interactions import Interactions

#: Items whose features exist at once.
_ITEMS = 500_000


@dataclass(frozen=True)
class Stack(Fitted):
    """members: name -> fitted recommender. blend: one number of what they say. length: (u,) rows of each user.
    about: (m, f) time since the last row of each item, and what a table of items says. kin: by that, or None."""

    members: Mapping[str, Fitted]
    blend: Blend
    length: Ints
    about: Floats
    kin: Kin | None

    def relevance(self, users: Ints) -> Floats:
        """Return (b, m): the list is the whole catalogue."""
        m = len(self.popularity)
        out = np.empty((len(users), m), np.float32)
        block = max(1, 8 * _ITEMS // (m * (8 + self.about.shape[1])))
        for start in range(0, len(users), block):
            some = users[start : start + block]
            every = np.broadcast_to(np.arange(m), (len(some), m))
            out[start : start + block] = self._weighed(
                some, every, {n: f.scores(some) for n, f in self.members.items()}
            )
        return out

    def among(self, users: Ints, items: Ints) -> Floats:
        """Return (b, c) relevance within the list given: what stands beside an item counts."""
        users, items = self.users(users), self.items(items, least=-1)
        known = (users >= 0) & self.known[users]
        out = np.where(items >= 0, self.popularity[items], -np.inf).astype(np.float32)
        if known.any():
            some, listed = users[known], items[known]
            out[known] = self._weighed(some, listed, {n: m.among(some, listed) for n, m in self.members.items()})
        return out

    def _weighed(self, users: Ints, items: Ints, said: Mapping[str, Floats]) -> Floats:
        near = None if self.kin is None else self.kin.of(users, items)
        return self.blend.relevance(features(said, items, self.popularity, self.about, self.length[users], near))


@dataclass(frozen=True)
class Stacked(Recommender):
    """Weighs what the recommenders ``of`` say, by lists that none of them has learned from.

    The last row of at most ``teach`` users is held out, with the other rows of the same user and item, and the
    recommenders learn from the rest: none of them has seen the pair. A list is the item of such a row and ``negatives``
    drawn items that its user has not met; the blend learns to put the former first, from what each recommender says of
    the list (deviation from its mean, place in it, and the number itself), popularity, time since the item's last row,
    rows of the user, and where a table of items says more (prices, categories): that, and how like it is to the user's
    other items by it. Lists set aside choose among a linear sum, boosted trees, both together and each recommender
    alone, so that the whole need not be worse than its best part. Then the recommenders learn again from all rows: the
    cost is twice theirs.
    Weights of rows weigh their lists too. of: names of recommenders, or recommenders. rounds: of the trees.
    Raises DataError D283 when no user has two items. Source: Wolpert 1992, Stacked Generalization.
    """

    by_list: ClassVar[bool] = True
    of: tuple[Any, ...] = ("popularity", "item_knn", "ease")
    teach: int = 4000
    negatives: int = 99
    rounds: int = 100

    def learn(self, interactions: Interactions, weight: Floats, seed: int) -> Stack:
        rng = np.random.default_rng(seed)
        chosen = self._chosen()
        last = self._last(interactions, rng)
        rest = ~np.isin(interactions.pair, interactions.pair[last])
        before, own = interactions.take(rest), weight[rest]
        taught = {name: part.fit(before, own, seed) for name, part in chosen.items()}
        user = interactions.user[last]
        drawn = Negatives(interactions).draw(rng, last, self.negatives)
        items = shown(interactions, last, drawn)
        _, popularity = counted(before, own)
        length = np.bincount(before.user, minlength=interactions.n_users)
        said = {name: fitted.among(user, items) for name, fitted in taught.items()}
        likeness = kin(before)
        near = None if likeness is None else likeness.of(user, items)
        x = features(said, items, popularity, about(before), length[user], near)
        found = blend(x, weight[last], tuple(chosen), trees(self.rounds), seed)
        fitted = {name: part.fit(interactions, weight, seed) for name, part in chosen.items()}
        length = np.bincount(interactions.user, minlength=interactions.n_users)
        return Stack(*counted(interactions, weight), fitted, found, length, about(interactions), kin(interactions))

    def _chosen(self) -> dict[str, Recommender]:
        """Return the recommenders by name; a name that comes twice is numbered."""
        out: dict[str, Recommender] = {}
        for of in self.of:
            name = of if isinstance(of, str) else type(of).__name__.lower()
            same = sum(n.split("#")[0] == name for n in out)
            part = parts.make("recommenders", of) if isinstance(of, str) else of
            out[f"{name}#{same + 1}" if same else name] = part
        return out

    def _last(self, interactions: Interactions, rng: np.random.Generator) -> Ints:
        """Return the last row of drawn users who have taken two items or more."""
        order = interactions.chronological
        user = interactions.user[order]
        ends = np.flatnonzero(np.append(user[1:] != user[:-1], True))
        items = np.bincount(np.unique(interactions.pair) // interactions.n_items, minlength=interactions.n_users)
        several = ends[items[user[ends]] > 1]
        if not len(several):
            raise DataError("D283", rows=len(interactions), users=interactions.n_users)
        return order[np.sort(rng.permutation(several)[: self.teach])]


def about(interactions: Interactions) -> Floats:
    """Return (m, f) what is known of items: time since the last row of each, over the whole span of the rows, 1 for an
    item without rows, where a time is known; and the features of a table of items, their mean where unknown.
    """
    told = interactions.item_features
    age = _age(interactions)
    if told is None:
        return age
    known = np.isfinite(told)
    mean = np.where(known, told, 0.0).sum(0) / np.maximum(known.sum(0), 1)
    return np.concatenate([age, np.where(known, told, mean)], axis=1)


def _age(interactions: Interactions) -> Floats:
    """Return (m, 1), or (m, 0) where no time is known."""
    ts = interactions.ts
    there = np.zeros(len(interactions), bool) if ts is None else np.isfinite(ts)
    if ts is None or not there.any():
        return np.zeros((interactions.n_items, 0))
    newest, oldest = ts[there].max(), ts[there].min()
    last = np.full(interactions.n_items, oldest)
    np.maximum.at(last, interactions.item[there], ts[there])
    return ((newest - last) / max(newest - oldest, 1e-9))[:, None]
