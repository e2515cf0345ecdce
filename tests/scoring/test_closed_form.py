"""Closed-form gradients equal those of a slow oracle that differentiates the loss number by number."""

import numpy as np
import pytest
import scipy.sparse as sp

from steelyard.gradients import closed_form
from steelyard.parts.models.linear import one_hot

rng = np.random.default_rng(3)
N, D, C = 7, 11, 4
X = sp.random(N, D, 0.5, random_state=1, format="csr")
W = rng.normal(size=(D, C))
Y = np.array([0, 1, 2, 3, 1, 0, -1])


def loss(weights: np.ndarray, row: int) -> float:
    z = X[row].toarray()[0] @ weights
    return float(np.log(np.exp(z).sum()) - z[Y[row]])


def oracle(row: int) -> np.ndarray:
    """The gradient of one row's own loss, by central differences."""
    if Y[row] < 0:
        return np.zeros((D, C))
    out = np.zeros((D, C))
    for d in range(D):
        for c in range(C):
            step = np.zeros((D, C))
            step[d, c] = 1e-5
            out[d, c] = (loss(W + step, row) - loss(W - step, row)) / 2e-5
    return out


@pytest.fixture
def residual() -> np.ndarray:
    z = np.exp(X.toarray() @ W)
    return closed_form.residual(z / z.sum(1, keepdims=True), one_hot(Y, z.shape[1]))


def test_norm_is_the_norm_of_the_materialised_gradient(residual: np.ndarray) -> None:
    slow = [np.linalg.norm(oracle(i)) for i in range(N)]
    np.testing.assert_allclose(closed_form.norms(X, residual), slow, rtol=1e-6, atol=1e-9)


def test_dot_is_the_dot_of_the_materialised_gradient(residual: np.ndarray) -> None:
    direction = rng.normal(size=(D, C))
    slow = [(oracle(i) * direction).sum() for i in range(N)]
    np.testing.assert_allclose(closed_form.dots(X, residual, direction), slow, rtol=1e-6, atol=1e-9)


def test_sum_over_rows_is_the_batch_gradient(residual: np.ndarray) -> None:
    np.testing.assert_allclose(closed_form.total(X, residual), sum(oracle(i) for i in range(N)), rtol=1e-6, atol=1e-8)


def test_alignment_leaves_the_row_out_of_its_own_reference(residual: np.ndarray) -> None:
    total = closed_form.total(X, residual)
    found = closed_form.alignments(X, residual, total, counts_itself=True)
    for i in range(N - 1):
        others = total - oracle(i)
        slow = (oracle(i) * others).sum() / (np.linalg.norm(oracle(i)) * np.linalg.norm(others))
        assert found[i] == pytest.approx(slow, abs=1e-6)
    assert found[-1] == 0.0  # no label, no gradient
