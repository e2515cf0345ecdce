"""Gradient-boosted trees on similarity features, small and strongly regularised: labels are noisy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from steelyard.parts.models import Model
from steelyard.values.arrays import AnyArray, Floats, Ints
from steelyard.values.levels import MANY_GRADES, Levels

LEVEL_ROWS = 20_000  # training rows from which the levels of a number are counted
PREDICT_AT_ONCE = 100_000  # rows; scikit-learn makes a float64 copy of what it predicts


@dataclass
class Fitted:
    """Trees and the labels they know; for many grades the levels that turn their number into grades; rows learned."""

    trees: Any
    classes: Ints
    n_classes: int
    levels: Levels | None = None
    rows: int = 0

    def predict(self, x: AnyArray) -> Floats:
        """Return (n, n_classes) float32 probabilities."""
        say = self.trees.predict if self.levels else self.trees.predict_proba
        with _one_thread():
            return np.concatenate([self._outcome(say(x[a:b])) for a, b in _parts(len(x))])

    def staged(self, x: AnyArray) -> Any:
        """Yield (n, n_classes) probabilities after 1, 2, ... rounds."""
        steps = self.trees.staged_predict(x) if self.levels else self.trees.staged_predict_proba(x)
        for step in steps:
            yield self._outcome(step)

    def _outcome(self, raw: Floats) -> Floats:
        if self.levels is not None:
            return self.levels.outcome(raw)
        out = np.full((len(raw), self.n_classes), 1e-6, np.float32)
        out[:, self.classes] = raw
        return out / out.sum(1, keepdims=True)


@dataclass(frozen=True)
class Boosted(Model):
    """Histogram gradient boosting (Ke et al. 2017, as in scikit-learn).

    rounds: trees a class. learning_rate: shrinkage. leaves: leaves a tree. min_leaf: rows a leaf, at least.
    share: share of the features that a split may look at. ridge: L2 penalty of a leaf's value.
    """

    rounds: int = 60
    learning_rate: float = 0.08
    leaves: int = 8
    min_leaf: int = 80
    share: float = 0.2
    ridge: float = 10.0

    def fit(
        self,
        encoded: AnyArray,
        label: Ints,
        classes: int,
        sample_weight: Floats | None = None,
        target: Floats | None = None,
        seed: int = 0,
        positions: Floats | None = None,
    ) -> Fitted:
        """Return fitted trees. encoded: (n, f) codes. Rows with label -1 are left out.

        target: (n, classes) soft labels; each row then stands once a class, weighted by its share (over 1%).
        positions: (classes,) places of ordered grades; from MANY_GRADES grades on they are fitted as a number.
        """
        weight = np.ones(len(label)) if sample_weight is None else np.asarray(sample_weight, float)
        if positions is not None and classes >= MANY_GRADES:
            known = weight > 0 if target is not None else (label >= 0) & (weight > 0)
            soft = np.eye(classes)[label[known]] if target is None else target[known]
            return self._fit_number(encoded[known], soft, weight[known], seed, positions)
        if target is not None:
            row, label = np.nonzero(target > 0.01)
            encoded, weight = encoded[row], weight[row] * target[row, label]
        known = (label >= 0) & (weight > 0)
        x, y, weight = encoded[known], label[known], weight[known]
        seen = np.unique(y)
        if len(seen) < 2 or not x.shape[1]:
            return Fitted(_Constant(np.bincount(y, weight, minlength=classes)[seen].astype(float)), seen, classes)
        from sklearn.ensemble import HistGradientBoostingClassifier

        with _one_thread():
            options = self._options(len(y), seed)
            trees = HistGradientBoostingClassifier(**options).fit(x, y, sample_weight=_needed(weight))
        return Fitted(trees, trees.classes_, classes, rows=len(y))

    def _fit_number(self, x: AnyArray, soft: Floats, weight: Floats, seed: int, positions: Floats) -> Fitted:
        """Fit the expected place on the scale: for squared error a soft label is its mean, no row stands twice."""
        classes = len(positions)
        seen = np.flatnonzero(soft.sum(0) > 0)
        if len(seen) < 2 or not x.shape[1]:
            return Fitted(_Constant((soft * weight[:, None]).sum(0)[seen]), seen, classes)
        from sklearn.ensemble import HistGradientBoostingRegressor

        with _one_thread():
            options = self._options(len(x), seed)
            trees = HistGradientBoostingRegressor(**options).fit(x, soft @ positions, sample_weight=_needed(weight))
            few = slice(None, None, max(1, len(x) // LEVEL_ROWS))
            levels = Levels.of(trees.predict(x[few]), soft[few], weight[few])
        return Fitted(trees, seen, classes, levels, len(x))

    def _options(self, rows: int, seed: int) -> dict[str, Any]:
        return {
            "max_iter": self.rounds,
            "learning_rate": self.learning_rate,
            "max_leaf_nodes": self.leaves,
            "min_samples_leaf": min(self.min_leaf, max(1, rows // 20)),
            "max_features": self.share,
            "l2_regularization": self.ridge,
            "max_bins": 64,
            "early_stopping": False,
            "random_state": seed,
        }


def _one_thread() -> Any:
    """Keep scikit-learn to one thread: two were five times slower on small fits; folds run side by side instead."""
    from threadpoolctl import threadpool_limits

    return threadpool_limits(1, "openmp")


def _needed(weight: Floats) -> Floats | None:
    """Return the weights, or None where all are equal: scikit-learn then bins in half the time."""
    return None if np.all(weight == weight[:1]) else weight


def _parts(rows: int) -> list[tuple[int, int]]:
    return [(a, min(a + PREDICT_AT_ONCE, rows)) for a in range(0, rows, PREDICT_AT_ONCE)] or [(0, 0)]


@dataclass
class _Constant:
    """What can be learned from one label, or from no feature: the shares of the labels."""

    shares: Floats

    def predict_proba(self, x: Floats) -> Floats:
        total = self.shares.sum()
        share = self.shares / total if total > 0 else np.ones(max(len(self.shares), 1))
        return np.tile(share, (len(x), 1))

    def staged_predict_proba(self, x: Floats) -> Any:
        yield self.predict_proba(x)
