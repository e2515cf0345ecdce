"""The pairwise loss of Rendle et al. 2009 and its gradient: an item met above an item not met."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from steelyard.values.arrays import Floats

#: Gradients (b, d) of the vectors of the user, of the item met and of the item not met.
Pulls = tuple[Floats, Floats, Floats]


def pairwise(alpha: Callable[[Floats], Floats], x: Floats, met: Floats, other: Floats) -> tuple[Floats, Floats, Pulls]:
    """Return the losses -log sigmoid(x'(met - other)) (b,), their weights (b,), and gradients (b, d) of their mean.

    x, met, other: (b, d). alpha: losses (b,) -> weights (b,); the gradient of row i is alpha_i g_i / b.
    """
    apart = met - other
    margin = np.einsum("nd,nd->n", x, apart)
    loss = np.logaddexp(0, -margin)
    weight = alpha(loss)
    pull = (-weight * np.exp(-np.logaddexp(0, margin)) / len(x))[:, None]
    by_item = pull * x
    return loss, weight, (pull * apart, by_item, -by_item)
