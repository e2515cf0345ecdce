"""Recalling: full ranking of every item for every user, in blocks of users, measured a user at a time."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.sparse import csr_array

from steelyard.values.arrays import Floats, Ints
from steelyard.values.ranking import Ranking
from steelyard.values.scale import Scale

#: Users (b,) -> relevance (b, m) of all items, higher = recommended earlier.
Scores = Callable[[Ints], Floats]


def best(scores: Scores, seen: csr_array, users: Ints, k: int, block: int = 1024) -> Ints:
    """Return (b, k) items, best first, for each of ``users``; -1 where fewer than k items are left.

    seen: (u, m); an item with an entry in the user's row is never recommended. Equal relevance: the lower item code
    first. block: users whose scores exist at once, so memory grows with block times m, not with u times m.
    """
    found = np.full((len(users), k), -1, dtype=np.int64)
    for start in range(0, len(users), block):
        part = users[start : start + block]
        relevance = np.array(scores(part))
        rows, columns = seen[part].nonzero()
        relevance[rows, columns] = -np.inf
        for place, row in enumerate(relevance, start):
            top = _top(row, k)
            found[place, : len(top)] = top
    return found


def _top(relevance: Floats, k: int) -> Ints:
    """Return the at most k items of one user, best first, sorting few of m: the k-th of a part is no better than the
    k-th of all, so what lies below it is out.
    """
    part = relevance[::16] if len(relevance) >= 16 * k else relevance
    items = np.arange(len(relevance))
    if k < len(part):
        items = np.flatnonzero(relevance >= np.partition(part, -k)[-k])
    items = items[np.argsort(-relevance[items], kind="stable")[:k]]
    return items[relevance[items] > -np.inf]


def hits(items: Ints, held: csr_array, users: Ints) -> Floats:
    """Return (b, k): 1 where the recommended item is among the held-out items (u, m) of its user, else 0."""
    wanted = held[users].tocsr()
    hit = np.zeros(items.shape)
    for row in range(len(users)):
        hit[row] = np.isin(items[row], wanted.indices[wanted.indptr[row] : wanted.indptr[row + 1]])
    return hit


def recall(hit: Floats, relevant: Ints) -> Floats:
    """Return (b,) the share of the user's ``relevant`` (b,) held-out items that the list has; NaN without any."""
    return np.divide(hit.sum(axis=1), relevant, out=np.full(len(hit), np.nan), where=relevant > 0)


def ndcg(hit: Floats, relevant: Ints) -> Floats:
    """Return (b,) binary nDCG: gain over the gain of min(k, relevant) hits at the top; NaN without held-out items."""
    discount = 1 / np.log2(np.arange(2, hit.shape[1] + 2))
    ideal = np.concatenate([[0], np.cumsum(discount)])[np.minimum(relevant, hit.shape[1])]
    return np.divide(hit @ discount, ideal, out=np.full(len(hit), np.nan), where=relevant > 0)


def ranking(items: Ints, held: csr_array, users: Ints) -> Ranking:
    """Return the lists as a Ranking that every measure of ``parts.measures`` reads: a user is a group.

    items: (b, k) best first, -1 none. held: (u, m), what each user really took; of these what stands in no list is
    there too, behind everything, so that recall, nDCG and MAP count it. Cuts up to k are exact; beyond k nothing is
    known. Users without held-out items have no relevant row: measures skip them.
    """
    place = np.broadcast_to(-np.arange(items.shape[1], dtype=float), items.shape)
    hit = hits(items, held, users) > 0
    shown = items >= 0
    group = np.broadcast_to(users[:, None], items.shape)[shown]
    wanted = held[users].tocsr()
    user = np.repeat(np.arange(len(users)), np.diff(wanted.indptr))
    missed = np.ones(len(user), bool)
    for row in np.unique(np.nonzero(hit)[0]):
        own = slice(wanted.indptr[row], wanted.indptr[row + 1])
        missed[own] = ~np.isin(wanted.indices[own], items[row][hit[row]])
    behind = np.full(int(missed.sum()), -np.inf)
    label = np.concatenate([hit[shown], np.ones(len(behind), bool)]).astype(np.int32)
    return Ranking(
        group=np.concatenate([group, users[user[missed]]]),
        label=label,
        scale=Scale(("no", "yes"), True),
        relevance=np.concatenate([place[shown], behind]),
    )


def coverage(items: Ints, n_items: int) -> float:
    """Return the share of all items that stand in at least one of the lists (b, k); -1 is no item."""
    return len(np.unique(items[items >= 0])) / max(n_items, 1)


def gini(items: Ints, n_items: int) -> float:
    """Return how unevenly the lists (b, k) spread over all items: 0 every item as often, near 1 a few take all.

    Sum over items in rising order of (2 rank - m - 1) count / (m total), Gini 1912; as in RecBole's GiniIndex.
    """
    count = np.sort(np.bincount(items[items >= 0], minlength=n_items))
    total = int(count.sum())
    weight = 2 * np.arange(1, n_items + 1) - n_items - 1
    return float((weight * count).sum() / (n_items * total)) if total else float("nan")
