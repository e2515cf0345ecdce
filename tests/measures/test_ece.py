"""ECE by hand, and for rare clicks."""

import numpy as np
import pytest

from steelyard.parts.measures import parse
from steelyard.values.ranking import Ranking
from steelyard.values.scale import Scale

CLICKS = Scale(("no", "yes"), True)


def clicks(p: np.ndarray, happened: np.ndarray) -> Ranking:
    return Ranking(np.arange(len(p)) // 4, happened.astype(np.int32), CLICKS, p, np.stack([1 - p, p], axis=1))


def test_by_hand() -> None:
    p = np.array([0.1, 0.1, 0.1, 0.1, 0.6, 0.6, 0.6, 0.6])
    happened = np.array([0, 0, 0, 1, 1, 1, 1, 0])
    # low bin: told 0.1, seen 0.25; high bin: told 0.6, seen 0.75
    assert parse("ece").overall(clicks(p, happened)) == pytest.approx(0.15)
    assert parse("ece").per_query(clicks(p, happened)) == pytest.approx([0.15, 0.15])
    happened[0] = 1  # the low bin: told 0.1, seen 0.5
    assert parse("ece").overall(clicks(p, happened)) == pytest.approx((0.4 + 0.15) / 2)


def test_rare_clicks_are_told_apart() -> None:
    rng = np.random.default_rng(0)
    truth = np.where(np.arange(20_000) % 2, 0.002, 0.03)
    happened = (rng.random(20_000) < truth).astype(int)
    right, flat = (parse("ece").overall(clicks(p, happened)) for p in (truth, np.full(20_000, happened.mean())))
    turned = parse("ece").overall(clicks(truth[::-1].copy(), happened))
    assert right < 0.002
    assert flat < 1e-9  # one probability for all is calibrated, and knows nothing
    assert turned > 0.02
