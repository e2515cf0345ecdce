"""Recalling: full ranking of every item for every user, in blocks of users, measured a user at a time."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.sparse import csr_array

from steelyard.values.arrays import Floats, Ints

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
