"""Slice: a part of the table named by one or two columns, and how much of it is flagged."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from steelyard.values.arrays import Ints

#: Whom the rows of a slice help, by name: all unseen rows, those of the slice; and what all other rows do for it.
WHOM = ("benefit", "benefit_own", "benefit_rest")
#: What follows each of these names: the mean, and the ends of its 95% interval.
ENDS = ("", "_low", "_high")


@dataclass(frozen=True, eq=False)
class Category:
    """A column that makes slices, as codes: (n,) int32, -1 = no value or too rare; names: its values by code."""

    name: str
    code: Ints
    names: tuple[str, ...]


@dataclass(frozen=True)
class Slice:
    """How often the rows of one slice are flagged, against all other rows.

    columns, values: what names the slice; one of each, or two. n: its rows; flagged: those flagged.
    share: flagged / n; low, high: its 95% Wilson interval. of_all: the part of all flagged rows that lies here.
    lift: share over the share of the other rows (inf where the others have none).
    p: two-sided hypergeometric test against the other rows; q_value: p after Benjamini and Hochberg, over every
    slice tested; star: q_value is at or below the rate asked (lift says whether it has more or fewer flags).
    suspicion: mean suspicion of its rows, or None.
    benefit: mean cosine of its rows' gradients with that of all unseen rows, weighted by the gradients' lengths, with
    Student's 95% interval over the folds benefit_low .. benefit_high. benefit_own: the same with the unseen rows of the
    slice itself. benefit_rest: of all other rows with those of the slice. None where there is no reference: pairs of
    columns, the labels themselves, and what did not fit in memory.
    example: position of the flagged row that is suspected most (of the first row where none is flagged); row_key: its
    key, or ''.
    also: slices of almost the same rows that were merged into this one, as ``column=value`` texts.
    """

    columns: tuple[str, ...]
    values: tuple[str, ...]
    n: int
    flagged: int
    share: float
    low: float
    high: float
    of_all: float
    lift: float
    p: float
    q_value: float
    star: bool
    suspicion: float | None = None
    benefit: float | None = None
    benefit_low: float | None = None
    benefit_high: float | None = None
    benefit_own: float | None = None
    benefit_own_low: float | None = None
    benefit_own_high: float | None = None
    benefit_rest: float | None = None
    benefit_rest_low: float | None = None
    benefit_rest_high: float | None = None
    example: int = 0
    row_key: str = ""
    also: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The slice in words: ``locale=cn & label=E``."""
        return " & ".join(f"{c}={v}" for c, v in zip(self.columns, self.values, strict=True))

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form; an infinite lift is None."""
        found = asdict(self)
        found |= {k: list(found[k]) for k in ("columns", "values", "also")}
        return found | {"name": self.name, "lift": self.lift if self.lift != float("inf") else None}
