"""ImportanceScorer: scikit-learn's own checks, planted errors, groups, seeds."""

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.utils.estimator_checks import parametrize_with_checks

from steelyard.acts.folding import folds
from steelyard.bridges.sklearn import ImportanceScorer
from steelyard.errors import UsageError


def data(n: int = 600, wrong: int = 60, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (X, given, true): two bands of three features; the labels of the first ``wrong`` rows are another's."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 5))
    true = (x[:, 0] > 0).astype(int) + (x[:, 1] > 0)
    given = np.where(np.arange(n) < wrong, (true + 1 + rng.integers(0, 2, n)) % 3, true)
    return x, np.array(["bad", "fair", "good"])[given], np.array(["bad", "fair", "good"])[true]


@parametrize_with_checks([ImportanceScorer(folds=2, repairs=0)])
def test_checks_of_scikit_learn(estimator, check) -> None:
    check(estimator)


@pytest.mark.parametrize("sparse", [False, True])
def test_planted_errors_are_found(sparse: bool) -> None:
    x, y, true = data(600, 60) if sparse else data(1500, 150)
    if sparse:
        x = sp.csr_matrix(np.c_[x > 0, x <= 0].astype(float))
    found = ImportanceScorer().fit(x, y)
    wrong = y != true
    order = found.suspicion_[wrong][:, None] > found.suspicion_[~wrong][None]
    assert order.mean() > 0.9
    assert found.importance_[wrong].mean() < found.importance_[~wrong].mean()
    assert found.importance_.mean() == pytest.approx(1)
    assert wrong[found.flagged_].mean() > 0.7
    assert (found.suggested_[wrong] == true[wrong]).mean() > 0.7
    assert found.classes_.tolist() == ["bad", "fair", "good"]


def test_seed_repeats_and_matters() -> None:
    x, y, _ = data(200, 20)
    a, b, c = (ImportanceScorer(random_state=s).fit(x, y).suspicion_ for s in (1, 1, 2))
    assert np.array_equal(a, b)
    assert not np.array_equal(a, c)
    kept = ImportanceScorer(folds=3, policy="prune")
    assert clone(kept).get_params() == kept.get_params()
    assert kept.set_params(folds=4).folds == 4


def test_groups_are_kept_together() -> None:
    """Rows repeated five times with one label each: who reads a row must not have seen its repeats."""
    rng = np.random.default_rng(0)
    x, y = np.repeat(rng.normal(size=(120, 4)), 5, axis=0), np.repeat(rng.integers(0, 2, 120), 5)
    apart = ImportanceScorer(repairs=0).fit(x, y, groups=np.repeat(np.arange(120), 5)).suspicion_
    leaking = ImportanceScorer(repairs=0).fit(x, y).suspicion_
    assert leaking.mean() < apart.mean() - 0.05
    assert len(set(folds(np.repeat(np.arange(120), 5), 5, 0)[:5])) == 1


def test_what_cannot_be_is_refused() -> None:
    x, y, _ = data(60, 0)
    with pytest.raises(ValueError, match="inconsistent"):
        ImportanceScorer().fit(x, y, groups=np.arange(3))
    with pytest.raises(ValueError, match="Unknown label type"):
        ImportanceScorer().fit(x, x[:, 0])
    with pytest.raises(UsageError, match="U105"):
        ImportanceScorer(policy="gait").fit(x, y)
