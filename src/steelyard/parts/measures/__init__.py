"""Measure: what a ranking or a classification is worth; its name prints and parses, like ``ndcg@10[gain=esci]``.

A measure is a file here. Its fields are its options; a field ``k`` is the cut behind ``@``, a field ``rel`` the
threshold ``rel>=E``. A group is what the bootstrap draws: one query with all its rows.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from steelyard.errors import UsageError, nearest
from steelyard.parts.measures._grammar import parse, short, written
from steelyard.parts.measures._like import like
from steelyard.parts.measures._lists import tie_rate
from steelyard.parts.measures._pages import about, describe_all, overview
from steelyard.parts.measures._weights import as_weights, in_batches
from steelyard.values.arrays import AnyArray, Floats
from steelyard.values.ranking import Ranking

__all__ = [
    "Measure",
    "about",
    "as_weights",
    "describe_all",
    "like",
    "option",
    "overview",
    "parse",
    "short",
    "tie_rate",
]


def option(default: Any, help: str, choices: Sequence[str] = ()) -> Any:
    """Return a field of a measure: its default, one line of help, and the words it takes ('' = any)."""
    return dataclasses.field(default=default, metadata={"help": help, "choices": tuple(choices)})


def cut() -> Any:
    return option(None, "how many places of the list count, written `@10`; none: the whole list")


def threshold() -> Any:
    return option(None, "a row is relevant from this label on (name, or number of the grade); none: above the worst")


def ties() -> Any:
    return option(
        "avg",
        "equal scores: `avg` the expected value over all their orders, `trec` by docid, descending, scores as "
        "float32 (trec_eval), `first` by order of the rows",
        ("avg", "trec", "first"),
    )


def unjudged() -> Any:
    return option(
        "zero",
        "rows without a label: `zero` keeps them as not relevant, `drop` ranks without them",
        ("zero", "drop"),
    )


def empty() -> Any:
    return option(
        "skip",
        "queries without a relevant row: `skip` leaves them out and counts them, `zero` and `one` give them that value",
        ("skip", "zero", "one"),
    )


@dataclass(frozen=True)
class Measure:
    """Contract of a measure; a part gives ``per_query``, and ``bootstrap`` too when it is no mean over queries.

    kind: ``ranking`` (a value per query, averaged) or ``rows`` (one value over all judged rows).
    higher_is_better: False for errors. bounds: smallest and largest value. title: how people write it.
    needs: the column of the Ranking it reads, ``relevance`` or ``probability``.
    Raises UsageError U112 for a cut below 1 or a word that an option does not know.
    """

    kind: ClassVar[str] = "ranking"
    higher_is_better: ClassVar[bool] = True
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)
    title: ClassVar[str] = ""
    needs: ClassVar[str] = "relevance"

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value, known = getattr(self, field.name), field.metadata.get("choices", ())
            if field.name == "k" and value is not None and value < 1:
                raise UsageError("U112", name=self.name, option="k", value=str(value), near="1", known="1, 2, 3 ...")
            if known and value not in known:
                near = nearest(str(value), known) or "-"
                raise UsageError(
                    "U112", name=self.name, option=field.name, value=str(value), near=near, known=", ".join(known)
                )

    @property
    def name(self) -> str:
        """The full name; ``parse(name)`` gives an equal measure. Only options that differ from the default."""
        return written(self)

    @property
    def short(self) -> str:
        """The name for people, like ``NDCG@10 (ESCI)``."""
        return short(self)

    def per_query(self, ranking: Ranking) -> Floats:
        """Return (q,) values in the order of ``ranking.codes``, NaN where the query does not count.

        For a measure of rows: its value on the rows of each group alone.
        """
        raise NotImplementedError

    def share(self, ranking: Ranking) -> Floats:
        """Return (q,) how much each query counts in the mean; 1 unless the measure says otherwise."""
        return np.ones(ranking.n_groups)

    def bootstrap(self, ranking: Ranking, weights: AnyArray) -> Floats:
        """Return (b,) overall values of b replicates; what can be done once for all is done once.

        weights: (b, q) how often each group was drawn; all ones gives ``overall``. NaN where nothing counts.
        """
        value, share = self.per_query(ranking), self.share(ranking)
        counts = ~np.isnan(value)
        value, share = value[counts], share[counts]

        def means(drawn: Floats) -> Floats:
            total = drawn[:, counts] @ share
            return np.divide(
                drawn[:, counts] @ (share * value), total, out=np.full(len(drawn), np.nan), where=total > 0
            )

        return in_batches(means, as_weights(ranking, weights), len(counts))

    def overall(self, ranking: Ranking, weight: Floats | None = None) -> float:
        """Return the one number, NaN when it is not defined (no rows, one class only, every query skipped).

        weight: (q,) how often each group counts (a bootstrap's multiplicities); None: once.
        """
        once = np.ones(ranking.n_groups) if weight is None else np.asarray(weight, dtype=float)
        return float(self.bootstrap(ranking, once[None])[0])

    def skipped(self, ranking: Ranking) -> int:
        """Return how many groups do not count: no relevant row, or for a measure of rows no judged row."""
        if self.kind == "ranking":
            return int(np.isnan(self.per_query(ranking)).sum())
        return ranking.n_groups - len(np.unique(ranking.codes[ranking.judged]))
