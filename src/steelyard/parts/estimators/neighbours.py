"""How far the labels of the rows most alike, of other groups, lie from the given one, on average."""

from dataclasses import dataclass

import numpy as np

from steelyard.parts.estimators import Estimator
from steelyard.values.arrays import Floats
from steelyard.values.signals import Signals


@dataclass(frozen=True)
class Neighbours(Estimator):
    """Mean distance between the given label and those of the nearest rows: their share with another label for classes,
    less for a neighbouring grade; 0 where no neighbour is known.

    Source: k-nearest-neighbour disagreement, Wilson 1972; its wrong labels cluster differently from those that a
    model's loss finds. Measured on dproduct_crowd it finds fewer errors than ``repaired`` and adds nothing to it, so
    it stands beside the default suspicion as evidence and is no part of it (docs/limits.md).
    """

    reading = "suspicion"
    needs = ("given", "distance", "neighbour_label")

    def estimate(self, signals: Signals) -> Floats:
        near, given = signals["neighbour_label"], signals["given"]
        there = near >= 0
        away = np.take_along_axis(signals["distance"], np.maximum(near, 0), axis=1)
        mean = np.where(there, away, 0.0).sum(1) / np.maximum(there.sum(1), 1)
        return np.where(given >= 0, np.clip(mean, 0.0, 1.0), np.nan)
