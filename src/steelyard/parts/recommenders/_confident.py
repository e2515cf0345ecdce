"""A factor model of confidences, and what each interaction has to do with one of its recommendations."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from steelyard.parts.recommenders._factors import Factors
from steelyard.values.arrays import Floats, Ints


@dataclass(frozen=True)
class Confident(Factors):
    """Minimises sum c_ui (p_ui - x_u'y_i)^2 + reg (|x_u|^2 + |y_i|^2) over all pairs; p and c are 1 and at least 1
    where user and item met, else 0 and 1.

    confidence: (u, m) c of the pairs that met.
    """

    confidence: csr_matrix
    reg: float

    def influence(self, user: int, item: int) -> tuple[Ints, Ints, Floats]:
        """Return users (k,), items (k,) and the change (k,) of relevance(user, item) had this pair not met.

        Pairs are those of the user and those of the item, the user's first; no other touches the two vectors at once.
        A positive change: the pair holds the relevance down. It is one Newton step on x_user and y_item with all other
        vectors as they are: -(y, x)' H^-1 (g_without - g_with), H the (2 d, 2 d) block of the Hessian.
        O((k + d) d^2) with X'X and Y'Y made anew. Source: FIA, Cheng et al. 2019, section 3.2, with Hu's confidences.
        """
        x, y = self.user.astype(np.float64), self.item.astype(np.float64)
        d = x.shape[1]
        line, column = self.confidence[[user]], self.confidence[:, [item]].tocoo()
        items, users = line.indices, column.row
        of_user, of_item = line.data.astype(np.float64), column.data.astype(np.float64)
        met = items == item
        c = of_user[met].sum() if met.any() else 1.0
        short = met.any() - x[user] @ y[item]
        block = np.empty((2 * d, 2 * d))
        block[:d, :d] = y.T @ y + (y[items].T * (of_user - 1)) @ y[items] + self.reg * np.eye(d)
        block[d:, d:] = x.T @ x + (x[users].T * (of_item - 1)) @ x[users] + self.reg * np.eye(d)
        block[:d, d:] = c * (np.outer(y[item], x[user]) - short * np.eye(d))
        block[d:, :d] = block[:d, d:].T
        toward = np.linalg.solve(block, np.concatenate([y[item], x[user]]))
        change = np.concatenate(
            [-_without(of_user, y[items] @ x[user]) * (y[items] @ toward[:d] + met * (x[user] @ toward[d:])),
             -_without(of_item, x[users] @ y[item]) * (x[users] @ toward[d:])]
        )  # fmt: skip
        others = np.concatenate([np.ones(len(items), bool), users != user])
        pairs_user = np.concatenate([np.full(len(items), user), users])[others]
        return pairs_user, np.concatenate([items, np.full(len(users), item)])[others], change[others]


def _without(confidence: Floats, relevance: Floats) -> Floats:
    """Return (k,) half the slope, along the relevance, of (0 - relevance)^2 minus that of c (1 - relevance)^2."""
    return relevance + confidence * (1 - relevance)
