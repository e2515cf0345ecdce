"""Intervals and tests for counts, against worked examples, SciPy and simulation."""

import numpy as np
import pytest
from scipy import stats

from steelyard.acts.intervals import benjamini_hochberg, hypergeometric_p, wilson


@pytest.mark.parametrize(("k", "n"), [(0, 10), (1, 10), (5, 10), (10, 10), (71, 100), (3, 2000)])
def test_wilson_equals_scipy(k: int, n: int) -> None:
    truth = stats.binomtest(k, n).proportion_ci(0.95, method="wilson")
    assert np.allclose(wilson(k, n), truth, atol=1e-12)


def test_wilson_takes_arrays_and_no_trials() -> None:
    low, high = wilson(np.array([0, 5]), np.array([0, 10]))
    assert (low[0], high[0]) == (0.0, 1.0)
    assert (low[1], high[1]) == pytest.approx((0.2366, 0.7634), abs=1e-4)


def test_benjamini_hochberg_equals_scipy_in_any_order() -> None:
    p = np.random.default_rng(0).random(300) ** 3
    assert np.allclose(benjamini_hochberg(p), stats.false_discovery_control(p))
    assert np.allclose(benjamini_hochberg(p[::-1])[::-1], benjamini_hochberg(p))


def test_benjamini_hochberg_by_hand() -> None:
    assert benjamini_hochberg(np.array([0.01, 0.04, 0.03, np.nan, 0.5]))[:3] == pytest.approx(
        [0.04, 0.04 * 4 / 3, 0.04 * 4 / 3]
    )
    assert np.isnan(benjamini_hochberg(np.array([0.01, np.nan]))[1])
    assert len(benjamini_hochberg(np.array([]))) == 0


def test_hypergeometric_p_is_twice_the_smaller_tail_of_scipy() -> None:
    rng = np.random.default_rng(1)
    n = rng.integers(1, 400, 200)
    k = rng.binomial(np.minimum(n, 90), 0.2)
    ours = hypergeometric_p(k, n, 90, 500)
    feasible = k >= n + 90 - 500
    law = stats.hypergeom(500, 90, n)
    truth = np.minimum(1, 2 * np.minimum(law.cdf(k), law.sf(k - 1)))
    assert np.allclose(ours[feasible], truth[feasible], rtol=1e-8)


def test_hypergeometric_p_agrees_with_the_normal_law_in_large_tables() -> None:
    n, flagged, rows = 400_000, 100_000, 2_000_000
    sd = np.sqrt(n * 0.05 * 0.95 * (1 - n / rows))
    p = hypergeometric_p(np.array([20_000 + round(3 * sd), 20_000 - round(3 * sd)]), np.array([n, n]), flagged, rows)
    assert p == pytest.approx([0.0027, 0.0027], rel=0.03)
