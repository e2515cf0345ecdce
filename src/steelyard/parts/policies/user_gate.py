"""Lower the most doubted part of each user's own interactions, softly, down to 0.05."""

from dataclasses import dataclass

import numpy as np

from steelyard.parts.policies import Policy
from steelyard.values.arrays import Floats
from steelyard.values.readings import Readings


@dataclass(frozen=True)
class UserGate(Policy):
    """w = floor + (1 - floor) sigmoid((1 - part - rank) / width), rank 0..1 of the suspicion among the user's rows.

    Every user keeps most of what it did, so that active or unusual users do not pay for all. part: share of rows that
    is lowered. Users of fewer than 1 / part rows are ranked among all rows. Robust gate P1 of our methods page with
    the threshold per user (PLD, WWW 2025: losses part within users).
    """

    interactions = True
    needs = ("suspicion", "user")

    part: float = 0.2
    floor: float = 0.05
    width: float = 0.05

    def raw(self, readings: Readings, progress: float = 1.0) -> Floats:
        doubt, user = np.nan_to_num(readings["suspicion"], nan=0.0), readings["user"]
        rank = _within(np.zeros(len(user), np.int64), doubt)
        many = np.bincount(user)[user] * self.part >= 1
        rank[many] = _within(user, doubt)[many]
        return self.floor + (1 - self.floor) / (1 + np.exp((rank - (1 - self.part)) / self.width))


def _within(group: np.ndarray, value: Floats) -> Floats:
    """Return (n,) the place of a value among those of its group, 0..1, ties in the middle."""
    if not len(value):
        return np.zeros(0)
    order = np.lexsort((value, group))
    starts = np.r_[True, (group[order][1:] != group[order][:-1]) | (value[order][1:] != value[order][:-1])]
    block = np.cumsum(starts) - 1
    size = np.bincount(block)
    count = np.bincount(group)
    first = (np.cumsum(size) - size) - (np.cumsum(count) - count)[group[order][starts]]
    out = np.empty(len(value))
    out[order] = (first + size / 2)[block] / count[group[order]]
    return out
