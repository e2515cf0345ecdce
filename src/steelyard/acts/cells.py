"""Cells: one seed with one held-out set of groups, in which every arm is trained and tested.

The other groups are split into rows to learn from and rows to stop by; readings are computed inside the rows to learn
from, so neither the stopping rows nor the test rows have a say in the weights. Arms of a cell share seeds, folds and
order. Test labels are never edited.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from steelyard.acts import estimating, scoring, training
from steelyard.acts.encoding import InMemory
from steelyard.acts.folding import folds
from steelyard.acts.neighbouring import neighbour_labels
from steelyard.acts.proxying import Proxy
from steelyard.acts.stages import Keep
from steelyard.features import duplicates
from steelyard.features.table import Table
from steelyard.values.arrays import AnyArray, Floats, Ints, Strings
from steelyard.values.ranking import Ranking
from steelyard.values.readings import Readings
from steelyard.values.scale import Scale
from steelyard.values.signals import Signals
from steelyard.values.weights import effective_sample_size

BASE = "uniform_early_stop"
#: A difference that would matter, in the measure's unit, where nobody says.
INTEREST = 0.01
CONTROL_OF = {
    "gate": "shuffled",
    "prune": "random_prune",
    "soft_label": "shuffled",
    "relabel": "shuffled",
    "user_gate": "shuffled",
    "ips": "ips_shuffled",
}
#: How the arms of a model are trained; all others are click models.
FITS = {"boosted": training.train_boosted, "linear": training.train_linear}
#: Arms that decide inside the step: ``step_`` and the alpha's name; each with the same weights on the wrong rows.
STEP, WRONG_ROWS = "step_", "_shuffled"


def control_of(arm: str) -> str | None:
    """Return the name of an arm's own negative control, None for an arm without one."""
    if arm.startswith(STEP) and not arm.endswith(WRONG_ROWS):
        return arm + WRONG_ROWS
    return CONTROL_OF.get(arm)


@dataclass(frozen=True)
class Settings:
    """seeds: cells; folds: parts of the groups when the table brings no test split; stop: share of groups to stop by.

    min_gain: a smaller gain is not worth acting on; interest: a difference that would matter to the user, in the
    measure's unit. draws: bootstrap replicates. repairs, inner_folds: of the readings inside a cell. arms: names of the
    arms that take part, none for all.
    """

    seeds: int = 5
    folds: int = 5
    stop: float = 0.15
    min_gain: float = 0.0
    interest: float = INTEREST
    draws: int = 1000
    seed: int = 0
    repairs: int = 2
    inner_folds: int = 5
    arms: tuple[str, ...] = ()

    def wants(self, arm: str) -> bool:
        """Whether an arm takes part: all do unless ``arms`` names some; baseline, controls and oracle always do."""
        named = set(self.arms) | {control_of(name) for name in self.arms}
        return not self.arms or arm in named | {"uniform", BASE, "oracle"}


@dataclass(frozen=True)
class Judged:
    """What the arms are judged by: labels (n,), their name, the measure, the scale, test rows or None, slices.

    lists: (n,) what a measure averages over and an interval draws, where it is not the table's groups: users of clicks.
    further: measures that are told of every arm and decide nothing.
    """

    label: Ints
    on: str
    measure: Any
    scale: Scale
    test: Ints | None = None
    slices: Mapping[str, Strings] = field(default_factory=dict)
    lists: Ints | None = None
    further: tuple[Any, ...] = ()

    def group(self, table: Table) -> Ints:
        """Return (n,) the lists, by default the table's groups."""
        return table.group if self.lists is None else self.lists


@dataclass(frozen=True)
class Cell:
    """What one cell found: test rows; by arm probabilities (t, c), rows visited, n_eff / n, weight of the top 1%."""

    test: Ints
    probability: Mapping[str, Floats]
    rows: Mapping[str, float]
    ess: Mapping[str, float]
    top: Mapping[str, float]


