"""Comparing: is weighting, pruning or repairing worth it on unseen groups, against controls, with intervals?

A cell is one seed with one held-out set of groups. Within a cell the other groups are split into rows to learn
from and rows to stop by; readings are computed inside the rows to learn from, so neither the stopping rows nor the
test rows have a say in the weights. Arms of a cell share seeds, folds and order. Test labels are never edited.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from steelyard.acts import estimating, scoring, training
from steelyard.acts.folding import folds
from steelyard.acts.neighbouring import neighbour_labels
from steelyard.acts.scoring import Keep, Progress, Table
from steelyard.values.arrays import AnyArray, Floats, Ints, Strings
from steelyard.values.comparison import Arm, Comparison, Interval, SliceEffect
from steelyard.values.ranking import Ranking
from steelyard.values.readings import Readings
from steelyard.values.scale import Scale
from steelyard.values.weights import effective_sample_size

BASE = "uniform_early_stop"
CONTROL_OF = {"gate": "shuffled", "prune": "random_prune", "soft_label": "shuffled", "relabel": "shuffled"}
ANSWER_OF = {"gate": "use_weights", "prune": "prune", "soft_label": "relabel_first", "relabel": "relabel_first"}


@dataclass(frozen=True)
class Settings:
    """seeds: cells; folds: parts of the groups when the table brings no test split; stop: share of groups to stop by.

    min_gain: a smaller gain is not worth acting on; interest: a difference that would matter to the user, in the
    measure's unit. draws: bootstrap replicates. repairs, inner_folds: of the readings inside a cell.
    """

    seeds: int = 5
    folds: int = 5
    stop: float = 0.15
    min_gain: float = 0.0
    interest: float = 0.01
    draws: int = 1000
    seed: int = 0
    repairs: int = 2
    inner_folds: int = 5


@dataclass(frozen=True)
class Judged:
    """What the arms are judged by: labels (n,), their name, the measure, the scale, test rows or None, slices."""

    label: Ints
    on: str
    measure: Any
    scale: Scale
    test: Ints | None = None
    slices: Mapping[str, Strings] = field(default_factory=dict)


@dataclass(frozen=True)
class _Cell:
    test: Ints
    probability: Mapping[str, Floats]
    seconds: Mapping[str, float]
    ess: Mapping[str, float]
    top: Mapping[str, float]


def compare(
    table: Table,
    twins: Mapping[str, AnyArray],
    judged: Judged,
    parts: Mapping[str, Any],
    settings: Settings,
    *,
    model: str,
    keep: Keep = scoring.keep_nothing,
    progress: Progress = scoring.no_progress,
) -> Comparison:
    """Return the comparison of all policies of ``parts`` on unseen groups.

    twins: agreeing and contradicting counts (n,). parts: linear, boosted, estimators (by name), policies (by name).
    model: which of the two models the arms train, ``boosted`` or ``linear``.
    """
    cells = []
    for number in range(settings.seeds):

        def cell(number: int = number) -> dict[str, AnyArray]:
            return _cell(table, twins, judged, parts, settings, model, number)

        arrays = keep(f"cell-{number}", cell)
        cells.append(_unpack(arrays))
        progress("arms", number + 1, settings.seeds)
    return _conclude(table, judged, parts, settings, cells, model)


def _cell(
    table: Table,
    twins: Mapping[str, AnyArray],
    judged: Judged,
    parts: Mapping[str, Any],
    settings: Settings,
    model: str,
    number: int,
) -> dict[str, AnyArray]:
    seed = settings.seed + 1000 * number
    train, stop, test = _three_sets(table, judged, settings, number, seed)
    readings = _readings_inside(table, twins, parts, settings, train, seed)
    ways = _ways(table, judged, parts, readings, train, seed)
    fit = training.train_boosted if model == "boosted" else training.train_linear
    stop_ranking = _ranking(table.group[stop], table.label[stop], judged.scale)

    def judge(p: Floats) -> float:
        return _score(judged.measure, _with(stop_ranking, p, judged.scale))

    trained = fit(table, ways, train, stop, test, parts[model], seed, judge)
    out: dict[str, AnyArray] = {"test": test}
    for way, done in zip(ways, trained, strict=True):
        out[f"p.{way.name}"] = done.probability.astype(np.float32)
        top = np.sort(way.weight)[::-1][: max(1, len(way.weight) // 100)].sum() / way.weight.sum()
        out[f"facts.{way.name}"] = np.array([done.seconds, effective_sample_size(way.weight) / len(way.weight), top])
    return out


def _unpack(arrays: Mapping[str, AnyArray]) -> _Cell:
    p = {name[2:]: v for name, v in arrays.items() if name.startswith("p.")}
    facts = {name[6:]: v for name, v in arrays.items() if name.startswith("facts.")}
    columns = [{name: float(v[i]) for name, v in facts.items()} for i in range(3)]
    return _Cell(arrays["test"], p, *columns)


def _three_sets(table: Table, judged: Judged, settings: Settings, number: int, seed: int) -> tuple[Ints, Ints, Ints]:
    """Return rows to learn from, to stop by and to test on: disjoint in groups, whatever the table's own split says."""
    rows = np.arange(len(table))
    if judged.test is not None:
        test = judged.test
        rest = rows[~np.isin(table.group, table.group[test])]
    else:
        turn, place = divmod(number, settings.folds)
        held = folds(table.group, settings.folds, settings.seed + turn) == place
        test, rest = rows[held], rows[~held]
    test = test[judged.label[test] >= 0]
    rest = rest[table.label[rest] >= 0]
    parts = max(2, round(1 / settings.stop))
    stopping = folds(table.group[rest], parts, seed + 1) == 0
    return rest[~stopping], rest[stopping], test


