"""Probabilities of classes, and what they are compared with."""

from __future__ import annotations

import numpy as np

from steelyard.values.arrays import Floats, Ints


def softmax(z: Floats) -> Floats:
    """Return the softmax over the last axis, in place."""
    z -= z.max(-1, keepdims=True)
    np.exp(z, out=z)
    z /= z.sum(-1, keepdims=True)
    return z


def one_hot(label: Ints, classes: int) -> Floats:
    """Return (n, c) float32; a row of zeros where the label is -1."""
    out = np.zeros((len(label), classes), np.float32)
    known = np.flatnonzero(label >= 0)
    out[known, label[known]] = 1.0
    return out


def asked(label: Ints, classes: int, sample_weight: Floats | None, target: Floats | None) -> tuple[Floats, Floats]:
    """Return the weights (n,) and targets (n, c) of a fit; rows with label -1 weigh 0 unless a target is given."""
    weight = np.ones(len(label)) if sample_weight is None else np.asarray(sample_weight, np.float64)
    if target is None:
        return weight * (label >= 0), one_hot(label, classes)
    return weight, np.asarray(target, np.float32)


def log_prior(target: Floats, weight: Floats) -> Floats:
    """Return (c,) log of the smoothed class shares: where a model starts that has seen no row."""
    total = weight @ target + 1.0
    return np.log(total / total.sum()).astype(np.float32)
