"""Softmax regression on hashed text; many models in one pass, where a fold or an arm is a column of weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from steelyard.parts.models import Model
from steelyard.parts.models._classes import one_hot, softmax
from steelyard.values.arrays import Floats, Ints


@dataclass
class Fitted:
    """m linear models over the same columns: coefficients (d, m, c), intercepts (m, c), ``columns`` (d,) kept."""

    coefficients: Floats
    intercept: Floats
    columns: Ints

    def predict(self, x: sp.csr_matrix) -> Floats:
        """Return (n, m, c) probabilities for rows x (n, all columns)."""
        return softmax(self.logits(narrowed(x, self.columns)))

    def one(self, m: int) -> Fitted:
        """Return the m-th model alone."""
        return Fitted(self.coefficients[:, m : m + 1], self.intercept[m : m + 1], self.columns)

    def logits(self, x: sp.csr_matrix) -> Floats:
        d, m, c = self.coefficients.shape
        return np.asarray(x @ self.coefficients.reshape(d, m * c)).reshape(-1, m, c) + self.intercept


@dataclass(frozen=True)
class Linear(Model):
    """Softmax regression, AdaGrad, one loop for m models in lock-step.

    learning_rate: AdaGrad's step for rows of length 1. epochs: passes over the rows. batch_size: rows a step (at
    most a 40th of the rows). min_rows: a column must occur in that many rows.
    """

    learning_rate: float = 0.5
    epochs: int = 6
    batch_size: int = 2048
    min_rows: int = 2

    def train(
        self,
        x: sp.csr_matrix,
        target: Floats,
        sample_weight: Floats,
        seed: int = 0,
        importance: Callable[[float], Floats] | None = None,
    ) -> Iterator[Fitted]:
        """Train and yield the models after every epoch: theta <- theta - lr * mean_i(alpha_i g_i).

        x: (n, all columns) rows of length 1. target: (n, c) or, per model, (n, m, c), rows summing to 1.
        sample_weight: (n, m) alpha, 0 leaves a row out of a model. importance: progress (0..1) -> (n, m), asked
        before each epoch; it replaces sample_weight. Order and start are those of ``seed``, the same for every
        model, so that models differ by their weights alone. Source of the step size: Duchi et al. 2011, fig. 1.
        """
        n, m, c = x.shape[0], sample_weight.shape[1], target.shape[-1]
        columns = np.flatnonzero(np.bincount(x.indices, minlength=x.shape[1]) >= self.min_rows)
        x = x[:, columns]
        fitted = Fitted(np.zeros((len(columns), m, c), np.float32), _prior(target, sample_weight), columns)
        grown = np.full_like(fitted.coefficients, 1e-6)
        batch = max(1, min(self.batch_size, n // 40 + 1))
        rng = np.random.default_rng(seed)
        for epoch in range(self.epochs):
            alpha = importance(epoch / self.epochs) if importance else sample_weight
            order = rng.permutation(n)
            for start in range(0, n, batch):
                rows = order[start : start + batch]
                self._step(fitted, grown, x[rows], target[rows], alpha[rows])
            yield fitted

    def _step(self, fitted: Fitted, grown: Floats, x: sp.csr_matrix, target: Floats, alpha: Floats) -> None:
        """Take one step on the columns that occur in the batch; the others have no gradient."""
        seen = np.zeros(x.shape[1], bool)
        seen[x.indices] = True
        active = np.flatnonzero(seen)
        x = narrowed(x, active)
        m, c = fitted.intercept.shape
        w = fitted.coefficients[active]
        p = softmax(np.asarray(x @ w.reshape(len(active), m * c)).reshape(-1, m, c) + fitted.intercept)
        y = target[:, None, :] if target.ndim == 2 else target
        size = np.maximum(alpha.sum(0), 1e-12)
        residual = (p - y) * (alpha / size)[:, :, None]
        gradient = np.asarray(x.T @ residual.reshape(-1, m * c).astype(np.float32)).reshape(w.shape)
        grown[active] += gradient * gradient
        fitted.coefficients[active] = w - self.learning_rate * gradient / np.sqrt(grown[active])
        fitted.intercept -= 0.1 * self.learning_rate * residual.sum(0)

    def fit(
        self,
        encoded: sp.csr_matrix,
        label: Ints,
        classes: int,
        sample_weight: Floats | None = None,
        target: Floats | None = None,
        seed: int = 0,
    ) -> Fitted:
        """Return one fitted model; rows with label -1 are left out unless a target is given."""
        weight = np.ones(len(label)) if sample_weight is None else sample_weight
        if target is None:
            weight = weight * (label >= 0)
            target = one_hot(label, classes)
        *_, fitted = self.train(encoded, target, weight[:, None], seed)
        return fitted


def narrowed(x: sp.csr_matrix, columns: Ints) -> sp.csr_matrix:
    """Return x[:, columns] for rising ``columns``: entries elsewhere become explicit zeros, no row is rebuilt."""
    place = np.full(x.shape[1], -1, np.int32)
    place[columns] = np.arange(len(columns), dtype=np.int32)
    found = place[x.indices]
    data = x.data
    if len(columns) < x.shape[1]:
        kept = found >= 0
        data, found = data * kept, np.where(kept, found, 0)
    return sp.csr_matrix((data, found, x.indptr), shape=(x.shape[0], len(columns)))


def _prior(target: Floats, weight: Floats) -> Floats:
    """Return (m, c) log of the smoothed class shares: where a model starts that has seen no text."""
    y = target[:, None, :] if target.ndim == 2 else target
    total = (y * weight[:, :, None]).sum(0) + 1.0
    return np.log(total / total.sum(-1, keepdims=True)).astype(np.float32)
