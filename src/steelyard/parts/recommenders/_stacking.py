"""What several recommenders say of the items of a list, made one number: linear, by trees, or by both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import minimize
from scipy.special import logsumexp, softmax

from steelyard import parts
from steelyard.values.arrays import Floats, Ints, Mask

#: Share of the lists that decide which way is kept; pull of the linear weights to 0, in lists.
_ASIDE, _RIDGE = 0.25, 1.0
_TINY = 1e-9
#: Ways that are always there; each recommender alone is a way too.
LINEAR, TREES, BOTH = "linear", "trees", "both"


@dataclass(frozen=True)
class Features:
    """Of b lists of c items. said: (b, c, p) what p recommenders say, in deviations from the mean of the list, the
    popularity of the item the last of them. more: (b, c, f) what only the trees read. shown: (b, c) False for no item.
    """

    said: Floats
    more: Floats
    shown: Mask

    def take(self, lists: Ints) -> Features:
        return Features(self.said[lists], self.more[lists], self.shown[lists])

    def flat(self) -> Floats:
        """Return (k, p + f) one row an item that is shown."""
        return np.concatenate([self.said, self.more], axis=2)[self.shown]


def features(
    said: Mapping[str, Floats],
    items: Ints,
    popularity: Floats,
    known: Floats,
    length: Ints,
    near: Floats | None = None,
) -> Features:
    """Return the features of lists.

    said: name -> (b, c) relevance. items: (b, c), -1 for none. popularity: (m,) weight of each item's rows. known:
    (m, f) what else is known of items. length: (b,) rows of each list's user. near: (b, c) likeness to what the user
    took, or None.
    """
    shown = items >= 0
    wide = np.log1p(popularity)[items].astype(np.float64)
    scores = [np.asarray(s, np.float64) for s in said.values()]
    standard = np.stack([_standard(s, shown) for s in [*scores, wide]], axis=2)
    places = [_places(s, shown) for s in scores]
    users = np.broadcast_to(np.log1p(length)[:, None], items.shape)
    also = [] if near is None else [near]
    more = np.stack([*scores, *places, wide, users, *np.moveaxis(known[items], 2, 0), *also], axis=2)
    return Features(standard.astype(np.float32), more.astype(np.float32), shown)


@dataclass(frozen=True)
class Blend:
    """way: what is used. linear: (p,) weights of the deviations. trees: a fitted model of two classes. names: of the
    recommenders, in the order of the features. value: way -> what it reached on the lists that decided."""

    way: str
    linear: Floats
    trees: Any
    names: tuple[str, ...]
    value: Mapping[str, float]

    def relevance(self, x: Features) -> Floats:
        """Return (b, c) float32, higher = better, -inf for no item."""
        return np.where(x.shown, self._by(self.way, x), -np.inf).astype(np.float32)

    def _by(self, way: str, x: Features) -> Floats:
        if way in self.names:
            return x.said[:, :, self.names.index(way)]
        line = x.said @ self.linear
        if way == LINEAR:
            return line
        odds = np.zeros(x.shown.shape)
        p = np.clip(self.trees.predict(x.flat())[:, 1], _TINY, 1 - _TINY)
        odds[x.shown] = np.log(p) - np.log1p(-p)
        if way == TREES:
            return odds + 1e-3 * line
        return _standard(odds, x.shown) + _standard(line, x.shown)


def blend(x: Features, weight: Floats, names: tuple[str, ...], model: Any, seed: int) -> Blend:
    """Return the best way to one number for lists whose first item is the one that was taken.

    Ways are the linear sum (conditional logit, McFadden 1974), the trees, both, and each recommender alone. Lists set
    aside decide by reciprocal rank; what is kept then learns from all lists. weight: (b,) of each list.
    """
    rng = np.random.default_rng(seed)
    b = len(weight)
    order = rng.permutation(b)
    aside, rest = np.split(order, [max(1, int(_ASIDE * b))]) if b > 1 else (order, order)
    tried = _learned(x.take(rest), weight[rest], LINEAR, names, model, seed)
    held = x.take(aside)
    ways = (LINEAR, BOTH, TREES, *names)
    value = {way: _reciprocal(tried._by(way, held), held.shown, weight[aside]) for way in ways}
    found = _learned(x, weight, max(ways, key=lambda way: value[way]), names, model, seed)
    return Blend(found.way, found.linear, found.trees, names, value)


def _learned(x: Features, weight: Floats, way: str, names: tuple[str, ...], model: Any, seed: int) -> Blend:
    taken = np.zeros(x.shown.shape, np.int64)
    taken[:, 0] = 1
    rows = np.broadcast_to((weight / weight.mean())[:, None], x.shown.shape)
    trees = model.fit(x.flat(), taken[x.shown], 2, sample_weight=rows[x.shown], seed=seed)
    return Blend(way, _linear(x, weight), trees, names, {})


def _linear(x: Features, weight: Floats) -> Floats:
    """Return (p,) weights that minimise sum of weight * -log softmax of the first item, with a small pull to 0."""
    said, gone = x.said.astype(np.float64), np.where(x.shown, 0.0, -np.inf)

    def cost(w: Floats) -> tuple[float, Floats]:
        z = said @ w + gone
        slope = softmax(z, axis=1)
        slope[:, 0] -= 1
        value = weight @ (logsumexp(z, axis=1) - z[:, 0]) + 0.5 * _RIDGE * w @ w
        return value, np.einsum("b,bc,bcp->p", weight, slope, said) + _RIDGE * w

    return minimize(cost, np.zeros(said.shape[2]), jac=True, method="L-BFGS-B").x


def _reciprocal(relevance: Floats, shown: Mask, weight: Floats) -> float:
    """Return the weighted mean of 1 / rank of the first item; equals share the middle of their places."""
    first = relevance[:, :1]
    rank = 1 + ((relevance > first) & shown).sum(1) + 0.5 * (((relevance == first) & shown).sum(1) - 1)
    return float(weight @ (1 / rank) / weight.sum())


def _standard(s: Floats, shown: Mask) -> Floats:
    """Return (b, c) deviations from the mean of the list over its spread; 0 for no item, and where all are alike."""
    count = np.maximum(shown.sum(1, keepdims=True), 1)
    s = np.where(shown, s, 0.0)
    away = np.where(shown, s - s.sum(1, keepdims=True) / count, 0.0)
    spread = np.sqrt((away**2).sum(1, keepdims=True) / count)
    return np.divide(away, spread, out=np.zeros_like(away), where=spread > _TINY)


def _places(s: Floats, shown: Mask) -> Floats:
    """Return (b, c) the share of a list's items that stand below each: near 1 the best."""
    filled = np.where(shown, s, -np.inf)
    ordered = np.sort(filled, axis=1)
    below = np.stack([np.searchsorted(row, of) for row, of in zip(ordered, filled, strict=True)])
    return (below - (~shown).sum(1, keepdims=True)) / np.maximum(shown.sum(1, keepdims=True), 1)


def trees(rounds: int) -> Any:
    """Return the boosted trees that read features of lists."""
    return parts.make("models", "boosted", rounds=rounds, share=0.5, min_leaf=40)
