"""Stepping: what a recommender asks at every step, the weights of its rows and of the items drawn against them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from steelyard.values.arrays import Floats, Ints
from steelyard.values.weights import effective_sample_size


@dataclass(frozen=True)
class Inside:
    """Weights by an alpha of the losses of a step. shuffled: deals the same weights out to the wrong rows."""

    alpha: Any
    shuffled: np.random.Generator | None = None

    def __call__(self, rows: Ints, loss: Floats, progress: float) -> Floats:
        return self._weights(loss, progress)

    def drawn(self, loss: Floats, progress: float) -> Floats:
        """Return (k,) weights of items drawn against rows, by their own losses (k,); 1 unless the alpha weighs them."""
        return self._weights(loss, progress) if self.alpha.drawn else np.ones(len(loss))

    def _weights(self, loss: Floats, progress: float) -> Floats:
        raw: Floats = self.alpha.raw({"loss": loss}, progress)
        return raw if self.shuffled is None else self.shuffled.permutation(raw)


@dataclass(frozen=True)
class Noted:
    """own: (n,) weights of the rows, unless ``inside`` decides them. sizes: n_eff / n of every step so far."""

    own: Floats
    inside: Inside | None
    sizes: list[float] = field(default_factory=list)

    def __call__(self, rows: Ints, loss: Floats, progress: float) -> Floats:
        alpha = self.own[rows] if self.inside is None else self.inside(rows, loss, progress)
        self.sizes.append(effective_sample_size(alpha) / max(len(alpha), 1))
        return alpha

    def drawn(self, loss: Floats, progress: float) -> Floats:
        return np.ones(len(loss)) if self.inside is None else self.inside.drawn(loss, progress)
