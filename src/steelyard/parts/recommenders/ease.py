"""A linear model of each item from all others, in closed form; with exact scores for users who were left out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.linalg.lapack import get_lapack_funcs
from scipy.sparse import csr_matrix

from steelyard.errors import EnvironmentProblem
from steelyard.machine import memory_left
from steelyard.parts.recommenders import Fitted, Recommender, counted
from steelyard.parts.recommenders._history import strengths
from steelyard.values.arrays import Floats, Ints
from steelyard.values.interactions import Interactions

#: Memory beside the one matrix: the block of the Gram matrix at hand, and the scores of a block of users.
_BESIDE = 1.15
_ROWS = 512


@dataclass(frozen=True)
class Autoencoder(Fitted):
    """history X: (u, m) strengths. inverse P: (m, m) of X'X + reg I, symmetric.

    The item-item weights are B = I - P / diag(P) (column by column), so X B = X - (X P) / diag(P): B is never built.
    """

    history: csr_matrix
    inverse: Floats

    def relevance(self, users: Ints) -> Floats:
        own = self.history[users]
        out = own @ self.inverse
        out /= -self.inverse.diagonal()
        out += own.toarray()
        return out.astype(np.float32, copy=False)

    def without(self, users: Ints) -> Floats:
        """Return (k, m) scores of k known users from the model of everybody else: exact, nobody is trained again.

        The users are left out together. With A = P X_U' and M = I - X_U A (k, k), leaving them out turns P into
        P + A M^-1 A' (Woodbury), so X_U P becomes M^-1 A' and diag(P) grows by diag(A M^-1 A'). O(k^2 m + k |S| m).
        ``score`` of a user alone is the case k = 1. Use double precision where digits matter: users who fill an item
        alone leave 1 - x'Px close to 0.
        """
        own = self.history[np.asarray(users)]
        a = np.asarray(own @ self.inverse, dtype=np.float64)
        solved = np.linalg.solve(np.eye(len(a)) - np.asarray(own @ a.T), a)
        diagonal = self.inverse.diagonal() + np.einsum("km,km->m", a, solved)
        return own.toarray() - solved / diagonal

    def left_out(self, users: Ints, items: Ints) -> Floats:
        """Return (n,) score of item for user from the model that has not seen this user; see ``without``.

        With a = P[., S] x over the user's items S and q = x'a: x_i - a_i / ((1 - q) P_ii + a_i^2). O(|S| |asked|) a
        user. A low score says that other users do not lead here: a reading of suspicion by somebody else's evidence.
        """
        out = np.empty(len(users))
        diagonal = self.inverse.diagonal().astype(np.float64)
        order = np.argsort(users, kind="stable")
        asked, starts = np.unique(np.asarray(users)[order], return_index=True)
        for user, rows in zip(asked, np.split(order, starts[1:]), strict=True):
            own = slice(self.history.indptr[user], self.history.indptr[user + 1])
            s, x = self.history.indices[own], self.history.data[own].astype(np.float64)
            i = items[rows]
            a = self.inverse[np.ix_(i, s)] @ x
            q = x @ (self.inverse[np.ix_(s, s)] @ x)
            taken = (i[:, None] == s) @ x
            out[rows] = taken - a / ((1 - q) * diagonal[i] + a * a)
        return out


@dataclass(frozen=True)
class Ease(Recommender):
    """Minimises |X - X B|^2 + reg |B|^2 with diag(B) = 0. Source: Steck 2019, eq. 8.

    Weights enter by X, the root of the weight of each interaction: two items of a user count in the Gram matrix by
    the geometric mean of their weights. The weights of single entries of the loss would need a model for each item.
    reg: on the scale of interactions an item. precision: ``single`` takes 4 m^2 bytes, ``double`` twice that.
    Raises EnvironmentProblem E240 when the matrix does not fit into the free memory.
    """

    reg: float = 100.0
    precision: Literal["single", "double"] = "single"

    def learn(self, interactions: Interactions, weight: Floats, seed: int) -> Autoencoder:
        kind = np.float32 if self.precision == "single" else np.float64
        refuse_beyond_memory(interactions.n_items, np.dtype(kind).itemsize, memory_left())
        x = strengths(interactions, weight, kind)
        return Autoencoder(*counted(interactions, weight), x, _inverse(_gram(x, self.reg)))


def refuse_beyond_memory(items: int, itemsize: int, available: float) -> None:
    """Raise EnvironmentProblem E240, which says what does fit, when (items, items) numbers do not."""
    needed = _BESIDE * itemsize * items**2
    if needed > available:
        fit = int(np.sqrt(available / (_BESIDE * itemsize)))
        raise EnvironmentProblem("E240", items=items, needed=needed / 1e9, free=available / 1e9, fit=fit)


def _gram(x: csr_matrix, reg: float) -> Floats:
    """Return X'X + reg I, dense, in the precision of x."""
    m = x.shape[1]
    by_item = x.T.tocsr()
    gram = np.empty((m, m), x.dtype)
    for start in range(0, m, _ROWS):
        (by_item[start : start + _ROWS] @ x).toarray(out=gram[start : start + _ROWS])
    gram[np.diag_indices(m)] += x.dtype.type(reg)
    return gram


def _inverse(gram: Floats) -> Floats:
    """Return the inverse of a symmetric positive matrix in its own memory: Cholesky, then its inverse."""
    potrf, potri = get_lapack_funcs(("potrf", "potri"), (gram,))
    factor, failed = potrf(gram.T, lower=1, overwrite_a=1, clean=0)
    if failed:
        raise np.linalg.LinAlgError(f"X'X + reg I is not positive at item {failed - 1}: raise reg")
    inverse, _ = potri(factor, lower=1, overwrite_c=1)
    inverse = inverse.T
    for start in range(0, len(inverse), _ROWS):
        stop = start + _ROWS
        inverse[stop:, start:stop] = inverse[start:stop, stop:].T
        corner = inverse[start:stop, start:stop]
        corner[...] = np.triu(corner) + np.triu(corner, 1).T
    return inverse
