"""Picking: the rows worth labelling again within a budget, with a part drawn by chance and hidden controls.

The suspicious rows find errors. The part drawn by chance says what share of all labels is wrong, which no look at
suspicious rows can. The controls say how far the answers can be trusted. All three are shown alike and mixed.
"""

from __future__ import annotations

import numpy as np

from steelyard.values.arrays import Floats, Ints, Mask
from steelyard.values.picked import CONTROL, RANDOM, SUSPECT, Picked

#: Part of the rows, the least suspicious, whose label is believed where nobody has reviewed any.
BELIEVED = 0.25
#: Part of the controls that get another label than theirs to show, where labels are shown at all.
PLANTED = 0.5


def pick(
    suspicion: Floats,
    given: Ints,
    gold: Ints,
    twins: Ints,
    classes: int,
    *,
    budget: int,
    random: float,
    controls: float,
    seed: int,
    answered: Mask | None = None,
) -> Picked:
    """Return up to ``budget`` rows to label again.

    suspicion: (n,), NaN where there is no label. given, gold: (n,) codes, -1 none. twins: (n,) rows that share a code
    are near-identical; one of them is enough. random, controls: shares of the budget, 0..1. answered: (n,) rows that
    people have answered already; they are not asked again. A control is a reviewed row, else one that is believed.
    """
    rng = np.random.default_rng(seed)
    known = np.isfinite(suspicion) & (given >= 0)
    asked = np.zeros(len(given), bool) if answered is None else answered
    free = np.flatnonzero(known & (gold < 0) & ~asked)
    by_chance = _drawn(rng, free, round(budget * random))
    taken = np.zeros(len(given), bool)
    taken[by_chance] = True
    trusted = np.flatnonzero(known & (gold >= 0) & ~asked)
    if not len(trusted):
        trusted = free[suspicion[free] <= np.quantile(suspicion[free], BELIEVED)] if len(free) else free
        trusted = trusted[~taken[trusted]]
    checks = _drawn(rng, trusted, round(budget * controls))
    taken[checks] = True
    suspects, near = _suspects(suspicion, free, twins, taken, budget - len(by_chance) - len(checks))
    rows = np.concatenate([suspects, by_chance, checks]).astype(np.int64)
    part = np.repeat(np.array([SUSPECT, RANDOM, CONTROL], object), [len(suspects), len(by_chance), len(checks)])
    answer = np.full(len(rows), -1, np.int64)
    first = len(rows) - len(checks)
    answer[first:] = np.where(gold[checks] >= 0, gold[checks], given[checks])
    shown = given[rows].astype(np.int64)
    planted = first + _drawn(rng, np.arange(len(checks)), round(PLANTED * len(checks)))
    shown[planted] = (answer[planted] + rng.integers(1, max(classes, 2), len(planted))) % max(classes, 1)
    order = rng.permutation(len(rows))
    floor = float(suspicion[suspects].min()) if len(suspects) else np.inf
    return Picked(rows[order], part[order], shown[order], answer[order], len(free), near, floor)


def _suspects(suspicion: Floats, free: Ints, twins: Ints, taken: Mask, count: int) -> tuple[Ints, int]:
    """Return the ``count`` most suspicious rows that nothing in the queue is near-identical to, and how many were."""
    seen = set(twins[taken].tolist())
    found: list[int] = []
    near = 0
    for row in free[np.argsort(-suspicion[free], kind="stable")].tolist():
        if len(found) >= count:
            break
        if taken[row]:
            continue
        if twins[row] in seen:
            near += 1
            continue
        seen.add(twins[row])
        found.append(row)
    return np.array(found, np.int64), near


def _drawn(rng: np.random.Generator, rows: Ints, count: int) -> Ints:
    """Return ``count`` of the rows by chance, all of them where there are fewer."""
    return rng.permutation(rows)[: max(count, 0)]
