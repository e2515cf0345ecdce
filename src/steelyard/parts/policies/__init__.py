"""Policy: turns readings into weights (and, for repairs, into targets); NumPy only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from steelyard.values.arrays import Floats
from steelyard.values.readings import Readings
from steelyard.values.weights import Weights


@dataclass(frozen=True)
class Policy:
    """Contract of a policy: subclasses write ``raw``, and ``targets`` if they repair labels.

    needs: names of the readings used. control: True for arms that exist to prove the others (uniform, shuffled).
    interactions: True for those that need what only interactions have.
    """

    interactions: ClassVar[bool] = False
    needs: ClassVar[tuple[str, ...]] = ()
    control: ClassVar[bool] = False

    def raw(self, readings: Readings, progress: float = 1.0) -> Floats:
        """Return (n,) raw importance; progress is the share of training done, 0..1."""
        raise NotImplementedError

    def targets(self, readings: Readings) -> Floats | None:
        """Return (n, c) soft labels where the policy repairs labels, else None."""
        return None

    def weigh(self, readings: Readings, progress: float = 1.0) -> Weights:
        """Return weights >= 0, finite, mean 1 (all 1 when every raw value is 0 or none is finite)."""
        raw = np.asarray(self.raw(readings, progress), dtype=np.float64)
        raw = np.where(np.isfinite(raw), np.maximum(raw, 0.0), 1.0)
        mean = raw.mean() if len(raw) else 0.0
        weight = raw / mean if mean > 0 else np.ones(readings.n)
        columns = {"weight": weight}
        target = self.targets(readings)
        if target is not None:
            columns["target"] = target
        return Weights(readings.row_key, columns)
