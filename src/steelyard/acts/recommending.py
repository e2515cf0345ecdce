"""Recommending: every arm learns from the same interactions, stops by others, and is asked for lists of all items.

A cell is one seed. Its rows to learn from, to stop by and to test on are disjoint, by the given split, else by the
time of each user, else by chance. Readings are computed inside the rows to learn from. A list never holds an item that
its user took in the rows to learn from (nor, on test rows, in those to stop by); what a user took again is no test.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from steelyard.acts import clicking, dividing, doubting
from steelyard.acts.cells import BASE, CONTROL_OF, STEP, WRONG_ROWS, Settings
from steelyard.acts.recalling import Scores, best, coverage, gini, ranking
from steelyard.acts.stages import Keep
from steelyard.acts.stepping import Inside, Noted
from steelyard.errors import DataError, EnvironmentProblem
from steelyard.values.arrays import AnyArray, Floats, Ints, Mask, Strings
from steelyard.values.interactions import Interactions
from steelyard.values.ranking import Ranking
from steelyard.values.readings import Readings
from steelyard.values.weights import effective_sample_size

#: Which estimator's suspicion the policies use, see ``parts/estimators/standing.py``.
HEADLINE = "standing"
#: A training is looked at this often at most; the best look counts. All arms train to the end, so that none gets more.
LOOKS = 20
#: Arms that weigh by a reading, and arms that weigh inside the step.
POLICIES = ("user_gate", "ips")
ALPHAS = ("t_ce", "r_ce")  # their arms are called step_t_ce, step_r_ce
BASELINES = ("popularity", "item_knn", "ease")

#: Share of a user's rows to test on, and of its rows to stop by: users of five rows have one of each.
HELD = 0.2
#: Least takers of the bands of items for which arms are told apart; the first band is that of cold items.
POPULAR = (0, 5, 20, 100)


@dataclass(frozen=True)
class Parts:
    """What a comparison is made of. base, scorer: Recommender parts, the one that the arms train and the one that
    reads. baselines, estimators, policies, alphas, measures: by name; measures: the first one decides, of lists up to
    their cut, or of clicks where it has none. clicks: measures of shown rows, where the table tells them.
    """

    base: Any
    scorer: Any
    baselines: Mapping[str, Any]
    estimators: Mapping[str, Any]
    policies: Mapping[str, Any]
    alphas: Mapping[str, Any]
    measures: Mapping[str, Any]
    clicks: Mapping[str, Any] = field(default_factory=dict)

    @property
    def decides(self) -> Any:
        return next(iter(self.measures.values()))

    @property
    def by_clicks(self) -> bool:
        """Whether clicks on shown rows decide, not lists."""
        return getattr(self.decides, "k", None) is None

    @property
    def lists(self) -> dict[str, Any]:
        return {n: m for n, m in self.measures.items() if getattr(m, "k", None) is not None}


@dataclass(frozen=True)
class Sets:
    """learn: the rows to learn from, users and items with the codes of all. stop, test: (u, m) what was truly taken
    of what was not seen before; seen_stop, seen_test: (u, m) what no list may hold. shown: what was shown, taken or
    not, in the rows to stop by and to test on; None where the table does not tell. candidates: (u, m) what lists are
    made of, None for all items."""

    learn: Interactions
    stop: csr_array
    test: csr_array
    seen_stop: csr_array
    seen_test: csr_array
    shown: clicking.Shown | None = None
    candidates: csr_array | None = None

    def scores(self, fitted: Any) -> Scores:
        """Return what ranks the lists: all items by ``fitted.scores``, given ones by ``fitted.among``."""
        return fitted.scores if self.candidates is None else partial(_given, fitted, self.candidates)


@dataclass(frozen=True)
class Cell:
    """What one cell found. values: arm -> (u,) measure, NaN for users without test rows. more: arm -> every measure,
    coverage and gini. ess, top: arm -> n_eff / n and the weight of the top 1%. activity: (u,) rows to learn from.
    refused: baselines that this machine cannot train, with the reason. popular: band of takers (``bands_of``) -> arm
    -> (u,) the deciding measure when only held-out items of the band are wanted, NaN for users without one; empty where
    clicks decide."""

    values: Mapping[str, Floats]
    more: Mapping[str, Mapping[str, float]]
    ess: Mapping[str, float]
    top: Mapping[str, float]
    activity: Ints
    rows: int
    refused: Mapping[str, EnvironmentProblem]
    popular: Mapping[str, Mapping[str, Floats]] = field(default_factory=dict)


def run(
    rows: Interactions,
    parts: Parts,
    settings: Settings,
    number: int,
    keep: Keep,
    narrow: Callable[[Sets], Sets] | None = None,
) -> Cell:
    """Return one cell. keep: stages of the run; an arm is one. narrow: gives the sets their candidates.

    Raises DataError D230 without rows to test on, D235 where clicks are to decide and nothing tells what was shown.
    """
    seed = settings.seed + 1000 * number
    sets = three_sets(rows, seed)
    if narrow is not None:
        sets = narrow(sets)
    if parts.by_clicks and not (sets.shown and clicking.both_within(sets.shown.test)):
        raise DataError("D235", measure=parts.decides.name)
    readings = readings_inside(sets.learn, parts, settings, seed)
    values: dict[str, Floats] = {}
    more: dict[str, Mapping[str, float]] = {}
    ess, top = {}, {}
    refused: dict[str, EnvironmentProblem] = {}
    ways = list(arms(readings, sets.learn, parts, settings, seed))
    depth = _depth(parts, rows.n_items)
    users = np.flatnonzero(np.diff(sets.test.indptr) > 0)
    bands = {} if parts.by_clicks else bands_of(sets)
    popular: dict[str, dict[str, Floats]] = {band: {} for band in bands}

    def told(arm: str, found: Mapping[str, AnyArray], which: str) -> None:
        values[arm], more[arm] = judge(found, which, sets, users, parts)
        for band, held in bands.items():
            ranked = ranking(found[which], held, users)
            popular[band][arm] = _spread(parts.decides.per_query(ranked), ranked, rows.n_users)

    for name, weight, importance in ways:
        found = keep(
            f"cell-{number}-{name}", partial(_lists, parts.base, parts, sets, weight, importance, seed, users, depth)
        )
        both = {"uniform": "last", BASE: "best"} if name == "uniform" else {name: "best"}
        for arm, which in both.items():
            told(arm, found, which)
            ess[arm] = float(found["ess"])
            top[arm] = _top_share(weight)
    for name, part in parts.baselines.items():
        try:
            lists = partial(_lists, part, parts, sets, np.ones(len(sets.learn)), None, seed, users, depth)
            found = keep(f"cell-{number}-{name}", lists)
        except EnvironmentProblem as e:
            refused[name] = e
            continue
        told(name, found, "best")
        ess[name], top[name] = 1.0, 0.01
    activity = np.bincount(sets.learn.user, minlength=rows.n_users)
    return Cell(values, more, ess, top, activity, len(sets.learn), refused, popular)


def three_sets(rows: Interactions, seed: int) -> Sets:
    """Return what to learn from, to stop by and to test on; see the module. Raises DataError D230."""
    split = splits(rows, seed)
    wanted = rows.positive if rows.gold is None else rows.positive & (rows.gold == 1)
    learn = rows.positive & (split == "train")
    before = rows.positive & (split != "test")
    held = {s: wanted & (split == s) & ~np.isin(rows.pair, rows.pair[seen])
            for s, seen in (("valid", learn), ("test", before))}  # fmt: skip
    if not learn.any() or not held["test"].any() or not held["valid"].any():
        counts = {"train": int(learn.sum()), "valid": int(held["valid"].sum()), "test": int(held["test"].sum())}
        raise DataError("D230", **counts)

    def matrix(of: Mask) -> csr_array:
        found = rows.take(of).matrix().tocsr()
        found.sum_duplicates()
        return found

    shown = clicking.shown(rows, split)
    return Sets(rows.take(learn), matrix(held["valid"]), matrix(held["test"]), matrix(learn), matrix(before), shown)


def splits(rows: Interactions, seed: int) -> Strings:
    """Return (n,) the splits of a cell: those of the table; what it lacks is taken by time, else by chance."""
    given = rows.split
    if not (given == "test").any():
        by_time = rows.ts is not None
        return dividing.by_user_time(rows, HELD, HELD) if by_time else dividing.at_random(rows, seed, HELD, HELD)
    if (given == "valid").any():
        return given
    rest = np.flatnonzero(given == "train")
    left = rows.take(rest)
    by_time = rows.ts is not None
    inner = dividing.by_user_time(left, 0.0, HELD) if by_time else dividing.at_random(left, seed, 0.0, HELD)
    out = given.copy()
    out[rest[inner == "test"]] = "valid"
    return out


def readings_inside(learn: Interactions, parts: Parts, settings: Settings, seed: int) -> Readings:
    """Return the readings of the rows to learn from, from themselves alone."""
    signals = doubting.as_signals(learn, doubting.measure(learn, parts.scorer, k=settings.inner_folds, seed=seed))
    columns = doubting.read_out(signals, parts.estimators)
    columns["suspicion"] = columns[HEADLINE]
    return Readings(learn.row_key, {**columns, **{c: signals[c] for c in ("user", "item", "propensity")}})


def arms(
    readings: Readings, learn: Interactions, parts: Parts, settings: Settings, seed: int
) -> Iterator[tuple[str, Floats, Inside | None]]:
    """Yield name, weights (n,) and what weighs inside the step (None: the weights do)."""
    ones = np.ones(len(learn))
    rng = np.random.default_rng(seed)
    yield "uniform", ones, None
    for name, policy in parts.policies.items():
        if settings.wants(name):
            weight = policy.weigh(readings).weight
            yield name, weight, None
            yield CONTROL_OF[name], rng.permutation(weight), None
    if learn.gold is not None and (learn.gold == 0).any():
        yield "oracle", (learn.gold != 0).astype(float), None
    if not parts.base.stepwise:
        return
    for name, alpha in parts.alphas.items():
        if settings.wants(STEP + name):
            yield STEP + name, ones, Inside(alpha)
            yield STEP + name + WRONG_ROWS, ones, Inside(alpha, np.random.default_rng(seed + 1))


def judge(
    found: Mapping[str, AnyArray], which: str, sets: Sets, users: Ints, parts: Parts
) -> tuple[Floats, dict[str, float]]:
    """Return the first measure of every user (u,), NaN where it has none, and the mean of all measures.

    found: of ``_lists``; which: its moment. Beside the lists' measures stand coverage and gini, and those of clicks.
    """
    items, n_items = found[which], sets.test.shape[1]
    ranked = ranking(items, sets.test, users)
    per_user = {n: m.per_query(ranked) for n, m in parts.lists.items()}
    more = {name: float(np.nanmean(v)) for name, v in per_user.items()}
    more |= {"coverage": coverage(items, n_items), "gini": gini(items, n_items)}
    if sets.shown:
        told = {k: found[f"{which}_{k}"] for k in ("score", "p")}
        more |= clicking.judge(told, sets.shown.test, dict(parts.clicks))
    if parts.by_clicks:
        assert sets.shown is not None
        ranked = clicking.as_ranking(sets.shown.test, found[f"{which}_score"])
        more[parts.decides.name] = parts.decides.overall(ranked)
    deciding = parts.decides.per_query(ranked) if parts.by_clicks else per_user[parts.decides.name]
    return _spread(deciding, ranked, sets.test.shape[0]), more


def bands_of(sets: Sets) -> dict[str, csr_array]:
    """Return by band of takers in the rows to learn from, such as ``5-19``, the test items (u, m) of that band."""
    takers = np.bincount(sets.learn.item, minlength=sets.test.shape[1])
    place = np.searchsorted(POPULAR, takers, side="right") - 1
    out = {}
    for band, low in enumerate(POPULAR):
        name = f"{low}-{POPULAR[band + 1] - 1}" if band + 1 < len(POPULAR) else f"{low}-"
        held = csr_array(sets.test.multiply((place == band)[None, :]))
        held.eliminate_zeros()
        out[name] = held
    return out


def _spread(value: Floats, ranked: Ranking, users: int) -> Floats:
    """Return (u,) values of the groups of a ranking, whose codes are users; NaN for the others."""
    whole = np.full(users, np.nan)
    whole[np.unique(ranked.group)] = value
    return whole


def _lists(
    base: Any, parts: Parts, sets: Sets, weight: Floats, how: Inside | None, seed: int, users: Ints, depth: int
) -> dict[str, AnyArray]:
    """Return what a recommender says at its best moment and at its last, and n_eff / n, ``ess``.

    ``best``, ``last``: test lists (b, k). ``best_score``, ``best_p`` and those of ``last``: of shown test rows (n,).
    """
    plain = bool((weight == 1).all())
    ess = np.array(effective_sample_size(weight) / max(len(weight), 1))

    def answer(fitted: Any) -> dict[str, AnyArray]:
        lists = {"": best(sets.scores(fitted), sets.seen_test, users, depth)}
        told = clicking.said(fitted, sets.shown) if sets.shown else {}
        return {**lists, **{f"_{k}": v for k, v in told.items()}}

    if not base.stepwise:
        only = answer(base.fit(sets.learn, None if plain else weight, seed))
        return {**_of("best", only), **_of("last", only), "ess": ess}
    kept = weight > 0
    learn = sets.learn if kept.all() else sets.learn.take(kept)
    importance = Noted(weight[kept] / weight[kept].mean(), how)
    stop = np.flatnonzero(np.diff(sets.stop.indptr) > 0)
    every = max(1, -(-base.epochs // LOOKS))
    top, found = -np.inf, None
    for epoch in base.train(learn, None if plain and how is None else importance, seed):
        last = epoch.number == base.epochs
        if epoch.number % every and not last:
            continue
        value = _value(parts, sets, epoch.fitted, stop, depth)
        if value > top:
            top, found = value, answer(epoch.fitted)
    at_end = answer(epoch.fitted)
    ess = np.array(np.mean(importance.sizes)) if importance.sizes else ess
    return {**_of("best", at_end if found is None else found), **_of("last", at_end), "ess": ess}


def _of(moment: str, told: Mapping[str, AnyArray]) -> dict[str, AnyArray]:
    return {f"{moment}{name}": value for name, value in told.items()}


def _value(parts: Parts, sets: Sets, fitted: Any, stop: Ints, depth: int) -> float:
    """Return the deciding measure on the rows to stop by."""
    if parts.by_clicks:
        assert sets.shown is not None
        of = sets.shown.stop
        return float(np.nan_to_num(parts.decides.overall(clicking.as_ranking(of, fitted.pairs(of.user, of.item)))))
    items = best(sets.scores(fitted), sets.seen_stop, stop, depth)
    return float(np.nanmean(parts.decides.per_query(ranking(items, sets.stop, stop))))


def _given(fitted: Any, shown: csr_array, users: Ints) -> Floats:
    """Return (b, m) relevance of the items shown to each user (u, m), -inf for all others."""
    own = shown[users].tocsr()
    count = np.diff(own.indptr)
    inside = np.arange(count.max(initial=0)) < count[:, None]
    items = np.full(inside.shape, -1)
    items[inside] = own.indices
    out = np.full((len(users), shown.shape[1]), -np.inf, np.float32)
    row = np.broadcast_to(np.arange(len(users))[:, None], inside.shape)[inside]
    out[row, own.indices] = fitted.among(users, items)[inside]
    return out


def _depth(parts: Parts, n_items: int) -> int:
    """Return how long the lists must be: the largest cut."""
    return min(n_items, max((m.k for m in parts.lists.values()), default=n_items))


def _top_share(weight: Floats) -> float:
    top = np.sort(weight)[::-1][: max(1, len(weight) // 100)].sum()
    return float(top / max(weight.sum(), 1e-12))
