"""Influence of a pair on a recommendation: the Hessian block against small moves, the change against training."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.sparse import csr_matrix

from steelyard.parts.recommenders._confident import Confident

D, REG = 2, 0.7
RNG = np.random.default_rng(7)
MET = RNG.random((12, 9)) < 0.5
CONFIDENCE = np.where(MET, 1 + 3 * RNG.random(MET.shape), 0.0)


def trained() -> Confident:
    """Return a model at its minimum, by plain alternating least squares in double precision."""
    x, y = RNG.normal(size=(12, D)), RNG.normal(size=(9, D))
    c = np.where(MET, CONFIDENCE, 1.0)
    for _ in range(400):
        for a, b, weight, target in ((x, y, c, MET), (y, x, c.T, MET.T)):
            for r in range(len(a)):
                left = (b.T * weight[r]) @ b + REG * np.eye(D)
                a[r] = np.linalg.solve(left, b.T @ (weight[r] * target[r]))
    return Confident(np.ones(12, bool), np.zeros(9), x, y, np.zeros(9), csr_matrix(CONFIDENCE), REG)


FITTED = trained()


def loss(both: np.ndarray, user: int, item: int, without: tuple[int, int] | None = None) -> float:
    """Return half the loss as a function of the vectors of one user and one item (2 d,)."""
    x, y = FITTED.user.copy(), FITTED.item.copy()
    x[user], y[item] = both[:D], both[D:]
    p, c = MET.astype(float), np.where(MET, CONFIDENCE, 1.0)
    if without is not None:
        p[without], c[without] = 0.0, 1.0
    return 0.5 * ((c * (p - x @ y.T) ** 2).sum() + REG * ((x**2).sum() + (y**2).sum()))


def slope(at, user, item, without=None):
    steps = 1e-5 * np.eye(2 * D)
    return np.array([loss(at + s, user, item, without) - loss(at - s, user, item, without) for s in steps]) / 2e-5


@pytest.mark.parametrize("met", [True, False])
def test_the_change_is_one_newton_step_with_the_brute_force_hessian(met):
    for user, item in np.argwhere(met == MET)[:6]:
        at = np.concatenate([FITTED.user[user], FITTED.item[item]])
        steps = 1e-4 * np.eye(2 * D)
        hessian = np.array([slope(at + s, user, item) - slope(at - s, user, item) for s in steps]) / 2e-4
        toward = np.concatenate([FITTED.item[item], FITTED.user[user]])
        users, items, change = FITTED.influence(user, item)
        assert sorted(zip(users, items, strict=True)) == sorted(
            {(user, j) for j in np.flatnonzero(MET[user])} | {(v, item) for v in np.flatnonzero(MET[:, item])}
        )
        for u, i, found in zip(users, items, change, strict=True):
            move = -np.linalg.solve(hessian, slope(at, user, item, (u, i)) - slope(at, user, item))
            np.testing.assert_allclose(found, toward @ move, atol=2e-4)


def test_it_says_which_way_training_without_the_pair_goes():
    """The two vectors trained again without the pair: as far as the influence says, but for the curvature."""
    said, done = [], []
    for user, item in [(0, 1), (3, 4), (7, 2), (5, 8)]:
        at = np.concatenate([FITTED.user[user], FITTED.item[item]])
        for u, i, change in zip(*FITTED.influence(user, item), strict=True):
            again = minimize(loss, at, args=(user, item, (u, i)), method="BFGS", options={"gtol": 1e-5}).x
            said.append(change)
            done.append(again[:D] @ again[D:] - at[:D] @ at[D:])
    assert np.corrcoef(said, done)[0, 1] > 0.85
    assert np.mean(np.sign(said) == np.sign(done)) > 0.85
