"""Per-sample gradients of a softmax model, in closed form: g_i = x_i (p_i - y_i)^T; nothing is ever built.

For logits z = W^T x and the cross entropy of one sample, dL_i/dW = x_i (p_i - y_i)^T, so that its norm is
|x_i| |p_i - y_i| and its inner product with a direction V (d, c) is (p_i - y_i) . (V^T x_i). With rows of length 1
the norm is the EL2N score of Paul et al. 2021 (arXiv 2107.07075, eq. 2).
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from steelyard.values.arrays import Floats


def residual(probability: Floats, target: Floats) -> Floats:
    """Return (n, c) p - y for (n, c) targets y; 0 in rows without a label, whose target is all 0."""
    return (probability - target) * (target.sum(1) > 0)[:, None]


def norms(x: sp.csr_matrix, r: Floats) -> Floats:
    """Return (n,) lengths of the gradients of rows x (n, d) with residuals r (n, c)."""
    return _lengths(x) * np.sqrt(np.square(r).sum(1))


def total(x: sp.csr_matrix, r: Floats) -> Floats:
    """Return (d, c), the sum of the rows' gradients."""
    return np.asarray(x.T @ r)


def dots(x: sp.csr_matrix, r: Floats, direction: Floats) -> Floats:
    """Return (n,) inner products of every row's gradient with a direction (d, c)."""
    return np.einsum("nc,nc->n", np.asarray(x @ direction), r)


def alignments(x: sp.csr_matrix, r: Floats, reference: Floats, counts_itself: bool = False) -> Floats:
    """Return (n,) cosines of every row's gradient with the reference gradient (d, c).

    counts_itself: the rows are part of the reference; each is taken out of it before it is compared.
    """
    return cosines(dots(x, r, reference), norms(x, r), reference, counts_itself)


def cosines(dot: Floats, norm: Floats, reference: Floats, counts_itself: bool = False) -> Floats:
    """Return what ``alignments`` does of rows whose dots (n,) and norms (n,) are known."""
    own = np.square(norm)
    size = float(np.square(reference).sum())
    size_without = np.full(len(dot), size)
    if counts_itself:
        size_without = np.maximum(size - 2 * dot + own, 0.0)
        dot = dot - own
    scale = np.sqrt(own * size_without)
    return np.divide(dot, scale, out=np.zeros_like(dot), where=scale > 1e-12)


def _lengths(x: sp.csr_matrix) -> Floats:
    return np.sqrt(np.asarray(x.multiply(x).sum(1)).ravel())
