"""Placing: where a row's item stands for its user among the items that the user did not take."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse import csr_array

from steelyard.values.arrays import Floats, Ints

#: Of a larger catalogue, this many items drawn by chance stand for all: a place is then right to about 0.008.
REFERENCE = 4096


def places(fitted: Any, seen: csr_array, user: Ints, item: Ints, seed: int = 0, block: int = 256) -> Floats:
    """Return (n,) in 0..1: the share of the items not in ``seen`` that the model puts below ``item`` for ``user``.

    Equal relevance counts one half; half an item is added on either side, so that nothing is certain. It compares
    models whose relevance has no common scale. fitted: a fitted recommender. seen: (u, m) what the user took; the
    row's own item never counts against itself. block: users whose scores exist at once.
    """
    out = np.empty(len(user))
    m = seen.shape[1]
    some = np.arange(m)
    if m > REFERENCE:
        some = np.sort(np.random.default_rng(seed).choice(m, REFERENCE, replace=False))
    order = np.argsort(user, kind="stable")
    asked, starts = np.unique(user[order], return_index=True)
    rows_of = np.split(order, starts[1:])
    taken = seen.tocsr()
    of_some = taken if len(some) == m else taken[:, some].tocsr()
    for first in range(0, len(asked), block):
        users = asked[first : first + block]
        relevance = fitted.scores(users)
        others = np.array(relevance if len(some) == m else relevance[:, some], dtype=np.float32)
        row, column = of_some[users].nonzero()
        others[row, column] = np.inf
        others.sort(axis=1)
        left = len(some) - np.bincount(row, minlength=len(users))
        for place in range(len(users)):
            rows = rows_of[first + place]
            own = relevance[place, item[rows]].astype(np.float32)
            unseen = others[place, : left[place]]
            below, upto = np.searchsorted(unseen, own, "left"), np.searchsorted(unseen, own, "right")
            # an item of the row itself that is not in ``seen`` ties with itself once
            itself = ~np.isin(item[rows], taken.indices[taken.indptr[users[place]] : taken.indptr[users[place] + 1]])
            itself &= np.isin(item[rows], some)
            ties = upto - below - itself
            out[rows] = (below + ties / 2 + 0.5) / (left[place] - itself + 1)
    return out
