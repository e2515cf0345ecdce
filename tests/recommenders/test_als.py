"""Least squares by turns: each user solves its own normal equations; without its package it says what to install."""

import numpy as np
import pytest

from steelyard.errors import EnvironmentProblem
from steelyard.parts.recommenders import als
from steelyard.testing.recommenders import table

ROWS = table()


def test_items_solve_their_normal_equations():
    pytest.importorskip("implicit")
    weight = np.random.default_rng(6).random(len(ROWS)) + 0.5
    weight /= weight.mean()
    fitted = als.Als(embedding_size=3, alpha=2.0, reg=0.1, rounds=60).fit(ROWS, weight)
    met = ROWS.matrix().toarray() > 0
    confidence = 1 + 2.0 * ROWS.matrix(weight).toarray()
    x = fitted.user.astype(float)
    for i in range(ROWS.n_items):
        c = np.where(met[:, i], confidence[:, i], 1.0)
        solved = np.linalg.solve(x.T @ (c[:, None] * x) + 0.1 * np.eye(3), x.T @ (c * met[:, i]))
        np.testing.assert_allclose(fitted.item[i], solved, atol=2e-3)


def test_without_its_package_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(als, "find_spec", lambda name: None)
    with pytest.raises(EnvironmentProblem) as e:
        als.Als().fit(ROWS)
    assert e.value.code == "E241"
    assert "steelyard[recsys]" in e.value.say("en")
