"""Calibration: honest on rows it did not learn from, never from few reviews, never against the order of suspicion."""

import numpy as np
import pytest

from steelyard.acts.calibrating import ISOTONIC, REVIEWED, calibrate


def crowd(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return suspicion and wrongness where P(wrong) is suspicion squared: far from calibrated."""
    rng = np.random.default_rng(seed)
    suspicion = rng.random(n)
    return suspicion, rng.random(n) < suspicion**2


@pytest.mark.parametrize("reviewed", [60, 400, 4 * ISOTONIC])
def test_the_chance_told_is_the_chance_seen_on_rows_not_reviewed(reviewed: int) -> None:
    suspicion, wrong = crowd(20_000)
    mask = np.arange(20_000) < reviewed
    p, facts = calibrate(suspicion, wrong, mask, np.arange(20_000), seed=1)
    truth = suspicion[~mask] ** 2
    off = np.abs(p[~mask] - truth).mean()
    assert off < {60: 0.12, 400: 0.06}.get(reviewed, 0.03)
    assert off < np.abs(suspicion[~mask] - truth).mean()
    assert facts["method"] == ("isotonic" if reviewed >= ISOTONIC else "platt")
    assert facts["brier"] < facts["brier_plain"]


def test_few_reviews_calibrate_nothing() -> None:
    suspicion, wrong = crowd(500)
    p, facts = calibrate(suspicion, wrong, np.arange(500) < REVIEWED - 1, np.arange(500), seed=1)
    assert np.isnan(p).all()
    assert facts == {}


def test_noise_is_not_taken_for_knowledge_because_no_row_judges_itself() -> None:
    """Wrongness by group only: rows that shared a group with their judge would look well predicted."""
    rng = np.random.default_rng(0)
    group = np.arange(3000) // 150
    suspicion = rng.random(20)[group]
    wrong = (rng.random(20) < 0.5)[group]
    _, facts = calibrate(suspicion, wrong, np.ones(3000, bool), group, seed=1)
    assert facts["brier"] > 0.97 * facts["brier_plain"]


def test_suspicion_that_points_the_wrong_way_gives_the_plain_share() -> None:
    suspicion, wrong = crowd(400)
    p, _ = calibrate(1 - suspicion, wrong, np.ones(400, bool), np.arange(400), seed=1)
    assert np.ptp(p) < 0.1


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_all_right_or_all_wrong(share: float) -> None:
    suspicion, _ = crowd(200)
    p, facts = calibrate(suspicion, np.full(200, share > 0), np.ones(200, bool), np.arange(200), seed=1)
    assert np.isfinite(p).all()
    assert abs(p.mean() - share) < 0.05
    assert facts["wrong"] == 200 * share


def test_higher_suspicion_is_never_a_lower_chance() -> None:
    suspicion, wrong = crowd(5000)
    for reviewed in (100, 3000):
        mask = np.arange(5000) < reviewed
        p, _ = calibrate(suspicion, wrong, mask, np.arange(5000), seed=1)
        rest = p[~mask][np.argsort(suspicion[~mask])]
        assert (np.diff(rest) >= -1e-12).all()


def test_rows_without_a_label_have_no_chance() -> None:
    suspicion, wrong = crowd(200)
    suspicion[:5] = np.nan
    p, facts = calibrate(suspicion, wrong, np.ones(200, bool), np.arange(200), seed=1)
    assert np.isnan(p[:5]).all()
    assert facts["rows"] == 195
    assert sum(b["n"] for b in facts["bins"]) == 195
