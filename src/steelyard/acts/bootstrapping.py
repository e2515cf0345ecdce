"""Bootstrapping: paired intervals of the arms' differences, groups crossed with cells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from steelyard.acts.cells import BASE, Cell, Judged, Settings, control_of, ranking, said
from steelyard.features.table import Table
from steelyard.values.arrays import Floats, Mask
from steelyard.values.comparison import Interval


def bootstrap(
    table: Table, judged: Judged, cells: list[Cell], names: list[str], settings: Settings, rows: Mask | None = None
) -> tuple[dict[str, Floats], dict[str, Floats]]:
    """Return per arm the value of every cell (k,) and of every replicate (b,), groups crossed with cells.

    A replicate draws groups with replacement (one draw for all cells and arms, so that differences are paired) and
    cells with replacement, as in a two-way bootstrap (Owen 2007, The pigeonhole bootstrap). rows: (n,) True for the
    slice that counts; cells without such rows have no part in a replicate, which is NaN when it drew no others.
    """
    rng = np.random.default_rng(settings.seed + 17)
    group = judged.group(table)
    groups = np.unique(np.concatenate([group[c.test] for c in cells]))
    b = settings.draws if len(groups) <= 50_000 else max(200, settings.draws // 5)
    times = rng.poisson(1.0, (b, len(groups))).astype(np.float32)
    pick = rng.multinomial(len(cells), np.full(len(cells), 1 / len(cells)), size=b)
    values: dict[str, Floats] = {n: np.full(len(cells), np.nan) for n in names}
    total = {n: np.zeros(b) for n in names}
    drawn = np.zeros(b)  # cells of a replicate that hold such rows
    for k, cell in enumerate(cells):
        inside = np.arange(len(cell.test)) if rows is None else np.flatnonzero(rows[cell.test])
        if not len(inside):
            continue
        where = cell.test[inside]
        drawn += pick[:, k]
        tested = ranking(group[where], judged.label[where], judged.scale)
        weight = times[:, np.searchsorted(groups, np.unique(group[where]))]
        for name in names:
            measured = said(tested, cell.probability[name][inside], judged.scale)
            sign = 1.0 if judged.measure.higher_is_better else -1.0
            values[name][k] = sign * judged.measure.overall(measured)
            replicates = sign * judged.measure.bootstrap(measured, weight)
            total[name] += np.where(pick[:, k] > 0, pick[:, k] * replicates, 0.0)
    return values, {n: np.divide(t, drawn, out=np.full(b, np.nan), where=drawn > 0) for n, t in total.items()}


def interval(value: float, draws: Floats, strict: float = 0.05) -> Interval:
    """Return the percentile interval of bootstrap draws, at 95% and at the stricter level."""
    known = draws[np.isfinite(draws)]
    if not len(known):
        return Interval(value, float("nan"), float("nan"), float("nan"), float("nan"))
    q = np.quantile(known, [0.025, 0.975, strict / 2, 1 - strict / 2])
    return Interval(value, *(float(v) for v in q))


def difference(values: Mapping[str, Floats], a: str, b: str) -> Floats:
    return values[a] - values[b]


def deviation(draws: Mapping[str, Floats], name: str) -> float:
    return float(np.nanstd(difference(draws, name, BASE)))


def against(values: Mapping[str, Floats], draws: Mapping[str, Floats], name: str, strict: float) -> dict[str, Any]:
    """Return what an Arm says of its value: against BASE, a cell at a time too, and against its own control if trained.

    values: arm -> (k,) of the cells; draws: arm -> (b,) replicates. strict: level of the strict interval.
    """
    delta, control = difference(values, name, BASE), control_of(name)
    over = None
    if control is not None and control in values:
        gap = float(np.nanmean(difference(values, name, control)))
        over = interval(gap, difference(draws, name, control), strict)
    return {
        "value": float(np.nanmean(values[name])),
        "delta": interval(float(np.nanmean(delta)), difference(draws, name, BASE), strict),
        "over_control": over,
        "per_seed": tuple(float(d) for d in delta),
    }