def _readings_inside(
    table: Table,
    twins: Mapping[str, AnyArray],
    parts: Mapping[str, Any],
    settings: Settings,
    train: Ints,
    seed: int,
) -> Readings:
    inside = subset(table, train)
    signals = scoring.measure(
        inside, parts["linear"], parts["boosted"], seed=seed, k=settings.inner_folds, repairs=settings.repairs
    )
    signals |= {name: v[train] for name, v in twins.items()}
    if any("neighbours" in policy.needs for policy in parts["policies"].values()):
        signals |= neighbour_labels(inside, seed=seed)
    keyed = scoring.as_signals(np.array([str(r) for r in train], object), inside, signals)
    return estimating.read_out(keyed, parts["estimators"])


def subset(table: Table, rows: Ints) -> Table:
    """Return the table of ``rows`` (rising) alone; its text is read once and kept in memory."""
    text = None
    if table.text is not None:
        matrix = table.rows(rows)
        text = lambda start, stop: matrix[start:stop]  # noqa: E731
    return replace(table, text=text, features=table.features[rows], label=table.label[rows], group=table.group[rows])


def _ways(
    table: Table, judged: Judged, parts: Mapping[str, Any], readings: Readings, train: Ints, seed: int
) -> list[training.Way]:
    """Return the arms: uniform with and without early stopping, every policy, its controls, the oracle if known."""
    ones = np.ones(len(train))
    ways = [training.Way("uniform", ones, None, early=False), training.Way(BASE, ones, None)]
    policies = parts["policies"]
    basis = policies["gate"].weigh(readings).weight if "gate" in policies else ones
    readings = readings.with_columns(basis=basis)
    for name, policy in policies.items():
        if name == "uniform":
            continue
        if hasattr(policy, "seed"):
            policy = replace(policy, seed=seed)
        weights = policy.weigh(readings)
        ways.append(training.Way(name, weights.weight, weights.target))
    if judged.on == "gold":
        gold = judged.label[train]
        target = np.eye(table.classes)[np.where(gold >= 0, gold, table.label[train])]
        ways.append(training.Way("oracle", ones, target))
    return ways


