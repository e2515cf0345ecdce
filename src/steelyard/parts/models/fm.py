"""Factorisation machine: a weight for every category, and the product of two vectors for every pair of fields."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from steelyard.parts.models import ByEpochs
from steelyard.parts.models._classes import asked, log_prior, softmax
from steelyard.values.arrays import Floats, Ints
from steelyard.values.fields import Fields, of_numbers


@dataclass
class Fitted:
    """intercept: (c,). weight: (w, c) of each column. vectors: (w, c d) of each column, c classes of d numbers."""

    intercept: Floats
    weight: Floats
    vectors: Floats

    def predict(self, encoded: Fields | Floats) -> Floats:
        """Return (n, c) probabilities."""
        x = rows_of(encoded)
        return softmax(self.logits(x, x.multiply(x).tocsr(), self.weight, self.vectors)[0])

    def logits(self, x: sp.csr_matrix, squared: sp.csr_matrix, w: Floats, v: Floats) -> tuple[Floats, Floats]:
        """Return logits (n, c) and the sums (n, c, d) of vectors. Source: Rendle 2010, lemma 3.1."""
        shape = (x.shape[0], len(self.intercept), -1)
        sums = np.asarray(x @ v).reshape(shape)
        pairs = 0.5 * (sums**2 - np.asarray(squared @ v**2).reshape(shape)).sum(2)
        return self.intercept + x @ w + pairs, sums


@dataclass(frozen=True)
class Fm(ByEpochs):
    """Softmax over z_c = b_c + w_c'x + sum of <v_c(i), v_c(j)> x_i x_j over pairs of columns, by AdaGrad.

    Reads ``Fields`` (hashed categories) or dense features. size: d. reg: on weights and vectors of the columns of a
    step. learning_rate: AdaGrad's step. scale: standard deviation of the first vectors.
    Source: Rendle 2010; AdaGrad as in libFFM (Juan et al. 2016).
    """

    size: int = 8
    epochs: int = 8
    batch_size: int = 256
    learning_rate: float = 0.05
    reg: float = 2e-4
    scale: float = 0.02

    def epochs_of(
        self,
        encoded: Fields | Floats,
        label: Ints,
        classes: int,
        sample_weight: Floats | None = None,
        target: Floats | None = None,
        seed: int = 0,
    ) -> Iterator[Fitted]:
        weight, target = asked(label, classes, sample_weight, target)
        x, rng = rows_of(encoded), np.random.default_rng(seed)
        squared = x.multiply(x).tocsr()
        vectors = self.scale * rng.standard_normal((x.shape[1], classes * self.size), np.float32)
        fitted = Fitted(log_prior(target, weight), np.zeros((x.shape[1], classes), np.float32), vectors)
        grown = [np.full_like(table, 1e-6) for table in (fitted.weight, fitted.vectors)]
        for _ in range(self.epochs):
            order = rng.permutation(np.flatnonzero(weight > 0))
            for start in range(0, len(order), self.batch_size):
                rows = order[start : start + self.batch_size]
                self._step(fitted, grown, x[rows], squared[rows], target[rows], weight[rows])
            yield fitted

    def _step(self, fitted: Fitted, grown: list[Floats], x: sp.csr_matrix, squared: sp.csr_matrix, target: Floats,
              alpha: Floats) -> None:  # fmt: skip
        """Take one step on the columns that occur in the batch: theta <- theta - lr * mean_i(alpha_i g_i)."""
        active, place = np.unique(x.indices, return_inverse=True)
        shape = (x.shape[0], len(active))
        x, squared = (sp.csr_matrix((m.data, place, m.indptr), shape=shape) for m in (x, squared))
        w, v = fitted.weight[active], fitted.vectors[active]
        z, sums = fitted.logits(x, squared, w, v)
        pull = ((softmax(z) - target) * (alpha / len(alpha))[:, None]).astype(np.float32)
        wide = np.repeat(pull, self.size, axis=1)
        slope = x.T @ (wide * sums.reshape(len(pull), -1)) - (squared.T @ wide) * v
        self._move(fitted.weight, grown[0], active, x.T @ pull + self.reg * w)
        self._move(fitted.vectors, grown[1], active, slope + self.reg * v)
        fitted.intercept -= 0.1 * self.learning_rate * pull.sum(0)

    def _move(self, table: Floats, grown: Floats, active: Ints, gradient: Floats) -> None:
        grown[active] += gradient**2
        table[active] -= self.learning_rate * gradient / np.sqrt(grown[active])


def rows_of(encoded: Fields | Floats) -> sp.csr_matrix:
    """Return fields or dense features as sparse rows of length 1."""
    return (encoded if isinstance(encoded, Fields) else of_numbers(encoded)).sparse()
