"""scikit-learn: importance and suspicion of every row of (X, y), read by models that never saw the row."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import scipy.sparse as sp
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_consistent_length, validate_data

from steelyard import parts
from steelyard.acts import estimating, scoring
from steelyard.acts.encoding import InMemory
from steelyard.features.similarity import coded
from steelyard.features.table import Table
from steelyard.values.scale import Scale

#: Estimators that look at a table's texts and ids, which arrays do not have.
WITHOUT = ("neighbours", "contradiction")


class ImportanceScorer(BaseEstimator):
    """Out-of-fold reading of given features, as ``steelyard score`` reads a table: boosted trees for dense X, softmax
    regression on rows of length 1 for sparse X.

    folds: parts of the groups that are held out in turn. repairs: times the model is refitted on repaired labels.
    policy: Policy part that makes importance of the readings. ordered: True when y holds grades, worst lowest.
    random_state: of folds and models.

    After ``fit``: ``importance_`` (n,) weights of mean 1, for ``sample_weight``; ``suspicion_`` (n,) 0..1, higher = the
    label is more likely wrong; ``difficulty_`` (n,); ``flagged_`` (n,) rows to look at; ``suggested_`` (n,) likeliest
    label; ``readings_`` with all of them and one column an estimator; ``classes_``, ``n_features_in_``.
    """

    def __init__(
        self,
        *,
        folds: int = 5,
        repairs: int = 2,
        policy: str = "gate",
        ordered: bool = False,
        random_state: Any = 7,
    ) -> None:
        self.folds = folds
        self.repairs = repairs
        self.policy = policy
        self.ordered = ordered
        self.random_state = random_state

    def fit(self, X: Any, y: Any, groups: Any = None) -> Self:
        """Read every row. X: (n, f), NaN allowed when dense. y: (n,) labels. groups: (n,) what folds must not split."""
        X, y = validate_data(self, X, y, accept_sparse="csr", ensure_all_finite="allow-nan", ensure_min_samples=2)
        check_classification_targets(y)
        self.classes_, label = np.unique(y, return_inverse=True)
        groups = np.arange(len(label)) if groups is None else groups
        check_consistent_length(X, groups)
        group = np.unique(np.asarray(groups), return_inverse=True)[1].astype(np.int64)
        scale = Scale(tuple(str(c) for c in self.classes_), bool(self.ordered))
        table = _table(X, label.astype(np.int32), group, scale)
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        linear, boosted = parts.make("models", "linear"), parts.make("models", "boosted")
        found = scoring.measure(table, linear, boosted, seed=seed, k=self.folds, repairs=self.repairs, marks=False)
        signals = scoring.as_signals(np.array([str(i) for i in range(len(label))], object), table, found)
        asked = [name for name in parts.of_samples("estimators") if name not in WITHOUT]
        able = {name: parts.make("estimators", name) for name in asked}
        self.readings_ = estimating.read_out(signals, able)
        self.importance_ = parts.make("policies", self.policy).weigh(self.readings_).weight
        self.suspicion_ = self.readings_["suspicion"]
        self.difficulty_ = self.readings_["difficulty"]
        self.flagged_ = self.readings_["flagged"]
        self.suggested_ = self.classes_[self.readings_["posterior"].argmax(1)]
        return self

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = True
        tags.target_tags.required = True
        return tags


def _table(X: Any, label: Any, group: Any, scale: Scale) -> Table:
    """Return what the quick models see: codes of dense columns, or sparse rows brought to length 1."""
    positions = scale.positions if scale.ordered else None
    if not sp.issparse(X):
        codes = coded((X[:, j].astype(np.float64) for j in range(X.shape[1])), len(X))
        return Table(None, codes, label, group, len(scale), positions)
    length = np.sqrt(np.asarray(X.multiply(X).sum(1)).ravel())
    rows = sp.diags(1 / np.where(length > 0, length, 1)) @ X
    text = InMemory(sp.csr_matrix(rows, dtype=np.float32))
    return Table(text, np.zeros((X.shape[0], 0), np.uint8), label, group, len(scale), positions)
