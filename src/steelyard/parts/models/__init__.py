"""Model: fits encoded samples with weights, and predicts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from steelyard.values.arrays import Floats, Ints


@dataclass(frozen=True)
class Model:
    """Contract of a model: it gives ``fit`` (quick models, on sparse or dense rows) or ``learner`` (networks)."""

    def ready(self) -> None:
        """Raise EnvironmentProblem when what it needs is not installed."""

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

    def learner(self, task: Any, encoded: Any, outputs: int, recipe: Any, steps: int) -> Any:
        """Return what takes one step at a time: ``look(rows, needs)``, ``move(alpha, rate)``, ``predict(rows)``."""
        raise NotImplementedError


@dataclass(frozen=True)
class ByEpochs(Model):
    """A model that shows itself after every epoch, so that an arm can keep its best; ``fit`` returns the last."""

    def epochs_of(
        self,
        encoded: Any,
        label: Ints,
        classes: int,
        sample_weight: Floats | None = None,
        target: Floats | None = None,
        seed: int = 0,
    ) -> Iterator[Any]:
        """Yield the model after every epoch; it is one model, which the next epoch changes.

        Rows with label -1 are left out unless a target is given.
        """
        raise NotImplementedError

    def fit(
        self,
        encoded: Any,
        label: Ints,
        classes: int,
        sample_weight: Floats | None = None,
        target: Floats | None = None,
        seed: int = 0,
    ) -> Any:
        *_, fitted = self.epochs_of(encoded, label, classes, sample_weight, target, seed)
        return fitted
