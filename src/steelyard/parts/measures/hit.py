"""Hit rate: whether the first k places hold a relevant row."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import gammaln

from steelyard.parts.measures import Measure, cut, empty, threshold, ties, unjudged
from steelyard.parts.measures._grades import relevant
from steelyard.parts.measures._lists import lists, settle
from steelyard.values.arrays import Floats
from steelyard.values.ranking import Ranking


@dataclass(frozen=True)
class Hit(Measure):
    """1 if a relevant row stands within the cut, else 0.

    Where the cut goes through n equal scores, R of them relevant, with s places left: the probability
    1 - C(n-R, s) / C(n, s) that one of them is relevant.
    """

    title = "Hit"

    k: int | None = cut()
    rel: str | None = threshold()
    ties: str = ties()
    unjudged: str = unjudged()
    empty: str = empty()

    def per_query(self, ranking: Ranking) -> Floats:
        ranked = lists(ranking, self.ties, self.unjudged)
        is_relevant = relevant(ranking, self.rel, ranked.row)
        has = ranked.per_query(is_relevant) > 0
        last = ranked.first + ranked.size - 1
        k = np.inf if self.k is None else self.k
        sure = ranked.per_query(is_relevant & (last <= k)) > 0
        head = (ranked.rank == ranked.first) & (ranked.first <= k) & (last > k)
        n, R = ranked.size[head], ranked.in_block(is_relevant)[head]
        chance = np.zeros(len(ranked.row))
        chance[head] = 1 - none_relevant(n, R, k - ranked.first[head] + 1.0)
        return settle(np.where(sure, 1.0, ranked.per_query(chance)), np.ones(len(has)), self.empty, has)


def none_relevant(n: Floats, R: Floats, places: Floats) -> Floats:
    """Return the probability that ``places`` drawn from n rows, R of them relevant, hold no relevant one."""
    possible = n - R >= places
    n, R, s = n[possible], R[possible], places[possible]
    chance = np.zeros(len(possible))
    chance[possible] = np.exp(gammaln(n - R + 1) - gammaln(n - R - s + 1) - gammaln(n + 1.0) + gammaln(n - s + 1))
    return np.minimum(chance, 1.0)
