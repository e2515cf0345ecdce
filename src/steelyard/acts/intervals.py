"""Intervals and tests for counts: Wilson's, the exact interval, the hypergeometric test, Benjamini and Hochberg."""

from __future__ import annotations

import numpy as np
from scipy.special import betaincinv, gammaln, ndtri, stdtrit

from steelyard.values.arrays import Floats, Ints

#: Terms of a hypergeometric tail are summed over this many standard deviations; what lies beyond is below 1e-30.
REACH = 12
#: Below that many trials a share gets the exact interval.
SMALL = 50


def wilson(k: Floats | int, n: Floats | int, level: float = 0.95) -> tuple[Floats, Floats]:
    """Return (low, high) of Wilson's score interval for a share.

    k: successes, n: trials; numbers or (s,) arrays. level: coverage, 0..1. With n = 0 the interval is 0..1.
    Source: Wilson 1927, JASA 22:209.
    """
    k, n = np.asarray(k, dtype=np.float64), np.asarray(n, dtype=np.float64)
    z2 = float(ndtri(0.5 + level / 2)) ** 2
    size = np.maximum(n, 1.0)
    share = k / size
    centre = (share + z2 / (2 * size)) / (1 + z2 / size)
    half = np.sqrt(z2 * (share * (1 - share) / size + z2 / (4 * size**2))) / (1 + z2 / size)
    low = np.where((n == 0) | (k == 0), 0.0, np.maximum(centre - half, 0.0))
    high = np.where((n == 0) | (k == n), 1.0, np.minimum(centre + half, 1.0))
    return low, high


def clopper_pearson(k: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Return (low, high) of the exact interval for a share of k in n; it covers at least ``level``, never less.

    Source: Clopper and Pearson 1934, Biometrika 26:404.
    """
    tail = (1 - level) / 2
    low = 0.0 if k == 0 else float(betaincinv(k, n - k + 1, tail))
    high = 1.0 if k >= n else float(betaincinv(k + 1, n - k, 1 - tail))
    return low, high


def share(k: int, n: int) -> tuple[float, float]:
    """Return (low, high), 95%, for k in n: Wilson's, and the exact interval below SMALL."""
    if n < SMALL:
        return clopper_pearson(k, n)
    low, high = wilson(k, n)
    return float(low), float(high)


def benjamini_hochberg(p: Floats) -> Floats:
    """Return (s,) adjusted p-values: the smallest false discovery rate at which each test would be reported.

    p: (s,) in 0..1; NaN stays NaN and does not count as a test.
    Source: Benjamini and Hochberg 1995, JRSS B 57:289.
    """
    p = np.asarray(p, dtype=np.float64)
    adjusted = np.full(p.shape, np.nan)
    tested = np.flatnonzero(~np.isnan(p))
    order = tested[np.argsort(p[tested], kind="stable")[::-1]]
    ranks = np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.minimum.accumulate(p[order] * len(order) / ranks), 1.0)
    return adjusted


def hypergeometric_p(k: Floats, n: Floats, flagged: int, rows: int) -> Floats:
    """Return (s,) two-sided p-values for drawing k flagged rows in a slice of n, of ``flagged`` in ``rows`` rows.

    It is twice the smaller tail, at most 1: Fisher's exact test of a slice against the other rows.
    k, n: (s,) whole numbers, 0 <= k <= n <= rows.
    """
    pairs, back = np.unique(np.stack([np.asarray(k), np.asarray(n)]), axis=1, return_inverse=True)
    tails = [_tail(int(a), int(b), flagged, rows) for a, b in pairs.T]
    return np.minimum(2 * np.asarray(tails, dtype=np.float64), 1.0)[back.ravel()]


def _tail(k: int, n: int, flagged: int, rows: int) -> float:
    """The probability of a count at least as far from the mean as k, on k's side of it."""
    mean = n * flagged / rows
    spread = np.sqrt(mean * (1 - flagged / rows) * (rows - n) / max(rows - 1, 1))
    reach = int(REACH * spread) + 60
    first, last = max(0, n + flagged - rows), min(n, flagged)
    counts = np.arange(k, min(k + reach, last) + 1) if k > mean else np.arange(max(k - reach, first), k + 1)
    hits = _log_choose(flagged, counts) + _log_choose(rows - flagged, n - counts)
    return float(np.exp(hits - _log_choose(rows, np.array([n]))).sum())


def _log_choose(n: int, k: Ints) -> Floats:
    return gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)


def over_folds(value: Floats, level: float = 0.95) -> tuple[float, float, float] | None:
    """Return the mean of (k,) values, one a fold, NaN where a fold has none, with Student's interval; None below two.

    The rows of a fold share a model and a reference, so folds are what repeats, not rows.
    """
    value = np.asarray(value, dtype=np.float64)
    value = value[np.isfinite(value)]
    if len(value) < 2:
        return None
    mean = float(value.mean())
    half = float(stdtrit(len(value) - 1, 0.5 + level / 2) * value.std(ddof=1) / np.sqrt(len(value)))
    return mean, mean - half, mean + half
