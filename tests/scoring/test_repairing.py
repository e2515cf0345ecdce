"""Noise estimates: exact where the truth is known, and a known mixture is undone."""

import numpy as np
import pytest

from steelyard.acts import repairing, scoring
from steelyard.acts.estimating import chance_wrong
from steelyard.features.table import Table

rng = np.random.default_rng(5)
T = np.array([[0.8, 0.2, 0.0], [0.1, 0.7, 0.2], [0.0, 0.1, 0.9]])  # P(given | true)


def sharp(truth: np.ndarray, noise: float = 0.02) -> np.ndarray:
    p = np.full((len(truth), 3), noise / 2)
    p[np.arange(len(truth)), truth] = 1 - noise
    return p


@pytest.fixture
def data() -> tuple[np.ndarray, np.ndarray]:
    truth = rng.integers(0, 3, 30_000)
    given = np.array([rng.choice(3, p=T[t]) for t in truth])
    return truth, given


def test_mixing_counts_the_noise_when_the_truth_is_known(data: tuple[np.ndarray, np.ndarray]) -> None:
    truth, given = data
    np.testing.assert_allclose(repairing.mixing(np.eye(3)[truth], given), T, atol=0.02)


def test_unmixed_undoes_a_mixture() -> None:
    clean = sharp(rng.integers(0, 3, 200))
    np.testing.assert_allclose(repairing.unmixed(clean @ T, T, rounds=3000), clean, atol=0.02)


def test_the_chance_of_being_wrong_leaves_out_labels_that_are_as_good() -> None:
    """By hand, and the same for every round of repair as for the reading: a neighbour on a fine scale is no error."""
    posterior = np.array([[0.2, 0.3, 0.5], [0.7, 0.2, 0.1]])
    distance = np.array([[0.0, 0.1, 1.0], [1.0, 1.0, 0.0]])
    np.testing.assert_allclose(chance_wrong(posterior, distance), [0.5, 0.9])
    table = Table(None, np.zeros((3, 0)), np.array([0, 2, -1]), np.arange(3), 3, np.array([0.0, 0.1, 1.0]))
    both = np.vstack([posterior, posterior[:1]])
    np.testing.assert_allclose(scoring._wrong(both, table), [0.5, 0.9, 0.0])


def test_posterior_is_bayes() -> None:
    p = np.array([[0.5, 0.3, 0.2]])
    slow = p[0] * T[:, 1]
    np.testing.assert_allclose(repairing.posterior(p, np.array([1]), T)[0], slow / slow.sum())


def test_a_row_without_label_keeps_its_probability() -> None:
    p = np.array([[0.5, 0.3, 0.2], [0.1, 0.1, 0.8]])
    np.testing.assert_allclose(repairing.posterior(p, np.array([-1, 2]), T)[0], p[0])


def test_confident_joint_finds_the_noise(data: tuple[np.ndarray, np.ndarray]) -> None:
    truth, given = data
    np.testing.assert_allclose(repairing.confident_mixing(sharp(truth) @ T, given), T, atol=0.03)


def test_confidently_wrong_finds_planted_flips(data: tuple[np.ndarray, np.ndarray]) -> None:
    truth, given = data
    wrong = repairing.confidently_wrong(sharp(truth), given)
    assert np.mean(wrong == (truth != given)) > 0.99


def test_pooled_is_a_geometric_mean_whatever_the_order() -> None:
    a, b = np.array([[0.5, 0.5], [0.9, 0.1]]), np.array([[0.8, 0.2], [0.9, 0.1]])
    both = repairing.pooled([a, b])
    np.testing.assert_allclose(both, [[2 / 3, 1 / 3], [0.9, 0.1]])  # sqrt(.5 x .8) : sqrt(.5 x .2) = 2 : 1
    np.testing.assert_array_equal(both, repairing.pooled([b, a]))
    np.testing.assert_allclose(repairing.pooled([a]), a)
