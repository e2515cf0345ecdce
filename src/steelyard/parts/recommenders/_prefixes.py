"""What a user had taken before a row: the history that a text ranker reads."""

from __future__ import annotations

import numpy as np

from steelyard.values.arrays import Ints
from steelyard.values.interactions import Interactions


class Prefixes:
    """The items of every user in the order of time, seen from each row. length: the most that is looked back."""

    def __init__(self, interactions: Interactions, length: int) -> None:
        order = interactions.chronological
        self.item = interactions.item[order]
        self.place = np.empty(len(order), np.int64)
        self.place[order] = np.arange(len(order))
        self.end = np.cumsum(np.bincount(interactions.user, minlength=interactions.n_users))
        self.begin = np.concatenate([[0], self.end[:-1]])
        self.user, self.length = interactions.user, length

    def before(self, rows: Ints) -> Ints:
        """Return (b, length) items that the user of each row took before it, newest last, -1 in front of the first."""
        return self._ending(self.place[rows], self.begin[self.user[rows]])

    def latest(self, users: Ints) -> Ints:
        """Return (b, length) the newest items of each user, newest last, -1 in front of the first."""
        return self._ending(self.end[users], self.begin[users])

    def _ending(self, stop: Ints, begin: Ints) -> Ints:
        place = stop[:, None] + np.arange(-self.length, 0)
        return np.where(place >= begin[:, None], self.item[np.maximum(place, 0)], -1)
