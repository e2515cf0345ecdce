"""Ranking: what a model said about judged rows, ready to be measured."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from steelyard.errors import DataError
from steelyard.values.arrays import Floats, Ints, Mask
from steelyard.values.scale import Scale


@dataclass(frozen=True, eq=False)
class Ranking:
    """Scores and labels of n rows in q groups.

    group: (n,) int64, any codes; rows of one query share one. label: (n,) int codes into ``scale``,
        -1 = not judged. scale: the labels. relevance: (n,) float, higher = the model ranks it higher (expected
        gain for grades, probability of the last class for two classes). probability: (n, c) per label, or None.
    docid: (n,) strings that break ties as trec_eval does, or None.
    Raises ValueError for shapes that do not agree, DataError D160 for relevance or probability that is not a
    number, D161 for labels outside the scale; infinite relevance is a legal place in a list.
    """

    group: Ints
    label: Ints
    scale: Scale
    relevance: Floats
    probability: Floats | None = None
    docid: np.ndarray | None = None

    def __post_init__(self) -> None:
        n, c = len(self.label), len(self.scale)
        shapes = {"group": (n,), "relevance": (n,), "probability": (n, c), "docid": (n,)}
        for name, shape in shapes.items():
            given = getattr(self, name)
            if given is not None and np.shape(given) != shape:
                raise ValueError(f"{name} has shape {np.shape(given)}, expected {shape}")
        outside = (self.label < -1) | (self.label >= c)
        if outside.any():
            raise DataError("D161", count=int(outside.sum()), first=int(np.argmax(outside)), labels=c)
        for name in ("relevance", "probability"):
            given = getattr(self, name)
            if given is not None:
                missing = np.isnan(given).reshape(n, -1).any(axis=1) if n else np.zeros(0, dtype=bool)
                if missing.any():
                    raise DataError("D160", what=name, count=int(missing.sum()), rows=n, first=int(np.argmax(missing)))

    def __len__(self) -> int:
        return len(self.label)

    @cached_property
    def codes(self) -> Ints:
        """(n,) groups as 0..q-1, in rising order of ``group``."""
        return np.unique(self.group, return_inverse=True)[1].astype(np.int64)

    @cached_property
    def n_groups(self) -> int:
        return int(self.codes.max()) + 1 if len(self) else 0

    @cached_property
    def judged(self) -> Mask:
        """(n,) True where the row has a label."""
        return np.asarray(self.label >= 0)

    @cached_property
    def order(self) -> Ints:
        """(n,) rows by group, then best first; equal scores stay in the order of the rows."""
        return np.lexsort((-np.asarray(self.relevance, dtype=float), self.codes))
