"""Estimator: turns signals into one reading per sample; pure NumPy, no model, no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from steelyard.values.arrays import Floats
from steelyard.values.signals import Signals


@dataclass(frozen=True)
class Estimator:
    """Contract of an estimator.

    reading: ``suspicion`` (0..1, higher = the label is more likely wrong), ``benefit`` (signed, higher = training
        on the row lowers the loss on reference rows) or ``difficulty`` (higher = harder, not worse).
    needs: names from ``steelyard.values.signals.KNOWN`` that must be there.
    interactions: True for those that need what only interactions have; network: what only the full tier records.
    """

    interactions: ClassVar[bool] = False
    network: ClassVar[bool] = False
    reading: ClassVar[Literal["suspicion", "benefit", "difficulty"]]
    needs: ClassVar[tuple[str, ...]] = ()

    def estimate(self, signals: Signals) -> Floats:
        """Return (n,) float64; NaN exactly where the row has no label. Commutes with the order of the rows."""
        raise NotImplementedError
