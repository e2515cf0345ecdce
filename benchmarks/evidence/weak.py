"""A weak model of another kind than ours: what it mistakes for what makes the noise that depends on class and row.

For texts, naive Bayes on pairs of characters; for pairs, a few small trees on a third of the similarities. Both learn
from a fifth of the groups and speak of the rest, so that they are weak, and blind to the rows that they speak of.
"""

from __future__ import annotations

import numpy as np

from steelyard.acts.folding import folds
from steelyard.features.table import Table
from steelyard.values.samples import Samples


def probabilities(samples: Samples, table: Table, seed: int) -> np.ndarray:
    """Return (n, c) what the weak model says of each row; table: the samples, encoded. Labels here are the truth."""
    fold = folds(samples.group, 5, 70_000 + seed)
    out = np.empty((len(samples), len(samples.scale)))
    x = _characters(samples) if not table.features.shape[1] else _third(table, seed)
    for learn, speak in ((0, fold != 0), (1, fold == 0)):
        rows = fold == learn
        out[speak] = _fit(x[rows], samples.label[rows], x[speak], out.shape[1], seed)
    return calm(out, samples.label)


def _characters(samples: Samples):
    from sklearn.feature_extraction.text import HashingVectorizer

    counts = HashingVectorizer(analyzer="char", ngram_range=(2, 2), n_features=2**14, norm=None, alternate_sign=False)
    return counts.transform(samples.texts("text"))


def _third(table: Table, seed: int) -> np.ndarray:
    f = table.features.shape[1]
    return table.features[:, np.random.default_rng(seed).permutation(f)[: max(2, f // 3)]]


def _fit(x, y: np.ndarray, of, classes: int, seed: int) -> np.ndarray:
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.naive_bayes import MultinomialNB

    out = np.full((of.shape[0], classes), 1e-9)
    if isinstance(x, np.ndarray):
        model = HistGradientBoostingClassifier(max_iter=15, max_leaf_nodes=4, early_stopping=False, random_state=seed)
    else:
        model = MultinomialNB(alpha=0.3)
    if len(np.unique(y)) < 2:
        out[:, y[:1]] = 1.0
        return out
    model.fit(x, y)
    out[:, model.classes_] = np.maximum(model.predict_proba(of), 1e-9)
    return out


def calm(p: np.ndarray, label: np.ndarray) -> np.ndarray:
    """Return (n, c) p flattened by one temperature, so that it is as sure as it is right: naive Bayes is too sure."""
    right = float((p.argmax(1) == label).mean())
    logs = np.log(p)
    low, high = 0.05, 1000.0
    for _ in range(40):
        t = np.sqrt(low * high)
        low, high = (t, high) if _softmax(logs / t).max(1).mean() > right else (low, t)
    return _softmax(logs / np.sqrt(low * high))


def _softmax(z: np.ndarray) -> np.ndarray:
    e = np.exp(z - z.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)
