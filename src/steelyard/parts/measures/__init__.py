"""Measure: what a ranking or a classification is worth; its name prints and parses, like ``ndcg@10[gain=esci]``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from steelyard.values.arrays import Floats
from steelyard.values.ranking import Ranking


@dataclass(frozen=True)
class Measure:
    """Contract of a measure.

    kind: ``ranking`` (a value per query, averaged) or ``rows`` (one value over all rows).
    higher_is_better: False for errors.
    """

    kind: ClassVar[str] = "ranking"
    higher_is_better: ClassVar[bool] = True

    @property
    def name(self) -> str:
        """The full name; ``parse(name)`` gives an equal measure."""
        raise NotImplementedError

    def per_query(self, ranking: Ranking) -> Floats:
        """Return (q,) values in the order of ``ranking.codes``, NaN where the query does not count."""
        raise NotImplementedError

    def overall(self, ranking: Ranking, weight: Floats | None = None) -> float:
        """Return the one number; weight (q,): how often each group counts (a bootstrap's multiplicities)."""
        raise NotImplementedError
