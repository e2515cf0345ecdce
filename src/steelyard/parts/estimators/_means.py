"""Means of a group, drawn towards the mean of all where the group is small."""

from __future__ import annotations

import numpy as np

from steelyard.values.arrays import Floats, Ints


def shrunk(code: Ints, value: Floats, prior: float) -> Floats:
    """Return (n,): the mean of value over the rows of the same code, and ``prior`` rows of the mean of all.

    code: (n,) >= 0. value: (n,) finite. Empirical Bayes with a given strength: small groups say little.
    """
    if not len(value):
        return np.zeros(0)
    count, total = np.bincount(code), np.bincount(code, weights=value)
    return ((total + prior * value.mean()) / (count + prior))[code]


def standardised(code: Ints, value: Floats, prior: float) -> Floats:
    """Return (n,) how many standard deviations of its group a value lies above the group's mean, both shrunk."""
    if not len(value):
        return np.zeros(0)
    mean = shrunk(code, value, prior)
    count, squares = np.bincount(code), np.bincount(code, weights=np.square(value - mean))
    spread = np.sqrt((squares + prior * value.var()) / (count + prior))[code]
    return np.divide(value - mean, spread, out=np.zeros(len(value)), where=spread > 0)


def ranked(value: Floats) -> Floats:
    """Return (n,) the share of rows below, ties in the middle: the empirical distribution, 0..1."""
    order = np.sort(value)
    return (np.searchsorted(order, value, "left") + np.searchsorted(order, value, "right")) / (2 * max(len(value), 1))
