"""Items like those of the user's history: cosine between items, shrunk, the k nearest of each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix, vstack

from steelyard.parts.recommenders import Fitted, Recommender, counted
from steelyard.parts.recommenders._history import strengths
from steelyard.values.arrays import Floats, Ints
from steelyard.values.interactions import Interactions


@dataclass(frozen=True)
class Neighbours(Fitted):
    """history: (u, m) strength of a user with an item. near: (m, m) similarity, k entries a column."""

    history: csr_matrix
    near: csr_matrix

    def relevance(self, users: Ints) -> Floats:
        return (self.history[users] @ self.near).toarray()


@dataclass(frozen=True)
class ItemKnn(Recommender):
    """Relevance of item i for a user is the sum over the user's items j of strength_j times similarity(j, i).

    The similarity is sum_u y_ui y_uj / (|y_i|^target |y_j|^popular + shrink), where y_ui is the strength over the
    power ``active`` of the user's number of interactions.
    k: neighbours kept of each item i. target, popular: 1 and 1 are the cosine; less lets popular items be recommended
    more, or speak louder in a history. active: above 0, users who interact with everything count less. shrink: in
    users of mean y^2, so that a similarity that rests on few users counts less. block: items whose similarities exist
    at once.
    Source: Sarwar et al. 2001; shrinkage as in Dacrema et al. 2019, section 3.2; powers after Aiolli 2013.
    """

    k: int = 100
    shrink: float = 20.0
    target: float = 0.8
    popular: float = 0.9
    active: float = 0.25
    block: int = 2048

    def learn(self, interactions: Interactions, weight: Floats, seed: int) -> Neighbours:
        x = strengths(interactions, weight)
        return Neighbours(*counted(interactions, weight), x, self._near(x))

    def _near(self, x: csr_matrix) -> csr_matrix:
        y = x.copy()
        met = np.maximum(np.asarray(x.multiply(x).sum(axis=1)).ravel(), 1e-12)
        y.data *= np.repeat(met**-self.active, np.diff(x.indptr))
        by_item = y.T.tocsr()
        length = np.sqrt(np.asarray(by_item.multiply(by_item).sum(axis=1)).ravel())
        own, other = length**self.target, length**self.popular
        shrink = self.shrink * float(np.mean(y.data**2))
        kept = []
        for start in range(0, x.shape[1], self.block):
            common = csr_matrix(by_item[start : start + self.block] @ y)
            row = np.repeat(np.arange(common.shape[0]), np.diff(common.indptr))
            common.data /= own[start + row] * other[common.indices] + shrink
            common.data[common.indices == start + row] = 0
            kept.append(nearest(common, self.k))
        return csr_matrix(vstack(kept).T, dtype=np.float32)


def nearest(similarity: csr_matrix, k: int) -> csr_matrix:
    """Return the k highest entries of each row; of equal ones those of the lower columns."""
    row = np.repeat(np.arange(similarity.shape[0]), np.diff(similarity.indptr))
    order = np.lexsort((similarity.indices, -similarity.data, row))
    place = np.arange(len(row)) - similarity.indptr[row[order]]
    kept = order[(place < k) & (similarity.data[order] > 0)]
    return csr_matrix((similarity.data[kept], (row[kept], similarity.indices[kept])), shape=similarity.shape)