def _ranking(group: Ints, label: Ints, scale: Scale) -> Ranking:
    return Ranking(group, label, scale, np.zeros(len(label)))


def _with(ranking: Ranking, p: Floats, scale: Scale) -> Ranking:
    """Return the ranking with a model's probabilities: for grades, relevance is the expected gain."""
    relevance = p @ np.array(scale.gains) if scale.ordered else p[:, -1]
    return replace(ranking, relevance=np.asarray(relevance, float), probability=np.asarray(p, float))


def _score(measure: Any, ranking: Ranking) -> float:
    value = measure.overall(ranking)
    sign = 1.0 if measure.higher_is_better else -1.0
    return sign * value if np.isfinite(value) else -np.inf


def _conclude(
    table: Table, judged: Judged, parts: Mapping[str, Any], settings: Settings, cells: list[_Cell], model: str
) -> Comparison:
    names = list(cells[0].probability)
    values, draws = _bootstrap(table, judged, cells, names, settings)
    candidates = [n for n in names if n in ANSWER_OF]
    strict = 0.05 / max(1, len(candidates))
    arms = tuple(_arm(n, names, parts, cells, values, draws, strict) for n in names)
    by_name = {a.name: a for a in arms}
    visible = 2.8 * float(max((_deviation(draws, n) for n in candidates), default=0.0))
    winners = [by_name[n] for n in candidates if _wins(by_name[n], settings)]
    winner = max(winners, key=lambda a: a.delta.value, default=None)
    groups = len(np.unique(np.concatenate([table.group[c.test] for c in cells])))
    effects = _slice_effects(table, judged, cells, winner.name, settings) if winner else ()
    answer, why = decide(arms, winner, effects, groups, visible, settings)
    gain = None
    if "oracle" in by_name and winner:
        gain = _recovered(draws, values, winner.name)
    return Comparison(
        answer=answer,
        recommended=winner.name if winner and answer in ANSWER_OF.values() else None,
        why=why,
        measure=judged.measure.name,
        on=judged.on,
        model=model,
        rows=len(table),
        groups=groups,
        cells=len(cells),
        smallest_visible=visible,
        arms=arms,
        slices=effects,
        recovered_gain=gain,
        limits=() if judged.on == "gold" else (("VL01", {}),),
        settings=dict(vars(settings)),
    )


