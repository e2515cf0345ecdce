"""EASE against its textbook form, and users left out against training without them."""

import numpy as np
import pytest

from steelyard.errors import EnvironmentProblem
from steelyard.parts.recommenders import ease
from steelyard.parts.recommenders.ease import Ease
from steelyard.testing.recommenders import table

MANY = table()
#: More users than items, so the matrix of items is inverted; and fewer, so that of users is.
TABLES = {"items": MANY, "users": MANY.take((MANY.user < 20) & (MANY.user != 5))}


def weight_of(rows):
    return np.random.default_rng(3).random(len(rows)) + 0.2


def known(rows):
    return np.unique(rows.user)


def made(rows, **options):
    fitted = Ease(**options).fit(rows, weight_of(rows))
    assert isinstance(fitted.product, ease.ByUsers if len(known(rows)) < rows.n_items else ease.ByItems)
    return fitted, np.sqrt(rows.matrix(weight_of(rows) / weight_of(rows).mean()).toarray())


def textbook(x: np.ndarray, reg: float) -> np.ndarray:
    """Return B as Steck writes it: P = (X'X + reg I)^-1, B = I - P diag(1 / diag(P))."""
    p = np.linalg.inv(x.T @ x + reg * np.eye(x.shape[1]))
    return np.eye(len(p)) - p / np.diag(p)


@pytest.mark.parametrize("rows", TABLES.values(), ids=TABLES)
@pytest.mark.parametrize(("precision", "digits"), [("single", 1e-4), ("double", 1e-6)])
def test_scores_are_those_of_the_textbook(rows, precision, digits):
    fitted, x = made(rows, reg=3.0, precision=precision)
    users = known(rows)
    np.testing.assert_allclose(fitted.scores(users), (x @ textbook(x, 3.0))[users], atol=digits)
    np.testing.assert_array_equal(fitted.product.inverse, fitted.product.inverse.T)


@pytest.mark.parametrize("rows", TABLES.values(), ids=TABLES)
@pytest.mark.parametrize("group", [[0], [7], [3, 12, 19], list(range(0, 18, 2))])
def test_a_user_left_out_is_training_without_the_user(rows, group):
    fitted, x = made(rows, reg=3.0, precision="double")
    brute = x[group] @ textbook(np.delete(x, group, axis=0), 3.0)
    np.testing.assert_allclose(fitted.without(np.array(group)), brute, atol=1e-9, rtol=1e-9)
    assert np.abs(fitted.without(np.array(group)) - x[group] @ textbook(x, 3.0)).max() > 1e-3


@pytest.mark.parametrize("rows", TABLES.values(), ids=TABLES)
def test_left_out_scores_of_interactions_are_those_of_training_without_their_user(rows):
    fitted, x = made(rows, reg=0.5, precision="double")
    rng = np.random.default_rng(4)
    asked = rng.permutation(len(rows))
    users = np.concatenate([rows.user[asked], rng.choice(known(rows), 50)])
    items = np.concatenate([rows.item[asked], rng.integers(0, rows.n_items, 50)])
    brute = {u: x[u] @ textbook(np.delete(x, u, axis=0), 0.5) for u in known(rows)}
    expected = [brute[u][i] for u, i in zip(users, items, strict=True)]
    np.testing.assert_allclose(fitted.left_out(users, items), expected, atol=1e-9, rtol=1e-9)


def test_a_catalogue_beyond_memory_is_refused_with_what_fits():
    with pytest.raises(EnvironmentProblem) as e:
        ease.refuse_beyond_memory(1_000_000, 2_000_000, 4, 20e9)
    assert e.value.code == "E240"
    assert 4000 < e.value.facts["needed"] < 5000
    fit = e.value.facts["fit"]
    ease.refuse_beyond_memory(fit, 2_000_000, 4, 20e9)
    ease.refuse_beyond_memory(1_000_000, fit, 4, 20e9)
    with pytest.raises(EnvironmentProblem):
        ease.refuse_beyond_memory(fit + 1, fit + 1, 4, 20e9)
    assert "item_knn" in e.value.say("en")
    assert "item_knn" in e.value.say("zh")


def test_the_refusal_comes_before_the_memory_is_taken(monkeypatch):
    monkeypatch.setattr(ease, "memory_left", lambda: 100.0)
    with pytest.raises(EnvironmentProblem, match="E240"):
        Ease().fit(MANY)


@pytest.mark.parametrize("block", [1, 5, 12, 24, 100])
def test_sweeping_in_blocks_inverts_in_place(block):
    x = np.random.default_rng(8).normal(size=(60, 24))
    matrix = x.T @ x + np.eye(24)
    expected = np.linalg.inv(matrix)
    swept = ease._inverse(matrix, block)
    assert swept is matrix
    np.testing.assert_allclose(swept, expected, atol=1e-12)
    np.testing.assert_array_equal(swept, swept.T)


def test_the_gram_matrix_is_the_same_in_blocks():
    x = ease.strengths(MANY, weight_of(MANY), np.float64).T.tocsr()
    expected = (x @ x.T).toarray() + 2 * np.eye(24)
    for block in (5, 100):
        np.testing.assert_allclose(ease._gram(x, 2.0, block), expected)
