"""Comparison: arms side by side, what each is worth with intervals, and one of five answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Answer = Literal["use_weights", "prune", "relabel_first", "keep_uniform", "cannot_tell"]


@dataclass(frozen=True)
class Interval:
    """A difference with its 95% interval; the strict ends hold for all arms together (Bonferroni)."""

    value: float
    low: float
    high: float
    low_strict: float
    high_strict: float


@dataclass(frozen=True)
class Arm:
    """One way of training.

    value: the measure on unseen groups, mean over cells. delta: against uniform with early stopping; over_control:
    against the arm's own negative control. per_seed: deltas by cell. ess: effective sample size / rows. top_share:
    share of weight held by the top 1%. cost: rows visited in training (a soft label visits a row once a class that it
    names; looks at reference rows count), relative to uniform with early stopping. more: name -> value of further
    measures (recommenders: recall, hit, mrr, map, coverage, gini).
    """

    name: str
    control: bool
    value: float
    delta: Interval
    over_control: Interval | None = None
    per_seed: tuple[float, ...] = ()
    ess: float = 1.0
    top_share: float = 0.01
    cost: float = 1.0
    more: Mapping[str, float] = field(default_factory=dict)


#: Column of the bands of items by their takers: shown, and no verdict asks for them (see ``acts.contrasting``).
UNDECIDING = "takers_of_item"


@dataclass(frozen=True)
class SliceEffect:
    """What an arm does to one slice; harmed: the strict interval lies below 0."""

    arm: str
    column: str
    value: str
    n: int
    delta: Interval
    harmed: bool


@dataclass(frozen=True)
class Comparison:
    """The result of ``compare``.

    answer: the verdict; why: (code, facts) sentences that carry it. on: ``given`` or ``gold``, the labels it was
    judged by. smallest_visible: difference seen with 80% power. recovered_gain: share of the gap to the oracle.
    test_uses: comparisons that these test rows have judged so far, this one included.
    """

    answer: Answer
    recommended: str | None
    why: tuple[tuple[str, Mapping[str, Any]], ...]
    measure: str
    on: str
    model: str
    rows: int
    groups: int
    cells: int
    smallest_visible: float
    arms: tuple[Arm, ...]
    slices: tuple[SliceEffect, ...] = ()
    recovered_gain: Interval | None = None
    limits: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    test_uses: int = field(default=1, compare=False)  # grows with every other comparison

    def arm(self, name: str) -> Arm:
        return next(a for a in self.arms if a.name == name)

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form, schema ``steelyard.compare/1``."""
        return {"schema": "steelyard.compare/1", **asdict(self)}

    @classmethod
    def from_dict(cls, d: Mapping[str, Any]) -> Comparison:
        d = {k: v for k, v in d.items() if k != "schema"}

        def interval(v: Mapping[str, float] | None) -> Interval | None:
            return None if v is None else Interval(**v)

        def arm(a: Mapping[str, Any]) -> Arm:
            more = {"delta": interval(a["delta"]), "over_control": interval(a["over_control"])}
            return Arm(**{**a, **more, "per_seed": tuple(a["per_seed"])})

        d["arms"] = tuple(arm(a) for a in d["arms"])
        d["slices"] = tuple(SliceEffect(**{**s, "delta": interval(s["delta"])}) for s in d["slices"])
        d["recovered_gain"] = interval(d["recovered_gain"])
        d["why"] = tuple((code, facts) for code, facts in d["why"])
        d["limits"] = tuple((code, facts) for code, facts in d["limits"])
        return cls(**d)
