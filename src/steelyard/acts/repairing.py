"""The noise of a table, estimated from out-of-fold probabilities: how labels get mixed up, and what the truth may be.

Rows are samples, c classes. ``mixing[a, b]`` is P(given label b | true label a), the transition matrix of the
noisy-label literature (Patrini et al. 2017, arXiv 1609.03683). It starts from the confident joint, and is counted
again from every model that was refitted on repaired labels: expectation maximisation with held-out expectations.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from steelyard.acts.intervals import wilson
from steelyard.values.arrays import Floats, Ints, Mask

TINY = 1e-6
#: Of the rows of a label, how many of those surest of it are looked at, and never fewer rows than FEWEST.
SUREST, FEWEST = (0.05, 0.1, 0.2, 0.5, 1.0), 20
#: Of the interval whose lower end is the bound, 1.28 deviations off: nine in ten hold, three in four of the best of
#: five.
LEVEL = 0.7994548640911159
#: How far the bound is followed from 1/2: errors that depend on the row keep away from the surest rows.
FOLLOWED = 0.5


def thresholds(probability: Floats, label: Ints) -> Floats:
    """Return (c,) mean p_c over the rows given c: what is usual for a class; 2 for a class that nobody was given."""
    c = probability.shape[1]
    return np.array([probability[label == k, k].mean() if np.any(label == k) else 2.0 for k in range(c)])


def levelled(probability: Floats, label: Ints, rounds: int = 50, most: int = 200_000) -> Floats:
    """Return (n, c) probabilities with a factor a class, so that their mean is the share of each given label.

    These are the intercepts of greatest likelihood, which a training that stops early has not reached: what it says
    of a rare label is too high, and looks like noise. Rows with label -1 have no say; ``most`` rows, drawn by chance,
    stand for more.
    Source: generalised iterative scaling, Darroch and Ratcliff 1972, Ann. Math. Stat. 43:1470, for intercepts alone.
    """
    known = np.flatnonzero(label >= 0)
    if len(known) > most:
        known = np.random.default_rng(0).choice(known, most, replace=False)
    c = probability.shape[1]
    share = (np.bincount(label[known], minlength=c) + 0.5) / (len(known) + 0.5 * c)
    factor, some = np.ones(c), np.maximum(probability[known], TINY).astype(np.float64)
    for _ in range(rounds if len(known) else 0):
        now = factor * ((1.0 / (some @ factor)) @ some) / len(known)  # their mean, with the factors as they are
        factor *= share / np.maximum(now, TINY)
    out = np.maximum(probability, TINY) * factor
    return out / out.sum(1, keepdims=True)


def kept(probability: Floats, label: Ints, seed: int = 0) -> Floats:
    """Return (c,) how often each true label is given as it is, at the least, as far as rows can tell.

    Of the rows that a model blind to them is surest to be given a, the share that was given a estimates a mean of
    P(given a | text), which is no more than the largest P(given a | true b) of any b: that of a itself, as long as a
    label is right more often than it stands for another. So a weak model cannot take its own doubt for noise. Wilson's
    lower bound of that share, the best over several numbers of rows, is followed FOLLOWED of the way from 1/2; rows
    with label -1 say nothing. probability: (n, c), held out.

    After the anchor points of Liu and Tao 2016 (arXiv 1411.7718) and of Patrini et al. 2017, who take the model's own
    probability at one such row; a share of given labels needs no calibrated model.
    """
    known = np.random.default_rng(seed).permutation(np.flatnonzero(label >= 0))  # equal probabilities in any order
    counts = np.bincount(label[known], minlength=probability.shape[1])
    out = np.full(len(counts), 0.5)
    for a, n in enumerate(counts):
        sizes = sorted({max(FEWEST, int(share * n)) for share in SUREST})
        sizes = [k for k in sizes if k <= len(known)] if n else []
        if sizes:
            most, size = sizes[-1], np.array(sizes)
            said = -probability[known, a]
            first = np.argpartition(said, most - 1)[:most]
            hits = np.cumsum(label[known[first[np.argsort(said[first], kind="stable")]]] == a)
            low, _ = wilson(hits[size - 1], size, LEVEL)
            out[a] = max(0.5, low.max())
    return 0.5 + FOLLOWED * (out - 0.5)


def confident_mixing(probability: Floats, label: Ints, least: Floats) -> Floats:
    """Return (c, c) P(given | true) by confident learning: a row votes for its likeliest class above threshold.

    least: (c,) of ``kept``. Rows with label -1 do not vote.
    Source: Northcutt et al. 2021, Confident Learning, eq. 1-3 (the calibrated joint).
    """
    c = probability.shape[1]
    reaches = np.where(probability >= thresholds(probability, label), probability, -1.0)
    votes = (label >= 0) & (reaches.max(1) > 0)
    joint = np.eye(c)
    np.add.at(joint, (label[votes], reaches[votes].argmax(1)), 1.0)
    given = np.bincount(label[label >= 0], minlength=c).astype(float)
    joint *= (given / joint.sum(1))[:, None]
    return _keeping(joint.T + TINY, least)


def mixing(clean: Floats, label: Ints, least: Floats) -> Floats:
    """Return (c, c) P(given | true) when the true label follows ``clean`` (n, c); label -1 is left out.

    least: (c,) of ``kept``.
    """
    c = clean.shape[1]
    counts = 0.5 * np.eye(c)
    for given in range(c):
        counts[:, given] += clean[label == given].sum(0)
    return _keeping(counts, least)


def _keeping(counts: Floats, least: Floats) -> Floats:
    """Return (c, c) rates whose diagonal is at least ``least`` (c,): what lies below is the model's weakness.

    Without such an assumption noise cannot be told from a model that knows little: any label could be said to be
    mostly wrong. (Menon et al. 2015 and others ask for a diagonal above 1/2 to make noise rates identifiable.)
    """
    rates = counts / counts.sum(1, keepdims=True)
    own = np.diag(rates)
    scale = np.where(own < least, (1.0 - least) / np.maximum(1.0 - own, TINY), 1.0)
    rates = rates * scale[:, None]
    np.fill_diagonal(rates, np.maximum(own, least))
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
