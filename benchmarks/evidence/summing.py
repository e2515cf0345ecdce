"""From cells to figures: means over tables with intervals, differences on the same rows, the confusion of verdicts.

The unit is the table: cells of one table (seeds, rates, kinds of raters) are averaged first, and the interval is
Student's over tables. So many cells of one table do not make a claim surer.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.evidence import rules
from benchmarks.evidence.detectors import BASE
from benchmarks.evidence.plan import READ_ROWS

Figures = list[dict[str, Any]]

#: Rungs that are read together, in the order of the tables; the first two are what the targets speak of.
GROUPS: dict[str, tuple[str, ...]] = {
    "people": ("majority", "first_answer", "one_rater"),
    "by row": ("instance_10", "instance_20"),
    "by class": ("class_20",),
    "uniform": ("uniform_10", "uniform_20"),
    "neighbouring grade": ("adjacent_20",),
    "one slice": ("artefact_slice_10",),
    "token": ("artefact_token_10",),
    "disputed": ("disputed",),
}
ENOUGH = 3  # tables, below which no interval over tables is given


@dataclass(frozen=True)
class Mean:
    """A mean over n tables with its 95% interval (nan with fewer than two)."""

    value: float
    low: float
    high: float
    n: int

    def __str__(self) -> str:
        interval = f" [{self.low:+.3f}, {self.high:+.3f}]" if self.n > 1 else ""
        return f"{self.value:+.3f}{interval}"


def share(m: Mean) -> str:
    """Return a share with its interval, or with the number of tables where these are too few for one."""
    return f"{m.value:.2f} [{m.low:.2f}, {m.high:.2f}]" if np.isfinite(m.low) else f"{m.value:.2f} ({m.n} tables)"


def points(m: Mean) -> str:
    """Return a difference in points, hundredths of the measure, with its interval where there is one."""
    interval = f" [{100 * m.low:+.2f}, {100 * m.high:+.2f}]" if m.n > 1 else ""
    return f"{100 * m.value:+.2f}{interval}"


def student(values: Iterable[float]) -> Mean:
    """Return the mean with Student's 95% interval."""
    from scipy.stats import t

    v = np.array([x for x in values if np.isfinite(x)], float)
    if not len(v):
        return Mean(float("nan"), float("nan"), float("nan"), 0)
    half = float(t.ppf(0.975, len(v) - 1) * v.std(ddof=1) / np.sqrt(len(v))) if len(v) > 1 else float("nan")
    return Mean(float(v.mean()), float(v.mean()) - half, float(v.mean()) + half, len(v))


def by_table(cells: Figures, value: Callable[[dict[str, Any]], float]) -> dict[str, float]:
    """Return table -> mean of a figure over its cells; cells that lack it are left out."""
    found: dict[str, list[float]] = defaultdict(list)
    for cell in cells:
        try:
            figure = value(cell)
        except KeyError:
            continue
        found[cell["cell"]["table"]].append(figure)
    return {name: float(np.mean(v)) for name, v in found.items()}


def of(
    cells: Figures, kind: str, rungs: tuple[str, ...] | None = None, tier: str = "quick", read: bool = False
) -> Figures:
    """Return the cells of a kind, of some rungs, of a tier.

    read: those of few rows that stand beside the full tier, which count nowhere else.
    """
    return [
        c
        for c in cells
        if c["cell"]["kind"] == kind
        and c["cell"]["tier"] == tier
        and (rungs is None or c["cell"]["rung"] in rungs)
        and (kind != "detection" or (c["cell"]["rows"] == READ_ROWS) == read)
    ]


def of_texts(cells: Figures) -> Figures:
    """Return the scorings of tables of texts, which look for words that labels came with."""
    return [c for c in of(cells, "detection") + of(cells, "marks") if c["model"] == "linear"]


def lead(cells: Figures, name: str, over: str = BASE, figure: str = "ap") -> Mean:
    """Return what a score finds more than another one on the same rows, mean over tables."""
    found = by_table(cells, lambda c: c["scores"][name][figure] - c["scores"][over][figure])
    return student(found.values())


def mean(cells: Figures, name: str, figure: str) -> float:
    """Return a figure of a score, mean over tables; nan where no cell has it."""
    found = by_table(cells, lambda c: c["scores"][name][figure])
    return float(np.mean(list(found.values()))) if found else float("nan")


def _known(cells: Figures, name: str, figures: Iterable[str]) -> dict[str, float]:
    """Return figure -> ``mean``, those that some cell has."""
    return {figure: value for figure in figures if np.isfinite(value := mean(cells, name, figure))}


def beside(cells: Figures, rungs: tuple[str, ...], tier: str, others: tuple[str, ...]) -> Figures:
    """Return the detection cells of a tier with the scores of other tiers on the same rows and noise among theirs.

    Those are called ``quick suspicion`` and so on; a cell that one of the other tiers lacks is left out.
    """

    def same(c: dict[str, Any]) -> tuple[Any, ...]:
        return tuple(c["cell"].get(k) for k in ("table", "rung", "seed", "rows"))

    read = tier == "full"
    there = {(other, same(c)): c["scores"] for other in others for c in of(cells, "detection", rungs, other, read)}
    out = []
    for c in of(cells, "detection", rungs, tier, read):
        if all((other, same(c)) in there for other in others):
            more = {f"{other} {name}": f for other in others for name, f in there[other, same(c)].items()}
            out.append({**c, "scores": {**c["scores"], **more}})
    return out


