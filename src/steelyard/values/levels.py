"""Levels: from a number on a scale of grades to the probability of each grade."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from steelyard.values.arrays import Floats

MANY_GRADES = 6  # from here on a model fits one number on the scale: an output per grade would cost too much
COUNT = 20
PRIOR = 5.0  # rows of the whole table's shares that each level starts with


@dataclass(frozen=True)
class Levels:
    """A smoothed histogram: what was given where the model said ``centres`` (k,), rising, as ``shares`` (k, c)."""

    centres: Floats
    shares: Floats

    @classmethod
    def of(cls, predicted: Floats, target: Floats, weight: Floats | None = None) -> Levels:
        """Count (n, c) targets at COUNT quantiles of the (n,) predictions; each row counts ``weight`` (n,)."""
        weight = np.ones(len(predicted)) if weight is None else weight
        edges = np.unique(np.quantile(predicted, np.linspace(0, 1, COUNT + 1)[1:-1]))
        level = np.searchsorted(edges, predicted)
        k = len(edges) + 1
        mass = np.bincount(level, weight, minlength=k)
        used = np.flatnonzero(mass > 0)
        centres = np.bincount(level, weight * predicted, minlength=k)[used] / mass[used]
        counts = np.stack([np.bincount(level, weight * t, minlength=k) for t in target.T], axis=1)[used]
        counts += PRIOR * counts.sum(0) / max(counts.sum(), 1e-12) + 1e-3
        return cls(centres, counts / counts.sum(1, keepdims=True))

    def outcome(self, predicted: Floats) -> Floats:
        """Return (n, c) float32 probabilities, linear between the centres: no ties where the model makes none."""
        out = [np.interp(predicted, self.centres, share) for share in self.shares.T]
        return np.stack(out, axis=1).astype(np.float32)
