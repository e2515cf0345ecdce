"""Deciding: from the arms' intervals to one of five verdicts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from steelyard.acts.cells import STEP, WRONG_ROWS, Settings, control_of
from steelyard.values.comparison import Answer, Arm, SliceEffect

LEAST_CELLS = 3  # fewer cells cannot tell
LEAST_ESS = 0.5  # effective sample size over rows, below which a gain rests on few rows
#: Rivals that cost nothing: what a repair gains beyond them, it gains by reading the text.
CHEAP = ("majority_fix", "loss_proportional")
ANSWER_OF: Mapping[str, Answer] = {
    "gate": "use_weights",
    "prune": "prune",
    "soft_label": "relabel_first",
    "relabel": "relabel_first",
    "user_gate": "use_weights",
    "ips": "use_weights",
}


def answer_of(arm: str) -> Answer | None:
    """Return the verdict when an arm wins, None for controls and rivals, which never do."""
    if arm.startswith(STEP):
        return None if arm.endswith(WRONG_ROWS) else "use_weights"
    return ANSWER_OF.get(arm)


def wins(arm: Arm, settings: Settings) -> bool:
    beats_control = arm.over_control is None or arm.over_control.low > 0
    return arm.delta.low_strict > 0 and arm.delta.value > settings.min_gain and beats_control


def limits(arms: tuple[Arm, ...], winner: Arm | None, on: str) -> tuple[tuple[str, Mapping[str, Any]], ...]:
    """Return what the reader must know beside the verdict: noisy judges, weight on few rows, a cheap rival as good."""
    found: list[tuple[str, Mapping[str, Any]]] = [] if on == "gold" else [("VL01", {})]
    few = [a for a in arms if answer_of(a.name) and a.ess < LEAST_ESS]
    found += [("VL02", {"arm": a.name, "ess": a.ess, "top": a.top_share}) for a in few]
    for rival in (a for a in arms if a.name in CHEAP):
        if rival.delta.low > 0 and (winner is None or rival.delta.value >= winner.delta.value):
            facts = {"arm": rival.name, "delta": rival.delta.value, "low": rival.delta.low, "high": rival.delta.high}
            found.append(("VL04", facts))
    return tuple(found)


def decide(
    arms: tuple[Arm, ...],
    winner: Arm | None,
    effects: tuple[SliceEffect, ...],
    groups: int,
    visible: float,
    settings: Settings,
    cells: int = LEAST_CELLS,
) -> tuple[Any, tuple[tuple[str, Mapping[str, Any]], ...]]:
    """Return the verdict and its reasons, by the rules that docs/river.md sums up.

    A gain counts when its interval, made strict for the number of arms, lies above 0, the gain is above min_gain and
    above its negative control. Without one: keep_uniform when every arm's interval ends below ``interest`` (a gain
    that matters is ruled out), else cannot_tell.
    """
    if cells < LEAST_CELLS:
        return "cannot_tell", (("VW06", {"cells": cells, "least": LEAST_CELLS}),)
    candidates = [a for a in arms if answer_of(a.name)]
    best = max(candidates, key=lambda a: a.delta.value if np.isfinite(a.delta.value) else -np.inf)
    facts = {"arm": best.name, "delta": best.delta.value, "low": best.delta.low, "high": best.delta.high}
    more = {"visible": visible, "groups": groups, "interest": settings.interest}
    if winner is not None:
        won = {"arm": winner.name, "delta": winner.delta.value, "low": winner.delta.low, "high": winner.delta.high}
        harmed = [e for e in effects if e.harmed]
        if harmed:
            worst = min(harmed, key=lambda e: e.delta.value)
            at = {"column": worst.column, "value": worst.value, "loss": worst.delta.value, "count": len(harmed)}
            return "cannot_tell", (("VW05", {**won, **at}),)
        return answer_of(winner.name), (("VW01", {**won, "control": control_of(winner.name)}),)
    lucky = [a for a in candidates if a.delta.low_strict > 0 and a.over_control and a.over_control.low <= 0]
    if lucky:
        return "cannot_tell", (("VW04", {"arm": lucky[0].name, "control": control_of(lucky[0].name)}),)
    if all(a.delta.high < settings.interest for a in candidates):
        return "keep_uniform", (("VW02", {**facts, **more}),)
    return "cannot_tell", (("VW03", {**facts, **more}),)
