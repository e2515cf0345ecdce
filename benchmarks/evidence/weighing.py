"""A cell of weighting: `compare` as a user would call it, with the share of the oracle's gain that every arm recovers.

Arms are judged on unseen groups by the truth. The curves train the same model without the most, the least, and any
rows, 5 to 50% of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from steelyard import parts
from steelyard.acts import comparing, judging
from steelyard.acts.bootstrapping import bootstrap, difference, interval
from steelyard.acts.cells import BASE, Settings, _unpack
from steelyard.features import duplicates
from steelyard.features.table import Table
from steelyard.parts.measures import parse
from steelyard.parts.policies import Policy
from steelyard.values.arrays import Floats
from steelyard.values.readings import Readings
from steelyard.values.samples import Samples

ENDS = ("most", "least", "random")
SHARES = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5)


@dataclass(frozen=True)
class Drop(Policy):
    """Leave out a share of the rows: the most suspicious, the least, or any."""

    needs = ("suspicion",)
    control = True

    end: str = "most"
    share: float = 0.1
    seed: int = 0

    def raw(self, readings: Readings, progress: float = 1.0) -> Floats:
        n = readings.n
        score = np.nan_to_num(readings["suspicion"], nan=0.0)
        chance = np.random.default_rng(self.seed).permutation(n)
        order = np.lexsort((chance, {"most": -score, "least": score, "random": 0 * score}[self.end]))
        weight = np.ones(n)
        weight[order[: round(self.share * n)]] = 0.0
        return weight


def curves() -> dict[str, Policy]:
    """Return the arms of the curves by name, `most_0.1` and the like."""
    return {f"{end}_{share}": Drop(end, share) for end in ENDS for share in SHARES}


def compared(samples: Samples, table: Table, model: str, seeds: int, seed: int, only: str = "") -> dict[str, Any]:
    """Return the verdict, every arm with intervals, its recovered gain, and what the oracle gains.

    only: `curves` for those instead of the policies.
    """
    judged = judging.judged(samples, None, parse)
    policies = parts.of_samples("policies") | {"gate_unshrunk": parts.make("policies", "gate", shrink=False)}
    if only == "curves":
        policies = {n: policies[n] for n in ("uniform", "gate", "shuffled")} | curves()
    made: dict[str, Any] = {m: parts.make("models", m) for m in ("linear", "boosted")}
    made |= {"estimators": parts.of_samples("estimators"), "policies": policies}
    settings = Settings(seeds=seeds, seed=seed)
    store: dict[str, Any] = {}

    def keep(stage: str, compute: Any) -> Any:
        if stage not in store:
            store[stage] = compute()
        return store[stage]

    twins = duplicates.near_codes(samples)
    found = comparing.compare(table, twins, judged, made, settings, model=model, keep=keep)
    cells = [_unpack(store[f"cell-{n}"]) for n in range(seeds)]
    names = [a.name for a in found.arms]
    values, draws = bootstrap(table, judged, cells, names, settings)
    own_scale = "oracle" in names and judged.on == "gold"
    return {
        "answer": found.answer,
        "recommended": found.recommended,
        "why": [code for code, _ in found.why],
        "measure": found.measure,
        "judged_on": found.on,
        "groups": found.groups,
        "cells": found.cells,
        "visible": found.smallest_visible,
        "interest": settings.interest,
        "rows": len(table),
        "arms": {a.name: _arm(a, values, draws, own_scale) for a in found.arms},
        "harmed": [f"{e.column}={e.value}" for e in found.slices if e.harmed],
    }


def _arm(arm: Any, values: Any, draws: Any, has_oracle: bool) -> dict[str, Any]:
    out = {"value": arm.value, "delta": _three(arm.delta), "control": arm.control, "ess": arm.ess, "cost": arm.cost}
    if arm.over_control is not None:
        out["over_control"] = _three(arm.over_control)
    if has_oracle and arm.name not in (BASE, "oracle"):
        gap = float(np.nanmean(difference(values, "oracle", BASE)))
        if gap > 0:
            share = difference(draws, arm.name, BASE) / np.maximum(difference(draws, "oracle", BASE), 1e-6)
            out["recovered"] = _three(interval(float(np.nanmean(difference(values, arm.name, BASE))) / gap, share))
    return out


def _three(d: Any) -> list[float]:
    return [round(float(v), 6) for v in (d.value, d.low, d.high)]
