"""Deciding: from the arms' intervals to one of five verdicts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from steelyard.acts.cells import CONTROL_OF, Settings
from steelyard.values.comparison import Arm, SliceEffect

LEAST_CELLS = 3  # fewer cells cannot tell
ANSWER_OF = {
    "gate": "use_weights",
    "prune": "prune",
    "soft_label": "relabel_first",
    "relabel": "relabel_first",
    "step_alignment": "use_weights",
    "step_gate": "use_weights",
    "user_gate": "use_weights",
    "ips": "use_weights",
    "t_ce": "use_weights",
    "r_ce": "use_weights",
}


def wins(arm: Arm, settings: Settings) -> bool:
    beats_control = arm.over_control is None or arm.over_control.low > 0
    return arm.delta.low_strict > 0 and arm.delta.value > settings.min_gain and beats_control


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
    candidates = [a for a in arms if a.name in ANSWER_OF]
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
        control = CONTROL_OF.get(winner.name, "shuffled")
        return ANSWER_OF[winner.name], (("VW01", {**won, "control": control}),)
    lucky = [a for a in candidates if a.delta.low_strict > 0 and a.over_control and a.over_control.low <= 0]
    if lucky:
        return "cannot_tell", (("VW04", {"arm": lucky[0].name, "control": CONTROL_OF[lucky[0].name]}),)
    if all(a.delta.high < settings.interest for a in candidates):
        return "keep_uniform", (("VW02", {**facts, **more}),)
    return "cannot_tell", (("VW03", {**facts, **more}),)
