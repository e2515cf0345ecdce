"""Weights for gradient boosting: the shape each library takes, and what becomes of rows of one query."""

import numpy as np
import pytest

from steelyard.bridges.boosting import to_lightgbm, to_xgboost
from steelyard.bridges.sample_weight import per_row
from steelyard.errors import DataError, UsageError
from steelyard.values.weights import Weights

QID = np.repeat([7, 3, 5], [2, 3, 1])
W = np.array([1.0, 3.0, 0.0, 1.5, 1.5, 4.0])


def test_one_weight_a_row() -> None:
    weights = Weights(np.arange(6).astype(object), {"weight": W})
    for given in (W, W.tolist(), weights):
        assert np.array_equal(to_lightgbm(given, 6), W / W.mean())
        assert np.array_equal(to_xgboost(given), W / W.mean())
    assert per_row([]).shape == (0,)


def test_one_weight_a_query_is_the_mean_of_its_rows() -> None:
    mean = np.array([2.0, 1.0, 4.0])
    assert np.allclose(to_xgboost(W, QID, "mean"), mean / mean.mean())
    assert np.allclose(to_xgboost(np.repeat([2.0, 1.0, 4.0], [2, 3, 1]), QID), mean / mean.mean())  # nothing to lose


def test_differing_rows_of_a_query_are_not_merged_without_being_asked() -> None:
    with pytest.raises(UsageError, match=r"U169: 2 of 3 queries.*how='mean'"):
        to_xgboost(W, QID)
    with pytest.raises(UsageError, match="U150"):
        to_xgboost(W, QID, "median")  # type: ignore[arg-type]


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(DataError, match="D187: The rows of 1 queries"):
        to_xgboost(W, np.array([7, 7, 3, 7, 5, 5]), "mean")
    for weights, code in ((W[:4], "D180"), (-W, "D185"), (W * 0, "D185"), (W * np.nan, "D185")):
        with pytest.raises(DataError, match=code):
            to_xgboost(weights, QID, "mean")


def data(n: int = 300) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, 3))
    return x, (x[:, 0] + 0.5 * rng.normal(size=n) > 0).astype(int)


def test_lightgbm_weight_2_is_the_row_twice() -> None:
    lightgbm = pytest.importorskip("lightgbm", reason="lightgbm is not installed")
    x, y = data()
    twice = np.r_[np.arange(300), np.arange(100)]
    weight = to_lightgbm(np.where(np.arange(300) < 100, 2.0, 1.0), 300)
    # LightGBM bins and limits leaves by rows, not by weight; given the same bins and no limit the rest must agree
    plain = {"objective": "binary", "verbose": -1, "min_data_in_leaf": 1, "min_sum_hessian_in_leaf": 0.0, "seed": 1,
             "num_leaves": 4, "num_threads": 1, "deterministic": True, "boost_from_average": True}  # fmt: skip
    bins = lightgbm.Dataset(x, y, params=plain).construct()
    a = lightgbm.train(plain, lightgbm.Dataset(x, y, weight=weight, reference=bins), 10)
    b = lightgbm.train(plain, lightgbm.Dataset(x[twice], y[twice], reference=bins), 10)
    c = lightgbm.train(plain, lightgbm.Dataset(x, y, reference=bins), 10)
    assert np.allclose(a.predict(x), b.predict(x), atol=1e-6)
    assert not np.allclose(a.predict(x), c.predict(x), atol=1e-3)


def test_xgboost_ranks_with_one_weight_a_query() -> None:
    xgboost = pytest.importorskip("xgboost", reason="xgboost is not installed")
    x, y = data()
    qid = np.repeat(np.arange(30), 10)
    raw = np.random.default_rng(1).uniform(0.2, 2.0, 300)
    plain = {"objective": "rank:pairwise", "nthread": 1, "seed": 1, "max_depth": 2}
    with pytest.raises(xgboost.core.XGBoostError):  # why the bridge is there
        xgboost.train(plain, xgboost.DMatrix(x, y, qid=qid, weight=to_lightgbm(raw)), 3)
    weighted = xgboost.train(plain, xgboost.DMatrix(x, y, qid=qid, weight=to_xgboost(raw, qid, "mean")), 3)
    uniform = xgboost.train(plain, xgboost.DMatrix(x, y, qid=qid), 3)
    ones = xgboost.train(plain, xgboost.DMatrix(x, y, qid=qid, weight=to_xgboost(np.ones(300), qid)), 3)
    score = lambda model: model.predict(xgboost.DMatrix(x))  # noqa: E731
    assert np.array_equal(score(ones), score(uniform))
    assert not np.allclose(score(weighted), score(uniform), atol=1e-4)


def test_any_sample_weight_takes_them() -> None:
    from sklearn.linear_model import LogisticRegression

    x, y = data()
    weight = per_row(np.where(np.arange(300) < 100, 2.0, 1.0), 300) * (400 / 300)  # the mean undone: the row twice
    twice = np.r_[np.arange(300), np.arange(100)]
    a = LogisticRegression(tol=1e-10).fit(x, y, sample_weight=weight)
    b = LogisticRegression(tol=1e-10).fit(x[twice], y[twice])
    assert np.allclose(a.coef_, b.coef_, atol=1e-6)