def _bootstrap(
    table: Table, judged: Judged, cells: list[_Cell], names: list[str], settings: Settings, rows: Any = None
) -> tuple[dict[str, Floats], dict[str, Floats]]:
    """Return per arm the value of every cell (k,) and of every replicate (b,), groups crossed with cells.

    A replicate draws groups with replacement (one draw for all cells and arms, so that differences are paired) and
    cells with replacement, as in a two-way bootstrap (Owen 2007, The pigeonhole bootstrap).
    """
    rng = np.random.default_rng(settings.seed + 17)
    groups = np.unique(np.concatenate([table.group[c.test] for c in cells]))
    b = settings.draws if len(groups) <= 50_000 else max(200, settings.draws // 5)
    times = rng.poisson(1.0, (b, len(groups))).astype(np.float32)
    pick = rng.multinomial(len(cells), np.full(len(cells), 1 / len(cells)), size=b)
    values: dict[str, Floats] = {n: np.full(len(cells), np.nan) for n in names}
    total = {n: np.zeros(b) for n in names}
    for k, cell in enumerate(cells):
        inside = np.arange(len(cell.test)) if rows is None else np.flatnonzero(rows[cell.test])
        if not len(inside):
            continue
        where = cell.test[inside]
        ranking = _ranking(table.group[where], judged.label[where], judged.scale)
        weight = times[:, np.searchsorted(groups, np.unique(table.group[where]))]
        for name in names:
            measured = _with(ranking, cell.probability[name][inside], judged.scale)
            sign = 1.0 if judged.measure.higher_is_better else -1.0
            values[name][k] = sign * judged.measure.overall(measured)
            total[name] += pick[:, k] * sign * judged.measure.bootstrap(measured, weight)
    return values, {n: t / len(cells) for n, t in total.items()}


def interval(value: float, draws: Floats, strict: float = 0.05) -> Interval:
    """Return the percentile interval of bootstrap draws, at 95% and at the stricter level."""
    known = draws[np.isfinite(draws)]
    if not len(known):
        return Interval(value, float("nan"), float("nan"), float("nan"), float("nan"))
    q = np.quantile(known, [0.025, 0.975, strict / 2, 1 - strict / 2])
    return Interval(value, *(float(v) for v in q))


def _difference(values: Mapping[str, Floats], a: str, b: str) -> Floats:
    return values[a] - values[b]


def _deviation(draws: Mapping[str, Floats], name: str) -> float:
    return float(np.nanstd(_difference(draws, name, BASE)))


def _arm(
    name: str,
    names: list[str],
    parts: Mapping[str, Any],
    cells: list[_Cell],
    values: Mapping[str, Floats],
    draws: Mapping[str, Floats],
    strict: float,
) -> Arm:
    delta = _difference(values, name, BASE)
    over = None
    control = CONTROL_OF.get(name)
    if control in names:
        per_cell = _difference(values, name, control)
        over = interval(float(np.nanmean(per_cell)), _difference(draws, name, control), strict)
    policy = parts["policies"].get(name)
    seconds = sum(c.seconds[name] for c in cells) / max(sum(c.seconds[BASE] for c in cells), 1e-9)
    return Arm(
        name=name,
        control=bool(policy.control) if policy is not None else name == "oracle",
        value=float(np.nanmean(values[name])),
        delta=interval(float(np.nanmean(delta)), _difference(draws, name, BASE), strict),
        over_control=over,
        per_seed=tuple(float(d) for d in delta),
        ess=float(np.mean([c.ess[name] for c in cells])),
        top_share=float(np.mean([c.top[name] for c in cells])),
        cost=round(float(seconds), 2),
    )


def _wins(arm: Arm, settings: Settings) -> bool:
    beats_control = arm.over_control is None or arm.over_control.low > 0
    return arm.delta.low_strict > 0 and arm.delta.value > settings.min_gain and beats_control


def _recovered(draws: Mapping[str, Floats], values: Mapping[str, Floats], name: str) -> Interval | None:
    """Return (arm - base) / (oracle - base) with its interval; None when the oracle gains nothing."""
    gap = float(np.nanmean(_difference(values, "oracle", BASE)))
    if gap <= 0:
        return None
    share = _difference(draws, name, BASE) / np.maximum(_difference(draws, "oracle", BASE), 1e-6)
    return interval(float(np.nanmean(_difference(values, name, BASE))) / gap, share)


def _slice_effects(
    table: Table, judged: Judged, cells: list[_Cell], arm: str, settings: Settings
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
            values, draws = _bootstrap(table, judged, cells, [BASE, arm], few, rows)
        except ValueError:
            continue
        delta = _difference(values, arm, BASE)
        if not np.isfinite(delta).any():
            continue
        found = interval(float(np.nanmean(delta)), _difference(draws, arm, BASE), 0.05 / len(chosen))
        effects.append(SliceEffect(arm, column, value, n, found, bool(found.high_strict < 0)))
    return tuple(effects)


def decide(
    arms: tuple[Arm, ...],
    winner: Arm | None,
    effects: tuple[SliceEffect, ...],
    groups: int,
    visible: float,
    settings: Settings,
) -> tuple[Any, tuple[tuple[str, Mapping[str, Any]], ...]]:
    """Return the verdict and its reasons, by the rules of docs/verdict.md.

    A gain counts when its interval, made strict for the number of arms, lies above 0, the gain is above min_gain and
    above its negative control. Without one: keep_uniform when every arm's interval ends below ``interest`` (a gain
    that matters is ruled out), else cannot_tell.
    """
    candidates = [a for a in arms if a.name in ANSWER_OF]
    best = max(candidates, key=lambda a: a.delta.value)
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
