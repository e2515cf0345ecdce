"""EASE against its textbook form, and users left out against training without them."""

import numpy as np
import pytest

from steelyard.errors import EnvironmentProblem
from steelyard.parts.recommenders import ease
from steelyard.parts.recommenders.ease import Ease
from steelyard.testing.recommenders import NEVER, table

ROWS = table()
WEIGHT = np.random.default_rng(3).random(len(ROWS)) + 0.2


def textbook(x: np.ndarray, reg: float) -> np.ndarray:
    """Return B as Steck writes it: P = (X'X + reg I)^-1, B = I - P diag(1 / diag(P))."""
    p = np.linalg.inv(x.T @ x + reg * np.eye(x.shape[1]))
    return np.eye(len(p)) - p / np.diag(p)


def strength(rows, weight):
    return np.sqrt(rows.matrix(weight / weight.mean()).toarray())


@pytest.mark.parametrize(("precision", "digits"), [("single", 1e-4), ("double", 1e-6)])
@pytest.mark.parametrize("block", [5, 512])
def test_scores_are_those_of_the_textbook(precision, digits, block, monkeypatch):
    monkeypatch.setattr(ease, "_ROWS", block)
    x = strength(ROWS, WEIGHT)
    fitted = Ease(reg=3.0, precision=precision).fit(ROWS, WEIGHT)
    users = np.arange(NEVER)
    np.testing.assert_allclose(fitted.scores(users), (x @ textbook(x, 3.0))[users], atol=digits)
    np.testing.assert_array_equal(fitted.inverse, fitted.inverse.T)


@pytest.mark.parametrize("group", [[0], [7], [3, 12, 21], list(range(0, 40, 2))])
def test_a_user_left_out_is_training_without_the_user(group):
    fitted = Ease(reg=3.0, precision="double").fit(ROWS, WEIGHT)
    x = strength(ROWS, WEIGHT)
    others = np.delete(x, group, axis=0)
    brute = x[group] @ textbook(others, 3.0)
    np.testing.assert_allclose(fitted.without(np.array(group)), brute, atol=1e-9, rtol=1e-9)
    assert np.abs(fitted.without(np.array(group)) - x[group] @ textbook(x, 3.0)).max() > 1e-3


def test_left_out_scores_of_interactions_are_those_of_training_without_their_user():
    fitted = Ease(reg=0.5, precision="double").fit(ROWS, WEIGHT)
    x = strength(ROWS, WEIGHT)
    rng = np.random.default_rng(4)
    asked = rng.permutation(len(ROWS))
    users = np.concatenate([ROWS.user[asked], rng.integers(0, NEVER, 50)])
    items = np.concatenate([ROWS.item[asked], rng.integers(0, ROWS.n_items, 50)])
    brute = np.stack([x[u] @ textbook(np.delete(x, u, axis=0), 0.5) for u in range(NEVER)])
    np.testing.assert_allclose(fitted.left_out(users, items), brute[users, items], atol=1e-9, rtol=1e-9)


def test_a_catalogue_beyond_memory_is_refused_with_what_fits():
    with pytest.raises(EnvironmentProblem) as e:
        ease.refuse_beyond_memory(1_000_000, 4, 20e9)
    assert e.value.code == "E240"
    assert 4000 < e.value.facts["needed"] < 5000
    ease.refuse_beyond_memory(e.value.facts["fit"], 4, 20e9)
    with pytest.raises(EnvironmentProblem):
        ease.refuse_beyond_memory(e.value.facts["fit"] + 1, 4, 20e9)
    assert "item_knn" in e.value.say("en")
    assert "item_knn" in e.value.say("zh")


def test_the_refusal_comes_before_the_memory_is_taken(monkeypatch):
    monkeypatch.setattr(ease, "memory_left", lambda: 100.0)
    with pytest.raises(EnvironmentProblem, match="E240"):
        Ease().fit(ROWS)
