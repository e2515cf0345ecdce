"""Noise estimates: exact where the truth is known, and a known mixture is undone."""

import numpy as np
import pytest

from steelyard.acts import repairing, scoring
from steelyard.acts.estimating import chance_wrong
from steelyard.features.table import Table

rng = np.random.default_rng(5)
T = np.array([[0.8, 0.2, 0.0], [0.1, 0.7, 0.2], [0.0, 0.1, 0.9]])  # P(given | true)
HALF = np.full(3, 0.5)


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
    np.testing.assert_allclose(repairing.mixing(np.eye(3)[truth], given, HALF), T, atol=0.02)


def test_what_is_kept_bounds_the_noise_from_the_surest_rows(data: tuple[np.ndarray, np.ndarray]) -> None:
    truth, given = data
    least = 0.5 + (repairing.kept(sharp(truth) @ T, given) - 0.5) / repairing.FOLLOWED
    assert np.all(least <= np.diag(T) + 0.01)
    assert np.all(least >= np.diag(T) - 0.05)


def test_a_weak_model_does_not_take_its_doubt_for_noise() -> None:
    """Clean labels of two kinds that overlap, one rare: what a calibrated model says of them, and what it counts."""
    n = 20_000
    truth = (rng.random(n) < 0.8).astype(int)
    x = rng.normal(size=n) + 1.5 * truth
    q = 1 / (1 + np.exp(-(1.5 * x - 1.125 + np.log(4))))
    p = np.stack([1 - q, q], axis=1)
    assert p[truth == 0, 1].mean() > 0.35, "it doubts the rare kind"
    loose = repairing.mixing(p, truth, HALF[:2])
    tight = repairing.mixing(p, truth, repairing.kept(p, truth))
    assert loose[0, 0] < 0.65
    assert tight[0, 0] > loose[0, 0] + 0.08
    np.testing.assert_allclose(tight.sum(1), 1)
    guess = repairing.kept(np.full((n, 2), 0.5), truth)
    assert guess[0] == 0.5, "equal probabilities say nothing of a rare label"
    assert guess[1] == pytest.approx(0.5 + repairing.FOLLOWED * 0.3, abs=0.01), (
        "and of a frequent one how frequent it is"
    )


def test_what_is_kept_does_not_depend_on_the_order_of_rows_that_are_as_sure() -> None:
    label = np.repeat([0, 1], [300, 700])
    p = np.full((1000, 2), 0.5)
    for order in (np.arange(1000), np.arange(1000)[::-1]):
        assert repairing.kept(p, label[order])[0] == 0.5


def test_rows_without_label_and_labels_without_rows_keep_half(data: tuple[np.ndarray, np.ndarray]) -> None:
    truth, given = data
    some = np.where(np.arange(len(given)) % 2, given, -1)
    wide = np.c_[sharp(truth) @ T, np.zeros(len(truth))]
    least = repairing.kept(wide, some)
    assert least[3] == 0.5
    np.testing.assert_allclose(least[:3], repairing.kept(wide[some >= 0], some[some >= 0])[:3], atol=0.02)
    assert (repairing.kept(np.zeros((5, 2)), np.array([0, 1, 0, 1, 0])) == 0.5).all(), "too few rows to say anything"


def test_levelled_gives_every_label_its_share(data: tuple[np.ndarray, np.ndarray]) -> None:
    truth, given = data
    p = sharp(truth, 0.3) * [3.0, 1.0, 0.5]
    p /= p.sum(1, keepdims=True)
    level = repairing.levelled(p, given)
    share = np.bincount(given) / len(given)
    np.testing.assert_allclose(level.mean(0), share, atol=2e-4)
    odds = np.log(level[:, :2]) - np.log(p[:, :2])
    assert np.ptp(odds[:, 0] - odds[:, 1]) < 1e-9, "one factor a label, the same for every row"
    some = np.where(np.arange(len(given)) < 20_000, given, -1)
    known = np.bincount(given[:20_000]) / 20_000
    np.testing.assert_allclose(repairing.levelled(p, some)[:20_000].mean(0), known, atol=2e-4)
    turns = np.arange(len(given)) % 2
    alike = repairing.levelled(np.full((len(given), 2), 0.5), turns, most=10_000)
    np.testing.assert_allclose(alike, 0.5, atol=0.02)  # rows drawn by chance, not every second one
    every = repairing.levelled(p, given, most=3_000)
    np.testing.assert_allclose(every.mean(0), share, atol=0.03)
    np.testing.assert_allclose(repairing.levelled(p[:4], np.full(4, -1)), p[:4])


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
    np.testing.assert_allclose(repairing.confident_mixing(sharp(truth) @ T, given, HALF), T, atol=0.03)


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
