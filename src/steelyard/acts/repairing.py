"""The noise of a table, estimated from out-of-fold probabilities: how labels get mixed up, and what the truth may be.

Rows are samples, c classes. ``mixing[a, b]`` is P(given label b | true label a), the transition matrix of the
noisy-label literature (Patrini et al. 2017, arXiv 1609.03683). It starts from the confident joint, and is counted
again from every model that was refitted on repaired labels: expectation maximisation with held-out expectations.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from steelyard.values.arrays import Floats, Ints, Mask

TINY = 1e-6


def thresholds(probability: Floats, label: Ints) -> Floats:
    """Return (c,) mean p_c over the rows given c: what is usual for a class; 2 for a class that nobody was given."""
    c = probability.shape[1]
    return np.array([probability[label == k, k].mean() if np.any(label == k) else 2.0 for k in range(c)])


def confident_mixing(probability: Floats, label: Ints) -> Floats:
    """Return (c, c) P(given | true) by confident learning: a row votes for its likeliest class above threshold.

    Source: Northcutt et al. 2021, Confident Learning, eq. 1-3 (the calibrated joint); rows with label -1 do not vote.
    """
    c = probability.shape[1]
    reaches = np.where(probability >= thresholds(probability, label), probability, -1.0)
    votes = (label >= 0) & (reaches.max(1) > 0)
    joint = np.eye(c)
    np.add.at(joint, (label[votes], reaches[votes].argmax(1)), 1.0)
    given = np.bincount(label[label >= 0], minlength=c).astype(float)
    joint *= (given / joint.sum(1))[:, None]
    return _right_more_often_than_not(joint.T + TINY)


def mixing(clean: Floats, label: Ints) -> Floats:
    """Return (c, c) P(given | true) when the true label follows ``clean`` (n, c); label -1 is left out."""
    c = clean.shape[1]
    counts = 0.5 * np.eye(c)
    for given in range(c):
        counts[:, given] += clean[label == given].sum(0)
    return _right_more_often_than_not(counts)


def _right_more_often_than_not(counts: Floats) -> Floats:
    """Return (c, c) rates whose diagonal is at least 1/2: what lies below is the model's weakness, not the noise.

    Without such an assumption noise cannot be told from a model that knows little: any label could be said to be
    mostly wrong. (Menon et al. 2015 and others ask for the same to make noise rates identifiable.)
    """
    rates = counts / counts.sum(1, keepdims=True)
    own = np.diag(rates)
    scale = np.where(own < 0.5, 0.5 / np.maximum(1.0 - own, TINY), 1.0)
    rates = rates * scale[:, None]
    np.fill_diagonal(rates, np.maximum(own, 0.5))
    return rates


def unmixed(probability: Floats, matrix: Floats, rounds: int = 30) -> Floats:
    """Return (n, c) probabilities of the true label whose mixture is ``probability``.

    Multiplicative updates keep them probabilities, where inverting the matrix would not.
    Source: Richardson 1972, JOSA 62:55; Lucy 1974.
    """
    out = probability.astype(np.float64, copy=True)
    for _ in range(rounds):
        out *= (probability / np.maximum(out @ matrix, TINY)) @ matrix.T
        out /= np.maximum(out.sum(1, keepdims=True), TINY)
    return out


def pooled(rounds: Sequence[Floats]) -> Floats:
    """Return (n, c) the geometric mean of what several models say, made probabilities again.

    Source: logarithmic opinion pool, Hinton 2002 (products of experts); one model's chance errors count for less.
    """
    logs = np.zeros(rounds[0].shape)
    for p in rounds:
        logs += np.log(np.maximum(p, TINY))
    logs /= len(rounds)
    out = np.exp(logs - logs.max(1, keepdims=True))
    return out / out.sum(1, keepdims=True)


def posterior(probability: Floats, label: Ints, matrix: Floats) -> Floats:
    """Return (n, c) P(true | text, given) by Bayes; where nothing was given, the probability itself."""
    out = probability.astype(np.float64, copy=True)
    known = label >= 0
    out[known] *= matrix[:, label[known]].T
    total = out.sum(1, keepdims=True)
    return np.divide(out, total, out=probability.astype(np.float64, copy=True), where=total > 0)


def confidently_wrong(probability: Floats, label: Ints) -> Mask:
    """Return (n,) True where another label reaches its own class's usual confidence and the given one does not win.

    Source: Northcutt et al. 2021, Confident Learning, eq. 1 and §3.1 (threshold t_c = mean p_c over rows given c).
    """
    known = label >= 0
    wrong = np.zeros(len(label), bool)
    if not known.any():
        return wrong
    reaches = np.where(probability >= thresholds(probability, label), probability, -1.0)
    best = reaches.argmax(1)
    wrong[known] = (reaches.max(1)[known] > 0) & (best[known] != label[known])
    return wrong
