"""Deciding: from the arms' intervals to one of five verdicts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from steelyard.acts.cells import STEP, WRONG_ROWS, Settings, control_of
from steelyard.values.comparison import Answer, Arm, Interval, SliceEffect

LEAST_CELLS = 3  # fewer cells cannot tell
LEAST_ESS = 0.5  # effective sample size over rows, below which a gain rests on few rows
LEAST_GROUPS = 20  # fewer groups cannot carry an interval
#: The rival that needs no model: what a repair gains beyond it, it gains by reading the text.
RIVAL = "majority_fix"
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


def repairs(arm: str) -> bool:
    """Whether an arm changes labels."""
    return answer_of(arm) == "relabel_first" or arm == RIVAL


def wins(arm: Arm, settings: Settings) -> bool:
    beats_control = arm.over_control is None or arm.over_control.low > 0
    return arm.delta.low_strict > 0 and arm.delta.value > settings.min_gain and beats_control


def limits(
    arms: tuple[Arm, ...], winner: Arm | None, on: str, lead: Interval | None = None
) -> tuple[tuple[str, Mapping[str, Any]], ...]:
    """Return what the reader must know beside the verdict: noisy judges, weight on few rows, a cheap rival as good.

    lead: of the winner over RIVAL, None without one of them.
    """
    found: list[tuple[str, Mapping[str, Any]]] = [] if on == "gold" else [("VL01", {})]
    if winner is not None and winner.ess < LEAST_ESS:
        found.append(("VL02", {"arm": winner.name, "ess": winner.ess, "top": winner.top_share}))
    if winner is not None and lead is not None and lead.low <= 0:
        facts = {"rival": RIVAL, "delta": lead.value, "low": lead.low, "high": lead.high}
        found.append(("VL04", {"arm": winner.name, **facts}))
    rival = next((a for a in arms if a.name == RIVAL), None)
    if winner is None and rival is not None and rival.delta.low_strict > 0:
        facts = {"delta": rival.delta.value, "low": rival.delta.low, "high": rival.delta.high}
        found.append(("VL05", {"rival": RIVAL, **facts}))
    return tuple(found)


def unseen(arms: tuple[Arm, ...], groups: int) -> float:
    """Return the share of groups that an effect could have and still leave no trace here; 0 once any arm differs.

    Where no arm changes any test row, as at a measure's ceiling, the bootstrap has nothing to draw from: its interval
    shrinks to a point. Hanley and Lippman-Hand 1983: of n groups without a change, up to 3 / n may change, 95%.
    """
    return 0.0 if any(a.delta.high > a.delta.low for a in arms) else 3 / max(groups, 1)


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
    if groups < LEAST_GROUPS:
        return "cannot_tell", (("VW07", {"groups": groups, "least": LEAST_GROUPS}),)
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
    if all(a.delta.high < settings.interest for a in candidates) and unseen(arms, groups) < settings.interest:
        return "keep_uniform", (("VW02", {**facts, **more}),)
    return "cannot_tell", (("VW03", {**facts, **more, "visible": max(visible, unseen(arms, groups))}),)
