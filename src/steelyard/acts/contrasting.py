"""Contrasting: from the cells of recommenders to one of five answers; paired over users and seeds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from steelyard.acts.bootstrapping import against, deviation, difference, interval
from steelyard.acts.cells import BASE, INTEREST, Settings
from steelyard.acts.deciding import answer_of, decide, limits, unseen, wins
from steelyard.acts.recommending import BASELINES, Cell
from steelyard.values.arrays import Floats, Mask
from steelyard.values.comparison import UNDECIDING, Arm, Comparison, SliceEffect

#: Users in a band of activity; smaller bands are not tested for harm.
LEAST_USERS = 50
#: Of what uniform with early stopping reaches: a difference that would matter.
SHARE = 0.05


def bootstrap(
    cells: list[Cell], names: list[str], settings: Settings, users: Mask | None = None
) -> tuple[dict[str, Floats], dict[str, Floats]]:
    """Return per arm the value of every cell (k,) and of every replicate (b,), users crossed with cells.

    One draw of users and cells serves all arms, so that differences are paired (Owen 2007). users: (u,) who counts.
    """
    rng = np.random.default_rng(settings.seed + 17)
    k, whole = len(cells), len(cells[0].activity)
    anyone = np.any([np.isfinite(c.values[BASE]) for c in cells], axis=0) & (True if users is None else users)
    times = rng.poisson(1.0, (settings.draws, whole)).astype(np.float32)[:, anyone]
    pick = rng.multinomial(k, np.full(k, 1 / k), size=settings.draws)
    values, draws = {}, {}
    for name in names:
        seen = np.stack([c.values[name][anyone] for c in cells], axis=1)
        known = np.isfinite(seen)
        total = times @ np.where(known, seen, 0.0)
        count = times @ known.astype(np.float32)
        mean = np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
        values[name] = np.array([np.nanmean(v) if np.isfinite(v).any() else np.nan for v in seen.T])
        draws[name] = np.where(pick > 0, pick * mean, 0.0).sum(axis=1) / k
    return values, draws


def worth(cells: list[Cell]) -> float:
    """Return the difference that would matter where nobody says: 0.01, or a twentieth of what uniform with early
    stopping reaches, where that is less. Lists of all items are hard, and 0.01 can be half of all that is reached.
    """
    base = float(np.mean([np.nanmean(c.values[BASE]) for c in cells]))
    return float(f"{min(INTEREST, SHARE * base):.2g}") if base > 0 else INTEREST


def conclude(cells: list[Cell], measure: str, model: str, on: str, settings: Settings) -> Comparison:
    """Return the comparison. measure: the name of the one that decides; on: ``given`` or ``gold``.

    Baselines take part in the table, not in the verdict: a limit says when one of them beats what was trained.
    """
    names = list(cells[0].values)
    values, draws = bootstrap(cells, names, settings)
    candidates = [n for n in names if answer_of(n)]
    strict = 0.05 / max(1, len(candidates))
    arms = tuple(_arm(n, cells, values, draws, strict) for n in names)
    by_name = {a.name: a for a in arms}
    winners = [by_name[n] for n in candidates if wins(by_name[n], settings)]
    winner = max(winners, key=lambda a: a.delta.value, default=None)
    visible = 2.8 * max((deviation(draws, n) for n in candidates), default=0.0)
    effects = _bands(cells, candidates, settings)
    own = tuple(e for e in effects if winner is not None and e.arm == winner.name)
    effects += _popular(cells, candidates, settings)
    tested = np.any([np.isfinite(c.values[BASE]) for c in cells], axis=0)
    groups = int(tested.sum())
    answer, why = decide(arms, winner, own, groups, visible, settings, len(cells))
    gain = None
    if winner is not None and "oracle" in by_name and by_name["oracle"].delta.low > 0:
        gap = np.maximum(difference(draws, "oracle", BASE), 1e-6)
        gain = interval(winner.delta.value / by_name["oracle"].delta.value, difference(draws, winner.name, BASE) / gap)
    return Comparison(
        answer=answer,
        recommended=winner.name if winner and answer == answer_of(winner.name) else None,
        why=why,
        measure=measure,
        on=on,
        model=model,
        rows=cells[0].rows,
        groups=groups,
        cells=len(cells),
        smallest_visible=max(float(visible), unseen(arms, groups)),
        arms=arms,
        slices=effects,
        recovered_gain=gain,
        limits=(*limits(arms, winner, "gold"), *_limits(by_name, draws, cells, model, on)),
        settings=dict(vars(settings)),
    )


def _arm(
    name: str,
    cells: list[Cell],
    values: Mapping[str, Floats],
    draws: Mapping[str, Floats],
    strict: float,
) -> Arm:
    every = cells[0].more[name]
    return Arm(
        name=name,
        control=name != BASE and answer_of(name) is None,
        **against(values, draws, name, strict),
        ess=float(np.mean([c.ess[name] for c in cells])),
        top_share=float(np.mean([c.top[name] for c in cells])),
        more={m: float(np.mean([c.more[name][m] for c in cells])) for m in every},
    )


def _bands(cells: list[Cell], arms: list[str], settings: Settings) -> tuple[SliceEffect, ...]:
    """Return what each arm does to users of few, of more and of many rows; harm is tested for all bands together."""
    activity = cells[0].activity
    tested = np.isfinite(cells[0].values[BASE])
    low, high = (int(v) for v in np.quantile(activity[tested], [1 / 3, 2 / 3]))
    bands = {f"1-{low}": activity <= low, f"{low + 1}-{high}": (activity > low) & (activity <= high)}
    bands[f"{high + 1}-"] = activity > high
    chosen = {name: of for name, of in bands.items() if (of & tested).sum() >= LEAST_USERS}
    out = []
    for name, of in chosen.items():
        found = bootstrap(cells, [BASE, *arms], settings, of)
        out += _effects("rows_of_user", name, int((of & tested).sum()), found, arms, len(chosen))
    return tuple(out)


def _popular(cells: list[Cell], arms: list[str], settings: Settings) -> tuple[SliceEffect, ...]:
    """Return what each arm does for items of few, of more and of many takers.

    They are shown and change no verdict: what lists rare items higher takes the place of popular ones by its nature.
    """
    held = {b: np.any([np.isfinite(c.popular[b][BASE]) for c in cells], axis=0) for b in cells[0].popular}
    chosen = {b: int(of.sum()) for b, of in held.items() if of.sum() >= LEAST_USERS}
    out = []
    for band, count in chosen.items():
        found = bootstrap([replace(c, values=c.popular[band]) for c in cells], [BASE, *arms], settings)
        out += _effects(UNDECIDING, band, count, found, arms, len(chosen))
    return tuple(out)


def _effects(
    column: str, name: str, n: int, found: tuple[dict[str, Floats], dict[str, Floats]], arms: list[str], bands: int
) -> list[SliceEffect]:
    """Return one effect an arm; strict for all ``bands`` of its column together. found: of ``bootstrap``."""
    values, draws = found
    out = []
    for arm in arms:
        value = float(np.nanmean(difference(values, arm, BASE)))
        told = interval(value, difference(draws, arm, BASE), 0.05 / bands)
        out.append(SliceEffect(arm, column, name, n, told, told.high_strict < 0))
    return out


def _limits(
    arms: Mapping[str, Arm], draws: Mapping[str, Floats], cells: list[Cell], model: str, on: str
) -> tuple[tuple[str, Mapping[str, Any]], ...]:
    found: list[tuple[str, Mapping[str, Any]]] = [] if on == "gold" else [("VL13", {})]
    trained = max((a for n, a in arms.items() if answer_of(n) or n == BASE), key=lambda a: a.value)
    rivals = [arms[n] for n in BASELINES if n in arms and n != model]
    sure = [a for a in rivals if _surely_above(a, trained, draws, len(rivals))]
    if sure:
        better = max(sure, key=lambda a: a.value)
        facts = {"arm": better.name, "value": better.value, "model": model, "best": trained.name}
        found.append(("VL11", {**facts, "best_value": trained.value}))
    for name, problem in cells[0].refused.items():
        found.append(("VL12", {"arm": name, **{f: problem.facts[f] for f in ("items", "needed", "free")}}))
    return tuple(found)


def _surely_above(rival: Arm, trained: Arm, draws: Mapping[str, Floats], rivals: int) -> bool:
    """Return whether a recommender reaches more than an arm, by an interval that is strict for the number of rivals."""
    gain = interval(rival.value - trained.value, difference(draws, rival.name, trained.name), 0.05 / rivals)
    return gain.low_strict > 0
