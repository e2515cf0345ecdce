"""What the models that read a user's own history have in common: the strength of each user with each item."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix

from steelyard.values.arrays import AnyArray, Floats
from steelyard.values.interactions import Interactions


def strengths(interactions: Interactions, weight: Floats, precision: AnyArray | type = np.float32) -> csr_matrix:
    """Return (u, m): the root of the summed weights of a user's interactions with an item; 1 for one of weight 1.

    With the root, the product of two strengths in the item-item matrix is the geometric mean of two weights, and its
    diagonal the sum of the weights of an item. A pair that is seen twice is one of weight 2.
    """
    x = csr_matrix(interactions.matrix(weight))
    x.data = np.sqrt(x.data)
    x.sort_indices()
    return x.astype(precision)
