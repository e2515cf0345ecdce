"""The comparison: every arm with its difference, interval, effective sample size and cost; then the slices it moves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from steelyard.page.charts.arms import arms_charts
from steelyard.page.charts.strip import strip
from steelyard.page.interactions import further_table
from steelyard.page.markup import Child, Html, Two, shorten, tag, visible
from steelyard.page.measure import arms, delta_decimals, listed, measure_name, part, side_role, unit
from steelyard.page.numerals import (
    count,
    figure,
    fixed,
    interval,
    number,
    percent,
)
from steelyard.page.slices import MOST_SLICES, guarded, left_off, slice_name
from steelyard.page.tables import Head, cell, table
from steelyard.page.words import both, known

Facts = Mapping[str, Any]


def arms_section(facts: Facts) -> Html:
    """Return the comparison, or a sentence saying that none was made."""
    compare = part(facts, "compare")
    if not arms(compare):
        return tag(
            "section",
            tag("h2", both("arms.heading")),
            tag("p", both("arms.none"), class_="empty"),
            id="comparison",
        )
    charts = arms_charts(compare)
    return tag(
        "section",
        tag("h2", both("arms.heading")),
        tag("p", _how_measured(compare, unit(facts)), class_="lede"),
        tag("p", judged_on(compare, unit(facts)), class_="lede"),
        tag("figure", charts, tag("figcaption", both("arms.caption"))) if charts else None,
        _arms_table(compare),
        further_table(arms(compare), _arm_code),
        _guard(compare),
        id="comparison",
    )


def judged_on(compare: Facts, of: str) -> Two:
    """Return what kind of labels, or of later interactions, the arms were judged by."""
    on = "gold" if compare.get("on") == "gold" else "given"
    return both(f"arms.on.{on}.{of}") if known(f"arms.on.{on}.{of}") else both(f"arms.on.{on}")


def _arm_code(arm: Facts) -> Html:
    return tag("code", shorten(arm.get("name") or "?", 40))


def _how_measured(compare: Facts, of: str) -> Child:
    return both(
        f"arms.how.{of}",
        measure=measure_name(compare.get("measure")),
        groups=count(compare.get("groups")),
        rows=count(compare.get("rows")),
        seeds=count(compare.get("seeds")),
        folds=count(compare.get("folds")),
        uses=count(compare.get("test_uses") or 1),
    )


def _arms_table(compare: Facts) -> Html:
    rows = arms(compare)
    decimals = delta_decimals(rows)
    heads = [
        Head(both("arms.arm")),
        Head(visible(measure_name(compare.get("measure"))), "num"),
        Head(both("arms.delta"), "num"),
        Head(both("arms.interval"), "num"),
        Head(both("arms.ess"), "num"),
        Head(both("arms.top_share"), "num"),
        Head(both("arms.cost"), "num"),
    ]
    total, measure = number(compare.get("rows")), measure_name(compare.get("measure"))
    body = [_arm_row(a, decimals, total, compare.get("recommended"), Two(measure, measure)) for a in rows]
    return table(both("arms.heading"), heads, body, kind="arms")


def _arm_row(arm: Facts, decimals: int, total: float | None, recommended: Any, measure: Two) -> Html:
    name = str(arm.get("name") or "?")
    chosen = bool(recommended) and recommended == arm.get("name")
    kind = "control" if arm.get("control") else "chosen" if chosen else ""
    marks: list[Child] = [tag("code", shorten(name, 40))]
    if kind:
        said = side_role(arm) if kind == "control" else kind
        marks.append(tag("span", both(f"arms.{said}"), class_=f"chip {kind}"))
    if known(f"arm.{name}"):
        marks.append(tag("span", both(f"arm.{name}"), class_="note"))
    delta = number(arm.get("delta"))
    cost = number(arm.get("cost"))
    ends = interval(arm.get("low"), arm.get("high"), decimals, sign=True) or "–"
    return tag(
        "tr",
        tag("th", marks, scope="row"),
        cell(fixed(arm.get("value"), decimals), "num", measure),
        cell(fixed(delta, decimals, sign=True), "num strong", both("arms.delta")),
        cell(ends, "num", both("arms.interval")),
        cell(_size(number(arm.get("ess")), total), "num", both("arms.ess")),
        cell(percent(arm.get("top_share")), "num", both("arms.top_share")),
        cell("–" if cost is None else f"{figure(cost)}×", "num", both("arms.cost")),
        class_=kind or None,
    )


def _size(ess: float | None, total: float | None) -> str:
    """Return the effective sample size as rows and as a share; up to 1 it is a share already."""
    if ess is None:
        return "–"
    if ess <= 1:
        return percent(ess)
    return f"{count(ess)} ({percent(ess / total, 0)})" if total and ess <= total else count(ess)


def _guard(compare: Facts) -> Html:
    """Return the slices of the test that an arm moves, the harmed ones first."""
    slices = [s for s in listed(compare, "slices") if isinstance(s, Mapping)]
    if not slices:
        return tag("div", tag("h3", both("guard.heading")), tag("p", both("guard.none"), class_="empty"))
    slices.sort(key=lambda s: (not s.get("harmed"), number(s.get("delta")) or 0.0))
    shown = slices[:MOST_SLICES]
    ends = [abs(v) for s in shown for k in ("delta", "low", "high") if (v := number(s.get(k))) is not None]
    reach = 1.05 * max(ends, default=0.0) or 1.0
    decimals = delta_decimals(shown)
    heads = [
        Head(both("guard.slice")),
        Head(both("arms.arm")),
        Head(both("slices.n"), "num"),
        Head(both("arms.delta"), "num"),
        Head(both("arms.interval"), "num"),
        Head("", "draw"),
        Head(both("guard.outcome")),
    ]
    body = [_guard_row(s, decimals, reach) for s in shown]
    return tag(
        "div",
        tag("h3", both("guard.heading")),
        *(tag("p", both(word, **of), class_="lede") for word, of in guarded(slices)),
        table(both("guard.heading"), heads, body, kind="guard"),
        left_off(len(slices) - len(shown)),
    )


def _guard_row(s: Facts, decimals: int, reach: float) -> Html:
    delta, low, high = (number(s.get(k)) for k in ("delta", "low", "high"))
    kind = "lost" if s.get("harmed") else "gained" if low is not None and low > 0 else "unclear"
    return tag(
        "tr",
        tag("th", slice_name(s), scope="row"),
        cell(tag("code", shorten(s.get("arm") or "–", 40))),
        cell(count(s.get("n")), "num"),
        cell(fixed(delta, decimals, sign=True), "num strong"),
        cell(interval(low, high, decimals, sign=True) or "–", "num"),
        cell(strip(delta, low, high, (-reach, reach), mark=0.0, kind=kind), "draw"),
        cell(tag("span", both(f"guard.{kind}"), class_=f"sign {kind}")),
        class_=kind,
    )
