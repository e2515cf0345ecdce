"""Agreement against the figures of its source; intervals of shares against theirs."""

import numpy as np
import pytest

from steelyard.acts.agreeing import alpha, distances, same
from steelyard.acts.intervals import clopper_pearson, share, wilson
from steelyard.values.scale import Scale

#: Krippendorff 2011, example C: 12 units, 4 observers; 0 is missing.
UNITS = (
    np.array(
        [
            [1, 2, 3, 3, 2, 1, 4, 1, 2, 0, 0, 0],
            [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, 0, 3],
            [0, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, 0],
            [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, 0],
        ]
    ).T
    - 1
)
NAMES = ("1", "2", "3", "4", "5")


@pytest.mark.parametrize(("ordered", "value"), [(False, 0.743), (True, 0.849)])
def test_alpha_is_that_of_its_source(ordered: bool, value: float) -> None:
    assert alpha(UNITS, distances(Scale(NAMES, ordered))) == pytest.approx(value, abs=5e-4)


def test_alpha_of_agreement_chance_and_nothing() -> None:
    both = np.array([[0, 0], [1, 1], [0, 0], [1, 1]])
    classes = distances(Scale(("a", "b"), False))
    assert alpha(both, classes) == 1.0
    drawn = np.random.default_rng(0).integers(0, 2, (4000, 2))
    assert abs(alpha(drawn, classes)) < 0.05
    assert alpha(np.array([[0, -1], [-1, 1]]), classes) is None
    assert alpha(np.zeros((5, 2), int), classes) is None


def test_pairs_by_hand() -> None:
    assert same(np.array([[0, 0, 1], [2, -1, 2], [1, -1, -1]])) == (2, 4)
    assert same(np.full((2, 2), -1)) == (0, 0)


def test_the_exact_interval_covers_at_least_as_often_as_it_says() -> None:
    """Counts of 30 trials at a share of 0.07: the share lies within in 95% of draws or more; ends of 0 and all."""
    draws = np.random.default_rng(0).binomial(30, 0.07, 4000)
    ends = {k: clopper_pearson(int(k), 30) for k in np.unique(draws)}
    assert np.mean([ends[k][0] <= 0.07 <= ends[k][1] for k in draws]) >= 0.95
    assert clopper_pearson(0, 10) == (0.0, pytest.approx(0.3085, abs=1e-4))
    assert clopper_pearson(10, 10) == (pytest.approx(0.6915, abs=1e-4), 1.0)
    assert clopper_pearson(0, 0) == (0.0, 1.0)


def test_small_samples_get_the_exact_interval_and_large_ones_wilsons() -> None:
    assert share(7, 30) == clopper_pearson(7, 30)
    assert share(7, 50) == tuple(float(v) for v in wilson(7, 50))
