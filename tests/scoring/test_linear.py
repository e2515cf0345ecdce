"""The linear model: equalities between ways of weighting, and of many models in one pass with one alone."""

import numpy as np
import scipy.sparse as sp

from steelyard.parts.models.linear import Linear, one_hot

rng = np.random.default_rng(0)
N, D, C = 60, 40, 3
Y = rng.integers(0, C, N)
X = sp.csr_matrix(rng.random((N, D)) * (rng.random((N, D)) < 0.3) + 0.5 * np.eye(D)[Y % D])
T = one_hot(Y, C)
MODEL = Linear(epochs=3, batch_size=16, min_rows=1)


def last(target: np.ndarray, weight: np.ndarray, x: sp.csr_matrix = X, seed: int = 1) -> np.ndarray:
    *_, fitted = MODEL.train(x, target, weight, seed)
    return fitted.predict(x)


def test_uniform_equals_no_weights_bit_for_bit() -> None:
    plain = MODEL.fit(X, Y, C, seed=1).predict(X)
    assert np.array_equal(plain, MODEL.fit(X, Y, C, sample_weight=np.ones(N), seed=1).predict(X))


def test_many_models_in_lock_step_equal_each_alone() -> None:
    weight = rng.random((N, 3)).astype(np.float32)
    together = last(T, weight)
    for m in range(3):
        np.testing.assert_allclose(together[:, m], last(T, weight[:, m : m + 1])[:, 0], rtol=2e-4, atol=1e-6)


def test_weight_zero_equals_leaving_the_row_out_of_the_gradient() -> None:
    weight = np.ones((N, 1), np.float32)
    weight[::2] = 0
    changed = T.copy()
    changed[::2] = np.roll(T[::2], 1, axis=1)
    np.testing.assert_array_equal(last(T, weight), last(changed, weight))


def test_scaling_all_weights_changes_nothing() -> None:
    weight = rng.random((N, 1)).astype(np.float32)
    np.testing.assert_allclose(last(T, weight), last(T, 7 * weight), atol=5e-3)


def test_one_target_a_model_equals_a_shared_target() -> None:
    weight = np.ones((N, 2), np.float32)
    np.testing.assert_array_equal(last(T, weight), last(np.stack([T, T], axis=1), weight))


def test_it_learns_what_is_there() -> None:
    p = MODEL.fit(X, Y, C, seed=0).predict(X)[:, 0]
    assert np.mean(p.argmax(1) == Y) > 0.8
    np.testing.assert_allclose(p.sum(1), 1, rtol=1e-5)


def test_importance_is_asked_before_every_epoch() -> None:
    asked: list[float] = []

    def importance(progress: float) -> np.ndarray:
        asked.append(progress)
        return np.ones((N, 1), np.float32)

    *_, fitted = MODEL.train(X, T, np.zeros((N, 1)), 1, importance)
    assert asked == [0.0, 1 / 3, 2 / 3]
    assert np.abs(fitted.coefficients).max() > 0
