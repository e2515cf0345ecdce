"""Comparing: is weighting, pruning or repairing worth it on unseen groups, against controls, with intervals?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from steelyard.acts.bootstrapping import against, bootstrap, deviation, difference, interval
from steelyard.acts.cells import BASE, Cell, CellTask, Judged, Settings, ranking, said
from steelyard.acts.deciding import RIVAL, answer_of, decide, limits, repairs, unseen, wins
from steelyard.acts.stages import Keep, Progress, keep_nothing, no_progress
from steelyard.features import duplicates
from steelyard.features.table import Table
from steelyard.values.arrays import Floats, Ints
from steelyard.values.comparison import Arm, Comparison, Interval, SliceEffect


def compare(
    table: Table,
    twins: Ints,
    judged: Judged,
    parts: Mapping[str, Any],
    settings: Settings,
    *,
    model: str,
    networks: Any = None,
    unseen_clicks: str | None = None,
    keep: Keep = keep_nothing,
    each: Callable = map,
    progress: Progress = no_progress,
) -> Comparison:
    """Return the comparison of all policies of ``parts`` on unseen groups.

    twins: (n,) codes of near-identical rows (``features.duplicates``), or empty.
    parts: linear, boosted, estimators (by name), policies (by name).
    model: which of the two models the arms train, ``boosted``, ``linear`` or ``network``, then with
    ``networks`` (see ``acts.arming``). unseen_clicks: the column of clicks that nobody may have seen: no arm changes
    them then, for none is called mislabelled (C140). each: an engine; cells run side by side.
    """
    if not len(twins) or np.array_equal(duplicates.twin_label(twins, table.label), table.label):
        # no row is outvoted by its near-identical rows: there is no majority to follow
        parts = {**parts, "policies": {name: p for name, p in parts["policies"].items() if name != RIVAL}}
    left = [n for n in parts["policies"] if repairs(n) and settings.wants(n)] if unseen_clicks else []
    parts = {**parts, "policies": {name: p for name, p in parts["policies"].items() if name not in left}}
    bare = replace(judged, slices={})
    tasks = [CellTask(table, twins, bare, parts, settings, model, n, keep, networks) for n in range(settings.seeds)]
    cells = []
    progress("arms", 0, settings.seeds)
    for cell in each(CellTask.run, tasks):
        cells.append(cell)
        progress("arms", len(cells), settings.seeds)
    found = _conclude(table, judged, parts, settings, cells, model)
    if left:
        found = replace(found, limits=(*found.limits, ("VL08", {"column": unseen_clicks, "arms": ", ".join(left)})))
    return found


def _conclude(
    table: Table, judged: Judged, parts: Mapping[str, Any], settings: Settings, cells: list[Cell], model: str
) -> Comparison:
    names = list(cells[0].probability)
    values, draws = bootstrap(table, judged, cells, names, settings)
    candidates = [n for n in names if answer_of(n)]
    strict = 0.05 / max(1, len(candidates))
    arms = tuple(
        replace(_arm(n, parts, cells, values, draws, strict), more=_further(table, judged, cells, n)) for n in names
    )
    by_name = {a.name: a for a in arms}
    visible = 2.8 * float(max((deviation(draws, n) for n in candidates), default=0.0))
    winners = [by_name[n] for n in candidates if wins(by_name[n], settings)]
    winner = max(winners, key=lambda a: a.delta.value, default=None)
    groups = len(np.unique(np.concatenate([judged.group(table)[c.test] for c in cells])))
    effects = _slice_effects(table, judged, cells, winner.name, settings) if winner else ()
    answer, why = decide(arms, winner, effects, groups, visible, settings, len(cells))
    gain = None
    if "oracle" in by_name and winner:
        gain = _recovered(draws, values, winner.name)
    return Comparison(
        answer=answer,
        recommended=winner.name if winner and answer == answer_of(winner.name) else None,
        why=why,
        measure=judged.measure.name,
        on=judged.on,
        model=model,
        rows=len(table),
        groups=groups,
        cells=len(cells),
        smallest_visible=max(visible, unseen(arms, groups)),
        arms=arms,
        slices=effects,
        recovered_gain=gain,
        limits=limits(arms, winner, judged.on, _lead(values, draws, winner)),
        settings=dict(vars(settings)),
    )


def _arm(
    name: str,
    parts: Mapping[str, Any],
    cells: list[Cell],
    values: Mapping[str, Floats],
    draws: Mapping[str, Floats],
    strict: float,
) -> Arm:
    policy = parts["policies"].get(name)
    visited = sum(c.rows[name] for c in cells) / max(sum(c.rows[BASE] for c in cells), 1e-9)
    return Arm(
        name=name,
        control=bool(policy.control) if policy is not None else name != BASE and answer_of(name) is None,
        **against(values, draws, name, strict),
        ess=float(np.mean([c.ess[name] for c in cells])),
        top_share=float(np.mean([c.top[name] for c in cells])),
        cost=round(float(visited), 2),
    )


def _further(table: Table, judged: Judged, cells: list[Cell], name: str) -> dict[str, float]:
    """Return the further measures of an arm, by name: the mean over cells."""
    found: dict[str, list[float]] = {m.name: [] for m in judged.further}
    for cell in cells:
        tested = ranking(judged.group(table)[cell.test], judged.label[cell.test], judged.scale)
        measured = said(tested, cell.probability[name], judged.scale)
        for m in judged.further:
            found[m.name].append(m.overall(measured))
    return {m: float(np.mean(v)) for m, v in found.items()}


def _lead(values: Mapping[str, Floats], draws: Mapping[str, Floats], winner: Arm | None) -> Interval | None:
    """Return what the winner gains over the rival that needs no model, None without one of them."""
    if winner is None or RIVAL not in values:
        return None
    lead = float(np.nanmean(difference(values, winner.name, RIVAL)))
    return interval(lead, difference(draws, winner.name, RIVAL))


def _recovered(draws: Mapping[str, Floats], values: Mapping[str, Floats], name: str) -> Interval | None:
    """Return (arm - base) / (oracle - base) with its interval; None when the oracle gains nothing."""
    gap = float(np.nanmean(difference(values, "oracle", BASE)))
    if gap <= 0:
        return None
    share = difference(draws, name, BASE) / np.maximum(difference(draws, "oracle", BASE), 1e-6)
    return interval(float(np.nanmean(difference(values, name, BASE))) / gap, share)


def _slice_effects(
    table: Table, judged: Judged, cells: list[Cell], arm: str, settings: Settings
) -> tuple[SliceEffect, ...]:
    """Return what the arm does to every slice with at least 100 judged rows; harm is tested for all together."""
    tested = np.unique(np.concatenate([c.test for c in cells]))
    chosen = []
    for column, of in judged.slices.items():
        names, count = np.unique(of[tested].astype(str), return_counts=True)
        chosen += [(column, v, int(n)) for v, n in zip(names, count, strict=True) if n >= 100]
    few = replace(settings, draws=max(200, settings.draws // 4))
    effects = []
    for column, value, n in chosen[:40]:
        rows = judged.slices[column].astype(str) == value
        try:
            values, draws = bootstrap(table, judged, cells, [BASE, arm], few, rows)
        except ValueError:
            continue
        delta = difference(values, arm, BASE)
        if not np.isfinite(delta).any():
            continue
        found = interval(float(np.nanmean(delta)), difference(draws, arm, BASE), 0.05 / len(chosen))
        effects.append(SliceEffect(arm, column, value, n, found, bool(found.high_strict < 0)))
    return tuple(effects)
