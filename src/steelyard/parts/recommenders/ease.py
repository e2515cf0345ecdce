"""A linear model of each item from all others, in closed form; with exact scores for users who were left out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.sparse import csc_matrix, csr_matrix

from steelyard.errors import EnvironmentProblem
from steelyard.machine import memory_left
from steelyard.parts.recommenders import Fitted, Recommender, counted
from steelyard.parts.recommenders._history import strengths
from steelyard.values.arrays import Floats, Ints
from steelyard.values.interactions import Interactions

#: Memory with what stands beside the one matrix: some blocks of columns, and the scores of a block of users.
_BESIDE = 1.15
_BLOCK = 1024


@dataclass(frozen=True)
class ByItems:
    """X P through P = (X'X + reg I)^-1, (m, m). history X: (u, m) strengths."""

    history: csr_matrix
    inverse: Floats

    def rows(self, users: Ints) -> Floats:
        """Return (k, m), the rows of X P."""
        return self.history[users] @ self.inverse

    def at(self, user: int, items: Ints) -> Floats:
        """Return (a,) float64, the row of X P of one user at some items."""
        own = slice(self.history.indptr[user], self.history.indptr[user + 1])
        x = self.history.data[own].astype(np.float64)
        return self.inverse[np.ix_(items, self.history.indices[own])] @ x


@dataclass(frozen=True)
class ByUsers:
    """X P through K^-1 = (X X' + reg I)^-1, (k, k) over the known users, since X P = K^-1 X.

    place: (u,) of a user among the known. columns: X of the known users by column.
    """

    history: csr_matrix
    columns: csc_matrix
    inverse: Floats
    place: Ints

    def rows(self, users: Ints) -> Floats:
        """Return (k, m), the rows of X P."""
        return self.inverse[self.place[users]] @ self.history

    def at(self, user: int, items: Ints) -> Floats:
        """Return (a,) float64, the row of X P of one user at some items."""
        return self.inverse[self.place[user]].astype(np.float64) @ self.columns[:, items]


@dataclass(frozen=True)
class Autoencoder(Fitted):
    """history X: (u, m) strengths. product: rows of X P, where P = (X'X + reg I)^-1. diagonal: (m,) of P.

    The item-item weights are B = I - P / diag(P) (column by column), so X B = X - (X P) / diag(P): B is never built.
    """

    history: csr_matrix
    product: ByItems | ByUsers
    diagonal: Floats

    def relevance(self, users: Ints) -> Floats:
        out = self.product.rows(users)
        out /= -self.diagonal
        out += self.history[users].toarray()
        return out.astype(np.float32, copy=False)

    def without(self, users: Ints) -> Floats:
        """Return (k, m) scores of k known users from the model of everybody else: exact, nobody is trained again.

        The users are left out together. With A = P X_U' and M = I - X_U A (k, k), leaving them out turns P into
        P + A M^-1 A' (Woodbury), so X_U P becomes M^-1 A' and diag(P) grows by diag(A M^-1 A'). Use double precision
        where digits matter: M is near 0 for users who are alone with an item.
        """
        own = self.history[np.asarray(users)]
        a = np.asarray(self.product.rows(np.asarray(users)), dtype=np.float64)
        solved = np.linalg.solve(np.eye(len(a)) - np.asarray(own @ a.T), a)
        return own.toarray() - solved / (self.diagonal + np.einsum("km,km->m", a, solved))

    def left_out(self, users: Ints, items: Ints) -> Floats:
        """Return (n,) score of item for known user from the model that has not seen this user; see ``without``.

        With a = P x over the user's items and q = x'a: x_i - a_i / ((1 - q) P_ii + a_i^2). A low score says that other
        users do not lead here: a reading of suspicion by somebody else's evidence.
        """
        users, items, out = np.asarray(users), np.asarray(items), np.empty(len(users))
        order = np.argsort(users, kind="stable")
        asked, starts = np.unique(users[order], return_index=True)
        for user, rows in zip(asked, np.split(order, starts[1:]), strict=True):
            own = slice(self.history.indptr[user], self.history.indptr[user + 1])
            s, x = self.history.indices[own], self.history.data[own].astype(np.float64)
            i = items[rows]
            a = self.product.at(user, np.concatenate([i, s]))
            q, a = x @ a[len(i) :], a[: len(i)]
            out[rows] = (i[:, None] == s) @ x - a / ((1 - q) * self.diagonal[i] + a * a)
        return out


@dataclass(frozen=True)
class Ease(Recommender):
    """Minimises |X - X B|^2 + reg |B|^2 with diag(B) = 0. Source: Steck 2019, eq. 8.

    One matrix is inverted, of items or of users, whichever are fewer; the result is the same. Weights enter by X, the
    root of the weight of each interaction: two items of a user count in the Gram matrix by the geometric mean of their
    weights. The weights of single entries of the loss would need a model for each item.
    reg: on the scale of interactions an item. precision: ``single`` takes 4 bytes an entry, ``double`` twice that.
    Raises EnvironmentProblem E240 when the matrix does not fit into the free memory.
    """

    reg: float = 100.0
    precision: Literal["single", "double"] = "single"

    def learn(self, interactions: Interactions, weight: Floats, seed: int) -> Autoencoder:
        kind = np.float32 if self.precision == "single" else np.float64
        known, popularity = counted(interactions, weight)
        refuse_beyond_memory(interactions.n_items, int(known.sum()), np.dtype(kind).itemsize, memory_left())
        x = strengths(interactions, weight, kind)
        product: ByItems | ByUsers
        if interactions.n_items <= known.sum():
            product = ByItems(x, _inverse(_gram(x.T.tocsr(), self.reg)))
            diagonal = product.inverse.diagonal().copy()
        else:
            of_known = x[np.flatnonzero(known)]
            inverse = _inverse(_gram(of_known, self.reg))
            product = ByUsers(of_known, of_known.tocsc(), inverse, np.cumsum(known) - 1)
            diagonal = _diagonal(product, self.reg)
        return Autoencoder(known, popularity, x, product, diagonal)


def refuse_beyond_memory(items: int, users: int, itemsize: int, available: float) -> None:
    """Raise EnvironmentProblem E240, which says what does fit, when neither (items, items) nor (users, users) does."""
    needed = _BESIDE * itemsize * min(items, users) ** 2
    if needed > available:
        fit = int(np.sqrt(available / (_BESIDE * itemsize)))
        facts = {"items": items, "users": users, "fit": fit}
        raise EnvironmentProblem("E240", needed=needed / 1e9, free=available / 1e9, **facts)


def _gram(x: csr_matrix, reg: float, block: int = _BLOCK) -> Floats:
    """Return x x' + reg I, (r, r) dense for x (r, c), in the precision of x."""
    r = x.shape[0]
    gram = np.empty((r, r), x.dtype)
    other = x.T.tocsr()
    for start in range(0, r, block):
        (x[start : start + block] @ other).toarray(out=gram[start : start + block])
    gram[np.diag_indices(r)] += x.dtype.type(reg)
    return gram


def _diagonal(by: ByUsers, reg: float) -> Floats:
    """Return (m,) diag(P) = (1 - x_i' K^-1 x_i) / reg, with x_i a column of X."""
    x, out = by.columns, np.empty(by.columns.shape[1])
    for i in range(len(out)):
        own = slice(x.indptr[i], x.indptr[i + 1])
        column = x.data[own].astype(np.float64)
        out[i] = 1 - column @ (by.inverse[np.ix_(x.indices[own], x.indices[own])] @ column)
    return (out / reg).astype(by.inverse.dtype)


def _inverse(matrix: Floats, block: int = _BLOCK) -> Floats:
    """Return the inverse of a symmetric positive matrix (m, m) in its own memory, by sweeping out block after block.

    With C the columns of a block outside it and P the inverse of the block itself, a sweep turns C into C P, the block
    into -P, and everything else into itself minus C P C'; when all are swept the matrix is minus its inverse. All
    stays symmetric, so the upper half is enough: m^3 operations as by Cholesky, nearly all in products of blocks.
    (potrf of SciPy 1.17 in place ends in a segmentation fault at 40,981 items.)
    Source: Goodnight 1979, the sweep operator.
    """
    m = len(matrix)
    for start in range(0, m, block):
        own, after = slice(start, start + block), slice(start + block, m)
        column = np.concatenate([matrix[: start + block, own], matrix[own, after].T])
        pivot = np.linalg.inv(column[own].astype(np.float64)).astype(matrix.dtype)
        column[own] = 0
        swept = column @ pivot
        for top in range(0, m, block):
            matrix[top : top + block, top:] -= swept[top : top + block] @ column[top:].T
        matrix[:start, own] = swept[:start]
        matrix[own, after] = swept[after].T
        matrix[own, own] = -pivot
    for start in range(0, m, block):
        own, after = slice(start, start + block), slice(start + block, m)
        corner = np.triu(matrix[own, own])
        matrix[own, own] = -corner - np.triu(corner, 1).T
        np.negative(matrix[own, after], out=matrix[own, after])
        matrix[after, own] = matrix[own, after].T
    return matrix