def detection(cells: Figures) -> dict[str, dict[str, float]]:
    """Return score -> mean over tables of its figures, of the lift over the share of wrong rows, and of its cost."""
    names = list(dict.fromkeys(n for c in cells for n in c["scores"]))
    keys = ("auc", "ap", "p@1%", "p@5%", "p@10%", "p@count", "class_auc_worst", "slice_auc_worst", "cost")
    out: dict[str, dict[str, float]] = {}
    for name in names:
        out[name] = _known(cells, name, keys)
        lift = by_table(cells, lambda c, n=name: c["scores"][n]["ap"] / c["wrong"])  # type: ignore[misc]
        out[name]["lift"] = float(np.mean(list(lift.values())))
    return out


def worst(cells: Figures, name: str, figure: str = "auc") -> tuple[float, str]:
    """Return the least figure of a score over all cells with wrong rows that are known, and where."""
    known = [c for c in cells if c["cell"]["rung"] != "disputed" and name in c["scores"]]
    if not known:
        return float("nan"), "-"
    least = min(known, key=lambda c: c["scores"][name][figure])
    return least["scores"][name][figure], f"{least['cell']['table']}, {least['cell']['rung']}"


def worst_table(cells: Figures) -> dict[str, dict[str, Any]]:
    """Return score -> its least AUROC, where, and the mean over tables of that within classes and slices."""
    known = [c for c in of(cells, "detection") if c["cell"]["rung"] != "disputed"]
    out: dict[str, dict[str, Any]] = {}
    for name in dict.fromkeys(n for c in known for n in c["scores"]):
        value, where = worst(known, name)
        keys = ("class_auc_mean", "class_auc_worst", "slice_auc_mean", "slice_auc_worst")
        out[name] = {"least": value, "where": where, **_known(known, name, keys)}
    return out


def gains(cells: Figures, arm: str, over: str | None = None) -> Mean:
    """Return what an arm gains over uniform with early stopping (or over another arm), mean over tables."""

    def gain(c: dict[str, Any]) -> float:
        return c["arms"][arm]["delta"][0] - (c["arms"][over]["delta"][0] if over else 0.0)

    return student(by_table(cells, gain).values())


def recovered(cells: Figures, arm: str, draws: int = 2000) -> Mean:
    """Return the arm's gain over the oracle's, both summed over tables; the interval draws tables with replacement.

    A ratio of sums: where the oracle gains nothing a ratio of its own would say nothing, loudly. Of fewer than ENOUGH
    tables there is no interval: drawing two tables with replacement says nothing of others.
    """
    of_arm = by_table(cells, lambda c: c["arms"][arm]["delta"][0] + 0 * c["arms"]["oracle"]["delta"][0])
    of_oracle = by_table(cells, lambda c: c["arms"]["oracle"]["delta"][0] + 0 * c["arms"][arm]["delta"][0])
    names = sorted(of_arm)
    a, o = (np.array([f[n] for n in names]) for f in (of_arm, of_oracle))
    if not len(a) or o.sum() <= 0:
        return Mean(float("nan"), float("nan"), float("nan"), len(a))
    if len(a) < ENOUGH:
        return Mean(float(a.sum() / o.sum()), float("nan"), float("nan"), len(a))
    chosen = np.random.default_rng(0).integers(0, len(a), (draws, len(a)))
    shares = a[chosen].sum(1) / np.maximum(o[chosen].sum(1), 1e-9)
    low, high = np.quantile(shares, [0.025, 0.975])
    return Mean(float(a.sum() / o.sum()), float(low), float(high), len(a))


def recommended_gain(cell: dict[str, Any]) -> float:
    """Return what following the verdict would have gained: its arm's gain, 0 where it says to keep all as it is."""
    return cell["arms"][cell["recommended"]]["delta"][0] if cell["recommended"] else 0.0


def below_control(cells: Figures, arm: str) -> list[str]:
    """Return the cells where an arm lies below its own control with an interval that excludes 0."""
    return [
        f"{c['cell']['table']}, {c['cell']['rung']}"
        for c in cells
        if "over_control" in c["arms"].get(arm, {}) and c["arms"][arm]["over_control"][2] < 0
    ]


def verdicts(cells: Figures) -> dict[str, Any]:
    """Return the confusion: kind of cell -> answer -> count, the cells that are wrong, and how many are right.

    fixed: cells whose answer follows from how they were made; known: those that gave a right one; asked: those that
    gave the one asked for, no allowance made. acted: verdicts to act on clean or tiny tables.
    """
    table: dict[str, dict[str, int]] = {k: dict.fromkeys(rules.ALL, 0) for k in rules.KINDS}
    wrong, right, asked, known, fixed, acted = [], 0, 0, 0, 0, 0
    for c in cells:
        rung = c["cell"]["rung"]
        which = rules.kind(rung, c)
        table[which][c["answer"]] += 1
        fixed += which in rules.FIXED
        asked += which in rules.FIXED and c["answer"] in rules.FIXED[which]
        acted += which in ("clean", "tiny") and c["answer"] in rules.ACT
        if rules.is_right(rung, c):
            right += 1
            known += which in rules.FIXED
        else:
            wrong.append({"cell": c["cell"], "kind": which, "answer": c["answer"], "why": c["why"]})
    return {"confusion": table, "wrong": wrong, "right": right, "cells": len(cells), "asked": asked, "known": known,
            "fixed": fixed, "acted": acted}  # fmt: skip
