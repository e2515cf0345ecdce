"""Flag lists: the two claims hold over repeated reviews, and each fails when its own correction is taken away."""

import numpy as np
import pytest

from steelyard.acts.flagging import assured, conformal_p, expected, needed

N, RERUNS = 4000, 150


def table(seed: int, wrong: float = 0.1) -> tuple[np.ndarray, np.ndarray]:
    """Return suspicion and wrongness: wrong rows look more suspicious, with much overlap."""
    rng = np.random.default_rng(seed)
    bad = rng.random(N) < wrong
    return 1 / (1 + np.exp(-(rng.normal(size=N) + 3.0 * bad - 2))), bad


def reviews(seed: int, count: int) -> np.ndarray:
    drawn = np.zeros(N, bool)
    drawn[np.random.default_rng(1000 + seed).choice(N, count, replace=False)] = True
    return drawn


def test_p_values_by_hand() -> None:
    suspicion = np.array([0.9, 0.5, 0.1, np.nan, 0.5])
    right = np.array([False, True, True, True, False])
    assert conformal_p(suspicion, right)[[0, 4]].tolist() == [1 / 3, 2 / 3]
    assert np.isnan(conformal_p(suspicion, right)[3])


def test_right_rows_have_p_values_that_are_no_smaller_than_uniform() -> None:
    found = []
    for seed in range(60):
        suspicion, bad = table(seed, 0.0)
        drawn = reviews(seed, 200)
        found.append(np.mean(conformal_p(suspicion, drawn & ~bad)[~drawn] <= 0.05))
    assert np.mean(found) <= 0.055


@pytest.mark.parametrize("q", [0.1, 0.2])
def test_expected_holds_on_average_over_reviews(q: float) -> None:
    suspicion, bad = table(0)
    lists = [expected(suspicion, reviews(s, 600), bad, q).rows for s in range(RERUNS)]
    shares = [np.mean(~bad[rows]) if len(rows) else 0.0 for rows in lists]
    assert np.mean(shares) <= q
    assert np.mean([len(rows) for rows in lists]) > 50


def test_expected_without_the_correction_would_not_hold() -> None:
    """The rows whose p-value alone is small are mostly right: what the test above would not let through."""
    suspicion, bad = table(0, 0.02)
    drawn = reviews(0, 600)
    plain = (conformal_p(suspicion, drawn & ~bad) <= 0.1) & ~drawn
    assert np.mean(~bad[plain]) > 0.5


def test_assured_holds_in_all_but_a_few_reviews() -> None:
    suspicion, bad = table(0)
    lists = [assured(suspicion, reviews(s, 1000), bad, 0.2, 0.95).rows for s in range(RERUNS)]
    shares = np.array([np.mean(~bad[rows]) if len(rows) else 0.0 for rows in lists])
    assert np.mean(shares <= 0.2) >= 0.95
    assert np.mean([len(rows) > 50 for rows in lists]) > 0.5


def test_expected_does_not_hold_in_each_review() -> None:
    """Why there are two claims: the average holds, and single reviews exceed it often."""
    suspicion, bad = table(0)
    lists = [expected(suspicion, reviews(s, 600), bad, 0.1).rows for s in range(RERUNS)]
    assert np.mean([np.mean(~bad[rows]) > 0.1 for rows in lists if len(rows)]) > 0.1


def test_suspicion_that_knows_nothing_lists_nothing() -> None:
    rng = np.random.default_rng(0)
    bad = rng.random(N) < 0.1
    for seed in range(20):
        drawn = reviews(seed, 600)
        assert len(assured(rng.random(N), drawn, bad, 0.2, 0.95).rows) == 0
        assert len(expected(rng.random(N), drawn, bad, 0.1).rows) < 20


def test_reviewed_rows_are_never_listed_and_the_worst_come_first() -> None:
    suspicion, bad = table(2)
    drawn = reviews(2, 1000)
    for found in (expected(suspicion, drawn, bad, 0.2), assured(suspicion, drawn, bad, 0.2, 0.9)):
        assert len(found.rows)
        assert not drawn[found.rows].any()
        assert (np.diff(suspicion[found.rows]) <= 0).all()


def test_needed_is_the_least_number_that_proves_it() -> None:
    count = needed(0.1, 0.05)
    assert count == 29
    assert 0.9**count <= 0.05 < 0.9 ** (count - 1)


def test_no_rows_and_no_reviews() -> None:
    none = np.zeros(0, bool)
    assert len(expected(np.zeros(0), none, none, 0.1).rows) == 0
    assert len(assured(np.zeros(0), none, none, 0.1, 0.95).rows) == 0
    blind = np.zeros(5, bool)
    assert len(expected(np.full(5, 0.9), blind, blind, 0.1).rows) == 0
