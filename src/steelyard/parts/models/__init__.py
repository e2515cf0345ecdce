"""Model: fits encoded samples with weights, and predicts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from steelyard.values.arrays import Floats, Ints


@dataclass(frozen=True)
class Model:
    """Contract of a model of the quick tier; it is fitted on encoded rows, not on text.

    ``encoded`` is what ``acts.encoding`` makes of Samples (``steelyard.features.Encoded``).
    """

    def fit(
        self,
        encoded: Any,
        label: Ints,
        classes: int,
        sample_weight: Floats | None = None,
        target: Floats | None = None,
        seed: int = 0,
    ) -> Any:
        """Return a fitted model: an object with ``predict(encoded) -> (n, classes)`` probabilities."""
        raise NotImplementedError