@dataclass(frozen=True)
class CellTask:
    """All that one cell needs, in whatever process it is computed. twins: (n,) codes of
    near-identical rows, or empty; who contradicts whom is counted among the rows to learn from alone."""

    table: Table
    twins: Ints
    judged: Judged
    parts: Mapping[str, Any]
    settings: Settings
    model: str
    number: int
    keep: Keep
    networks: Any = None

    def run(self) -> Cell:
        """Return the cell, read back when it was computed before."""
        return _unpack(self.keep(f"cell-{self.number}", self._compute))

    def _compute(self) -> dict[str, AnyArray]:
        table, judged, parts, settings = self.table, self.judged, self.parts, self.settings
        seed = settings.seed + 1000 * self.number
        train, stop, test = _three_sets(table, judged, settings, self.number, seed)
        signals = _signals_inside(table, self.twins, parts, settings, train, seed)
        readings = estimating.read_out(signals, parts["estimators"])
        ways = _ways(table, judged, parts, readings, train, seed)
        ways += self.networks.ways(len(train)) if self.networks else []
        ways = [way for way in ways if settings.wants(way.name)]

        def judge(p: Floats, rows: Ints) -> float:
            seen = ranking(judged.group(table)[rows], table.label[rows], judged.scale)
            return _score(judged.measure, said(seen, p, judged.scale))

        if self.networks:
            keep = partial(_kept, self.keep, f"cell-{self.number}-")
            proxy = Proxy(table, train, signals, readings["p_wrong"], parts, seed)
            trained = self.networks.train(table, ways, train, stop, test, seed, judge, keep, proxy)
        else:
            fit = FITS.get(self.model, training.train_fields)
            trained = fit(table, ways, train, stop, test, parts[self.model], seed, partial(_judged, judge, stop))
        out: dict[str, AnyArray] = {"test": test}
        for way, done in zip(ways, trained, strict=True):
            out[f"p.{way.name}"] = done.probability.astype(np.float32)
            top = np.sort(way.weight)[::-1][: max(1, len(way.weight) // 100)].sum() / way.weight.sum()
            ess = effective_sample_size(way.weight) / len(way.weight) if done.ess is None else done.ess
            out[f"facts.{way.name}"] = np.array([done.rows, ess, top])
        return out


def _kept(keep: Keep, prefix: str, stage: str, compute: Any) -> Mapping[str, AnyArray]:
    """Keep a stage of one cell."""
    return keep(prefix + stage, compute)


def _judged(judge: Any, stop: Ints, p: Floats) -> float:
    """Judge probabilities of the rows to stop by."""
    return judge(p, stop)


def _unpack(arrays: Mapping[str, AnyArray]) -> Cell:
    p = {name[2:]: v for name, v in arrays.items() if name.startswith("p.")}
    facts = {name[6:]: v for name, v in arrays.items() if name.startswith("facts.")}
    columns = [{name: float(v[i]) for name, v in facts.items()} for i in range(3)]
    return Cell(arrays["test"], p, *columns)


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
    stop = rest[stopping]
    if judged.on == "given":  # a label that judges nobody stops nobody
        stop = stop[judged.label[stop] >= 0]
    return rest[~stopping], stop, test


def _signals_inside(
    table: Table,
    twins: Ints,
    parts: Mapping[str, Any],
    settings: Settings,
    train: Ints,
    seed: int,
) -> Signals:
    inside = subset(table, train)
    signals = scoring.measure(
        inside, parts["linear"], parts["boosted"], seed=seed, k=settings.inner_folds, repairs=settings.repairs
    )
    if len(twins):
        signals["agreeing"], signals["contradicting"] = duplicates.twins(twins[train], inside.label)
        signals["twin_label"] = duplicates.twin_label(twins[train], inside.label)
    if any("neighbours" in policy.needs for policy in parts["policies"].values()):
        signals |= neighbour_labels(inside.muted(signals["marked"] > 0), seed=seed)
    return scoring.as_signals(np.array([str(r) for r in train], object), inside, signals)


def subset(table: Table, rows: Ints) -> Table:
    """Return the table of ``rows`` (rising) alone; its text is read once and kept in memory."""
    text = None if table.text is None else InMemory(table.rows(rows))
    fields = None if table.fields is None else table.fields.take(rows)
    table = replace(table, features=table.features[rows], label=table.label[rows], group=table.group[rows])
    return replace(table, text=text, fields=fields)


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


def ranking(group: Ints, label: Ints, scale: Scale) -> Ranking:
    """Return judged rows that no model has spoken about yet."""
    return Ranking(group, label, scale, np.zeros(len(label)))


def said(ranking: Ranking, p: Floats, scale: Scale) -> Ranking:
    """Return the ranking with a model's probabilities: for grades, relevance is the expected gain."""
    relevance = p @ np.array(scale.gains) if scale.ordered else p[:, -1]
    return replace(ranking, relevance=np.asarray(relevance, float), probability=np.asarray(p, float))


def _score(measure: Any, ranking: Ranking) -> float:
    value = measure.overall(ranking)
    sign = 1.0 if measure.higher_is_better else -1.0
    return sign * value if np.isfinite(value) else -np.inf
