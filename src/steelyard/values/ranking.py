"""Ranking: what a model said about judged rows, ready to be measured."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from steelyard.values.arrays import Floats, Ints
from steelyard.values.scale import Scale


@dataclass(frozen=True)
class Ranking:
    """Scores and labels of n rows in q groups.

    group: (n,) int64, any codes; rows of one query share one. label: (n,) int codes into ``scale``,
        -1 = not judged. scale: the labels. relevance: (n,) float, higher = the model ranks it higher (expected
        gain for grades, probability of the last class for two classes). probability: (n, c) per label, or None.
    docid: (n,) strings that break ties as trec_eval does, or None.
    """

    group: Ints
    label: Ints
    scale: Scale
    relevance: Floats
    probability: Floats | None = None
    docid: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.label)

    @cached_property
    def codes(self) -> Ints:
        """(n,) groups as 0..q-1, in rising order of ``group``."""
        return np.unique(self.group, return_inverse=True)[1].astype(np.int64)

    @cached_property
    def n_groups(self) -> int:
        return int(self.codes.max()) + 1 if len(self) else 0
