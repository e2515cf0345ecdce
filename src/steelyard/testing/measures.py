"""What every measure keeps."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from steelyard.errors import SteelyardError
from steelyard.testing import tables
from steelyard.testing.holding import hold, same
from steelyard.values.ranking import Ranking


def check_measure(measure: Any) -> None:
    """Hold a Measure to its contract: bounds, order of groups, weights of a bootstrap, better scores, empty input.

    A measure that refuses four grades with a coded error is tried with two. Whether it tells good scores from bad ones
    is tried with a cut of 1 where it has a cut: some measures of a whole list cannot.
    """
    ranking = tables.ranking()
    try:
        measure.overall(ranking)
    except SteelyardError:
        ranking = tables.ranking(classes=2)
    value = measure.per_query(ranking)
    low, high = measure.bounds
    seen = value[~np.isnan(value)]
    hold(value.shape == (ranking.n_groups,), measure, f"must give one value a query, not {value.shape}")
    hold(len(seen), measure, "must be defined for some query")
    hold((seen >= low - 1e-12).all() and (seen <= high + 1e-12).all(), measure, f"must lie in {low}..{high}")
    whole = measure.overall(ranking)
    once, twice = np.ones(ranking.n_groups), np.full(ranking.n_groups, 2.0)
    hold(same(measure.overall(ranking, once), whole), measure, "must not change with weights of 1")
    hold(same(measure.overall(ranking, twice), whole), measure, "must not change when every query is drawn twice")
    order = np.argsort(-ranking.codes, kind="stable")
    turned = replace(_taken(ranking, order), group=-ranking.group[order])
    hold(same(measure.overall(turned), whole), measure, "must not depend on the order of the queries")
    if measure.kind == "ranking":
        hold(same(np.sort(measure.per_query(turned)), np.sort(value)), measure, "must value each query on its own")
    short = replace(measure, k=1) if getattr(measure, "k", 0) is None else measure
    best, worst = (short.overall(_knowing(ranking, sign)) for sign in (1, -1))
    better = best > worst if measure.higher_is_better else best < worst
    hold(better, measure, f"must value true scores ({best}) above reversed ones ({worst})")
    none = _taken(ranking, np.zeros(0, np.int64))
    hold(np.isnan(measure.overall(none)), measure, "must be NaN without rows")


def _taken(r: Ranking, rows: np.ndarray) -> Ranking:
    docid = None if r.docid is None else r.docid[rows]
    p = None if r.probability is None else r.probability[rows]
    return Ranking(r.group[rows], r.label[rows], r.scale, r.relevance[rows], p, docid)


def _knowing(r: Ranking, sign: int) -> Ranking:
    """Return the ranking with scores made from the labels, or from the labels reversed."""
    c = len(r.scale)
    said = np.where(r.label >= 0, r.label if sign > 0 else c - 1 - r.label, 0)
    return replace(r, relevance=said.astype(float), probability=0.9 * np.eye(c)[said] + 0.1 / c)
