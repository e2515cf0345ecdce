"""Viewing: does a row's item fit its user by its text, and does it fit by what other users took? Two views of a row.

Each view is a place among *strangers*: items of the user's shop that it did not take, drawn as often as others took
them. A place of 0.3 says that the item fits the user better than 30% of what a click by chance would have hit; clicks
by chance have places that are even over 0..1. Where both views of such clicks fall together is measured, not assumed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from steelyard.values.arrays import AnyArray, Floats, Ints, Mask
from steelyard.values.interactions import Interactions

#: Strangers of a user: a place is then right to about 0.035.
STRANGERS = 200
#: A place below it is low: the item fits its user no better than the usual stranger.
CUT = 0.5
#: Parts of a place in the picture of both views; an even number, so that CUT lies between two of them.
PARTS = 10
#: What both views say together, by (text is high, others are high); None where a view has nothing to go by.
QUADRANTS = {(0, 0): "mis_click", (1, 0): "cold", (0, 1): "complement", (1, 1): "redundant"}
#: Users whose strangers exist at once.
BLOCK = 4096


@dataclass(frozen=True)
class Views:
    """text_place, others_place: (n,) 0..1, NaN where a view has nothing to go by. chance: (p, p) shares of clicks by
    chance, by part of the text's and of the others' place; None where no user has strangers with both.

    The text of an item needs another item with text in the user's history, others need another item in it. An item
    that nobody else took has place 0 by others: nobody can speak for it.
    """

    text_place: Floats
    others_place: Floats
    chance: Floats | None


def view(rows: Interactions, vectors: Any, fitted: Any, seed: int = 0, strangers: int = STRANGERS) -> Views:
    """Return both views of every row (n,).

    vectors: (m, d) of the items' texts, rows of length 1 or empty, sparse or dense. fitted: a model that was fitted on
    ``rows``, whose ``left_out`` scores a user by all others, such as EASE.
    """
    pair, of_row = np.unique(rows.pair, return_inverse=True)
    user, item = pair // rows.n_items, pair % rows.n_items
    reach = Reach.of(user, item, rows.n_users, rows.n_items)
    takers = np.bincount(item, minlength=rows.n_items)
    size = np.bincount(user, minlength=rows.n_users)
    weight = np.bincount(rows.user, minlength=rows.n_users)
    written = np.asarray(abs(vectors).sum(axis=1)).ravel() > 0
    rng = np.random.default_rng(seed)
    text, others, chance = np.full(len(pair), np.nan), np.full(len(pair), np.nan), np.zeros((PARTS, PARTS))
    for own in _blocks(user):
        u, i = user[own], item[own]
        who, what = _strangers(u, pair[own], reach, rng, strangers)
        meant, strange_meant = _meant(u, i, who, what, vectors, written)
        left = size[u] > 1
        score = np.full(len(u), np.nan)
        score[left] = _by_others(fitted, u[left], i[left])
        score[left & (takers[i] == 1)] = -np.inf
        strange = np.full(len(who), np.nan)
        known = size[who] > 1
        strange[known] = _by_others(fitted, who[known], what[known])
        text[own], strange_text = _placed(u, meant, who, strange_meant)
        others[own], strange_others = _placed(u, score, who, strange)
        both = np.isfinite(strange_text) & np.isfinite(strange_others)
        some, place, drawn = np.unique(who[both], return_inverse=True, return_counts=True)
        parts = part_of(strange_text[both]), part_of(strange_others[both])
        np.add.at(chance, parts, (weight[some] / drawn)[place])
    whole = chance.sum()
    return Views(text[of_row], others[of_row], chance / whole if whole else None)


def part_of(place: Floats) -> Ints:
    """Return (n,) 0..PARTS-1, the part that a place (finite) lies in."""
    return np.minimum((place * PARTS).astype(np.int64), PARTS - 1)


def quadrant(text_place: Floats, others_place: Floats) -> AnyArray:
    """Return (n,) names of QUADRANTS, None where either place is unknown."""
    out = np.full(len(text_place), None, object)
    known = np.isfinite(text_place) & np.isfinite(others_place)
    for (text, others), name in QUADRANTS.items():
        out[known & ((text_place >= CUT) == bool(text)) & ((others_place >= CUT) == bool(others))] = name
    return out


def counted(views: Views) -> dict[str, Any]:
    """Return what both views say of all rows, as JSON: ``known, cut, strangers, quadrants, grid``.

    quadrants: by name ``rows``, ``share`` of the known rows, and ``chance``, the share of clicks by chance. grid: rows
    by part of the text's and of the others' place, and ``chance`` likewise. unknown: by view, rows without it.
    """
    text, others = views.text_place, views.others_place
    name = quadrant(text, others)
    known = np.array([q is not None for q in name], bool)
    base = None if views.chance is None else shares(views.chance)
    grid = np.zeros((PARTS, PARTS), np.int64)
    np.add.at(grid, (part_of(text[known]), part_of(others[known])), 1)
    quadrants = {}
    for q in QUADRANTS.values():
        rows = int((name == q).sum())
        quadrants[q] = {"rows": rows, "share": rows / max(int(known.sum()), 1), "chance": base[q] if base else None}
    return {
        "known": int(known.sum()),
        "unknown": {"text": int(np.isnan(text).sum()), "others": int(np.isnan(others).sum())},
        "cut": CUT,
        "strangers": STRANGERS,
        "quadrants": quadrants,
        "grid": {"rows": grid.tolist(), "chance": None if views.chance is None else views.chance.round(6).tolist()},
    }


def shares(chance: Floats) -> dict[str, float]:
    """Return the share of clicks by chance in each quadrant. chance: (p, p) of ``Views``."""
    half = PARTS // 2
    return {
        name: float(chance[half * t : half * (t + 1), half * o : half * (o + 1)].sum())
        for (t, o), name in QUADRANTS.items()
    }


def _blocks(user: Ints) -> Iterator[slice]:
    """Yield the pairs of some users at once; user: (p,) rising."""
    starts = np.flatnonzero(np.diff(user, prepend=-1))[::BLOCK]
    for start, stop in zip(starts, [*starts[1:], len(user)], strict=True):
        yield slice(int(start), int(stop))


@dataclass(frozen=True)
class Reach:
    """What chance may hit: of each user the items of its own shop, the part of the table that shared takers hold
    together. order: (m,) items by shop. edges: (m,) sum of takers up to each of them. first, width: (u,) takers before
    and within the shop of a user.
    """

    order: Ints
    edges: Ints
    first: Ints
    width: Ints

    @classmethod
    def of(cls, user: Ints, item: Ints, users: int, items: int) -> Reach:
        """Return the reach of pairs (p,). Shops that share no user, such as two languages, are shops of their own."""
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import connected_components

        graph = coo_array((np.ones(len(user), np.int8), (user, users + item)), shape=(users + items, users + items))
        shop = connected_components(graph, directed=False)[1]
        takers = np.bincount(item, minlength=items)
        order = np.argsort(shop[users:], kind="stable")
        held = np.bincount(shop[users:], weights=takers, minlength=shop.max() + 1).astype(np.int64)
        before = np.cumsum(held) - held
        return cls(order, np.cumsum(takers[order]), before[shop[:users]], held[shop[:users]])

    def draw(self, user: Ints, rng: np.random.Generator) -> Ints:
        """Return (k,) an item for each of ``user``, as often as it was taken."""
        whole = int(self.edges[-1])
        place = self.first[user] + rng.integers(0, whole, len(user)) * self.width[user] // whole
        return self.order[np.searchsorted(self.edges, place, side="right")]


def _strangers(user: Ints, pair: Ints, reach: Reach, rng: np.random.Generator, count: int) -> tuple[Ints, Ints]:
    """Return (s,) users and items: ``count`` draws a user, less those that hit what the user took.

    user, pair: (p,) of the users in rising order.
    """
    who = np.repeat(np.unique(user), count)
    what = reach.draw(who, rng)
    strange = ~np.isin(who * len(reach.order) + what, pair)
    return who[strange], what[strange]


def _by_others(fitted: Any, user: Ints, item: Ints) -> Floats:
    """Return (k,) scores of pairs by a model without the user; none where nobody is asked for."""
    found: Floats = fitted.left_out(user, item) if len(user) else np.zeros(0)
    return found


def _meant(user: Ints, item: Ints, who: Ints, what: Ints, vectors: Any, written: Mask) -> tuple[Floats, Floats]:
    """Return (p,) and (s,): the mean cosine of an item's text with the user's items, the item itself left out.

    written: (m,) True for an item that has a text.
    """
    asked, row = np.unique(user, return_inverse=True)
    place = np.searchsorted(asked, who)
    profile = _sums(row, vectors[item], len(asked))
    texts = np.bincount(row, weights=written[item], minlength=len(asked))
    return (
        _mean(_dots(profile, row, vectors, item) - written[item], texts[row] - 1, written[item]),
        _mean(_dots(profile, place, vectors, what), texts[place], written[what]),
    )


def _sums(row: Ints, vectors: Any, n: int) -> Any:
    """Return (n, d): the sum of the vectors of the same row."""
    from scipy.sparse import csr_matrix

    return csr_matrix((np.ones(len(row)), (row, np.arange(len(row)))), shape=(n, len(row))) @ vectors


def _dots(profile: Any, place: Ints, vectors: Any, item: Ints, block: int = 16_384) -> Floats:
    """Return (k,) products of profile[place] and vectors[item]."""
    out = np.empty(len(place))
    for start in range(0, len(place), block):
        at = slice(start, start + block)
        left, right = profile[place[at]], vectors[item[at]]
        product = left.multiply(right) if hasattr(left, "multiply") else left * right
        out[at] = np.asarray(product.sum(axis=1)).ravel()
    return out


def _mean(total: Floats, count: AnyArray, known: AnyArray) -> Floats:
    return np.where(known & (count > 0), total / np.maximum(count, 1), np.nan)


def _placed(user: Ints, value: Floats, who: Ints, strange: Floats) -> tuple[Floats, Floats]:
    """Return (p,) and (s,) the share of the same user's strangers below a value, ties one half; NaN stays NaN.

    user: (p,) of the values. who: (s,) of the strangers, each a user of some value.
    Half a stranger is added on either side, so that nothing is certain; a stranger is not compared with itself. What
    differs in the seventh decimal is a tie: sums in another order must not part equal texts. The cost is that of
    sorting what is given, however many users the table has.
    """
    asked, user = np.unique(user, return_inverse=True)
    who = np.searchsorted(asked, who)
    value, strange = value.round(7), strange.round(7)
    known = np.isfinite(strange)
    levels = np.unique(strange[known])
    width = 2 * len(levels) + 2

    def key(of: Ints, values: Floats) -> Ints:
        low, high = np.searchsorted(levels, values, "left"), np.searchsorted(levels, values, "right")
        return of * width + low + high  # even between two levels, odd on one

    order = np.sort(key(who[known], strange[known]))
    first = np.searchsorted(order, np.arange(len(asked) + 1) * width)

    def place(of: Ints, values: Floats, itself: int) -> Floats:
        at = key(of, values)
        below, upto = np.searchsorted(order, at, "left"), np.searchsorted(order, at, "right")
        count = first[of + 1] - first[of] - itself
        found = (below - first[of] + (upto - below - itself) / 2 + 0.5) / (np.maximum(count, 0) + 1)
        return np.where(np.isnan(values) | (count < 1), np.nan, found)

    return place(user, value, 0), place(who, strange, 1)
