"""The arms of a comparison: each difference from uniform with its interval around zero, its seeds as dots."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from steelyard.page.charts.frame import Axis, box, diamond, dot, drawing, line, words
from steelyard.page.markup import Html, Two, shorten, tag
from steelyard.page.measure import arms, delta_decimals, listed, measure_name, side_role
from steelyard.page.numerals import fixed, interval, nice_ticks, number
from steelyard.page.words import both

TOP = 34


@dataclass(frozen=True)
class Layout:
    """Where things stand: names left of the intervals on a wide page, above them on a narrow one."""

    name: str
    width: float
    left: float
    right: float
    row: float
    lift: float  # how far names and values stand above the middle of their row
    ticks: int


WIDE = Layout("arms", 1056, 236, 838, 38, 0, 6)
NARROW = Layout("arms-narrow", 360, 4, 356, 56, 19, 3)


def arms_charts(compare: Mapping[str, Any]) -> list[Html]:
    """Return the chart for a wide page and the one for a narrow page; none when no arm has a difference."""
    return [c for c in (_chart(compare, WIDE), _chart(compare, NARROW)) if c]


def _chart(compare: Mapping[str, Any], layout: Layout) -> Html:
    shown = [a for a in arms(compare) if number(a.get("delta")) is not None]
    if not shown:
        return Html("")
    axis = _axis(shown, number(compare.get("smallest_visible")), layout)
    floor = TOP + layout.row * len(shown)
    decimals = delta_decimals(shown)
    measure = measure_name(compare.get("measure"))
    return drawing(
        layout.name,
        layout.width,
        floor + 46,
        both("chart.arms.title", measure=measure),
        both("chart.arms.desc", arms=len(shown)),
        _ground(axis, floor, number(compare.get("smallest_visible")), measure, layout),
        [
            _row(a, TOP + layout.row * (k + 0.5), axis, decimals, compare.get("recommended"), layout)
            for k, a in enumerate(shown)
        ],
    )


def _ends(arm: Mapping[str, Any]) -> list[float]:
    found = [number(arm.get(k)) for k in ("delta", "low", "high")] + [number(v) for v in listed(arm, "per_seed")]
    return [v for v in found if v is not None]


def _axis(shown: list[Mapping[str, Any]], visible: float | None, layout: Layout) -> Axis:
    """Fit the arms that matter; one far away (a weak baseline) is drawn as an arrow at the edge instead."""
    own = [v for a in shown if not a.get("control") for v in _ends(a)] + [visible or 0.0, -(visible or 0.0)]
    reach = max((abs(v) for v in own), default=0.0) or max(abs(v) for a in shown for v in _ends(a)) or 1.0
    near = [v for a in shown for v in _ends(a) if abs(v) <= 2.5 * reach] + own + [0.0]
    low, high = min(near), max(near)
    room = (high - low) * 0.06 or 0.01
    return Axis(low - room, high + room, layout.left, layout.right)


def _ground(axis: Axis, floor: float, visible: float | None, measure: str, layout: Layout) -> list[Html]:
    shapes = []
    if visible:
        left, right = axis.at(-visible), axis.at(visible)
        shapes.append(box(left, TOP, right - left, floor - TOP, "unseen"))
        shapes += [line(x, TOP, x, floor, "unseen-edge") for x in (left, right)]
        shapes.append(words(axis.at(0), TOP - 12, both("chart.arms.unseen"), anchor="middle", kind="tick"))
    ticks = nice_ticks(axis.low, axis.high, layout.ticks)
    step = ticks[1] - ticks[0] if len(ticks) > 1 else 1.0
    places = next((d for d in range(7) if abs(step * 10**d - round(step * 10**d)) < 1e-6), 6)
    for tick in ticks:
        shapes.append(line(axis.at(tick), floor, axis.at(tick), floor + 4, "axis"))
        shapes.append(words(axis.at(tick), floor + 18, fixed(tick, places, sign=True), anchor="middle"))
    shapes.append(line(axis.start, floor, axis.end, floor, "axis"))
    shapes.append(line(axis.at(0), TOP, axis.at(0), floor, "zero"))
    shapes.append(
        words((axis.start + axis.end) / 2, floor + 38, both("chart.arms.axis", measure=measure), anchor="middle")
    )
    return shapes


def _row(arm: Mapping[str, Any], middle: float, axis: Axis, decimals: int, recommended: Any, layout: Layout) -> Html:
    delta, low, high = (number(arm.get(k)) for k in ("delta", "low", "high"))
    assert delta is not None
    name = shorten(arm.get("name") or "?", 26)
    said = f"{fixed(delta, decimals, sign=True)} {interval(low, high, decimals, sign=True)}".strip()
    shapes: list[Html] = [
        tag("title", f"{name}: {said}"),
        box(0, middle - layout.row / 2, layout.width, layout.row, "hit"),
    ]
    y, above = middle + layout.lift / 2, middle + 4 - layout.lift * 0.6
    shapes.append(words(0, above, [name, _mark(arm, recommended)], kind="name"))
    if not axis.holds(delta):
        far = axis.end if delta > 0 else axis.start
        shapes.append(words(far, y + 5, "▸" if delta > 0 else "◂", anchor="end" if delta > 0 else "start", kind="far"))
    elif low is None and high is None and delta == 0:
        shapes.append(dot(axis.at(0), y, 4.5, "point baseline"))
        said = ""
    else:
        shapes += _interval(arm, y, axis, delta, low, high, bool(arm.get("name") == recommended))
    told = said or both("arms.baseline")
    if layout.lift:
        shapes.append(words(layout.width, above, told, anchor="end", kind="value"))
    else:
        shapes.append(words(layout.right + 32, above, told, kind="value"))
    return tag("g", *shapes, class_="arm control" if arm.get("control") else "arm")


def _mark(arm: Mapping[str, Any], recommended: Any) -> Two | str:
    if arm.get("control"):
        role = both(f"arms.{side_role(arm)}")
        return Two(f" · {role.en}", f" · {role.zh}")
    return " ★" if recommended and arm.get("name") == recommended else ""


def _interval(
    arm: Mapping[str, Any], y: float, axis: Axis, delta: float, low: float | None, high: float | None, star: bool
) -> list[Html]:
    shapes = []
    if low is not None and high is not None:
        shapes.append(line(axis.at(low), y - 3, axis.at(high), y - 3, "range"))
    seeds = [v for seed in listed(arm, "per_seed") if (v := number(seed)) is not None]
    shapes += [dot(axis.at(v), y + 8, 2, "seed") for v in seeds if axis.holds(v)]
    x = axis.at(delta)
    if arm.get("control"):
        shapes.append(box(x - 4, y - 7, 8, 8, "point"))
    elif star:
        shapes.append(diamond(x, y - 3, 6.5, "point"))
    else:
        shapes.append(dot(x, y - 3, 4.5, "point"))
    return shapes
