"""The noise of a table, estimated from out-of-fold probabilities: how grades get mixed up, and what the truth may be.

Rows are samples, c classes. ``mixing[a, b]`` is P(given label b | true label a), the transition matrix of the
noisy-label literature (Patrini et al. 2017, arXiv 1609.03683); we estimate it by one step of expectation
maximisation from held-out probabilities instead of anchor points, since crowds leave no anchor.
"""

from __future__ import annotations

import numpy as np

from steelyard.values.arrays import Floats, Ints, Mask


def mixing(probability: Floats, label: Ints) -> Floats:
    """Return (c, c) P(given | true) when the true label follows ``probability`` (n, c); label -1 is left out."""
    known = label >= 0
    c = probability.shape[1]
    counts = np.zeros((c, c))
    for given in range(c):
        counts[:, given] = probability[known & (label == given)].sum(0)
    counts += 1e-6 * max(counts.sum(), 1.0) * np.eye(c) + 1e-9
    return counts / counts.sum(1, keepdims=True)


def posterior(probability: Floats, label: Ints, matrix: Floats) -> Floats:
    """Return (n, c) P(true | text, given) by Bayes; where nothing was given, the probability itself."""
    out = probability.astype(np.float64, copy=True)
    known = label >= 0
    out[known] *= matrix[:, label[known]].T
    total = out.sum(1, keepdims=True)
    return np.divide(out, total, out=probability.astype(np.float64, copy=True), where=total > 0)


def explains(probability: Floats, label: Ints, matrix: Floats) -> float:
    """Return the mean log likelihood (nats) of the given labels under truth times noise; higher is better."""
    known = np.flatnonzero(label >= 0)
    if not len(known):
        return 0.0
    seen = probability[known] @ matrix
    return float(np.log(np.maximum(seen[np.arange(len(known)), label[known]], 1e-12)).mean())


def confidently_wrong(probability: Floats, label: Ints) -> Mask:
    """Return (n,) True where another label reaches its own class's usual confidence and the given one does not win.

    Source: Northcutt et al. 2021, Confident Learning, eq. 1 and §3.1 (threshold t_c = mean p_c over rows given c).
    """
    n, c = probability.shape
    known = label >= 0
    wrong = np.zeros(n, bool)
    if not known.any():
        return wrong
    thresholds = np.array([probability[label == k, k].mean() if np.any(label == k) else 2.0 for k in range(c)])
    reaches = np.where(probability >= thresholds, probability, -1.0)
    best = reaches.argmax(1)
    wrong[known] = (reaches.max(1)[known] > 0) & (best[known] != label[known])
    return wrong
