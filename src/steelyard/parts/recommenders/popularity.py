"""The most interacted items for everybody: the floor under every recommender."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from steelyard.parts.recommenders import Fitted, Recommender, counted
from steelyard.values.arrays import Floats, Ints
from steelyard.values.interactions import Interactions


@dataclass(frozen=True)
class Counts(Fitted):
    """The same order of items for every user."""

    def relevance(self, users: Ints) -> Floats:
        return np.broadcast_to(self.popularity, (len(users), len(self.popularity))).copy()


@dataclass(frozen=True)
class Popularity(Recommender):
    """Ranks items by the sum of the weights of their interactions."""

    def learn(self, interactions: Interactions, weight: Floats, seed: int) -> Counts:
        return Counts(*counted(interactions, weight))
