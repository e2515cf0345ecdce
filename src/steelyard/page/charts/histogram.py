"""How suspicion is spread over the rows; bars on a log scale, because almost all rows are innocent."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from steelyard.page.charts.frame import Axis, box, drawing, line, words
from steelyard.page.markup import Html, tag
from steelyard.page.measure import listed
from steelyard.page.numerals import count, figure, nice_ticks, number
from steelyard.page.words import both

WIDTH, HEIGHT, LEFT, RIGHT, TOP, FLOOR = 560, 430, 60, 548, 34, 350


def histogram_chart(facts: Mapping[str, Any], flagged_from: float | None) -> Html:
    """Return the histogram of suspicion, or nothing when there are no counts."""
    edges = [v for v in map(number, listed(facts, "edges")) if v is not None]
    counts = [max(v, 0.0) for v in map(number, listed(facts, "counts")) if v is not None]
    if len(edges) != len(counts) + 1 or not any(counts):
        return Html("")
    across = Axis(edges[0], edges[-1], LEFT, RIGHT)
    upward = Axis(0.0, math.log10(max(counts) * 1.6 + 1), FLOOR, TOP)
    return drawing(
        "histogram",
        WIDTH,
        HEIGHT,
        both("chart.histogram.title"),
        both(
            "chart.histogram.desc" if flagged_from is not None else "chart.histogram.desc.plain", n=round(sum(counts))
        ),
        tag("defs", _hatch()),
        _ground(across, upward, max(counts)),
        [_bar(across, upward, edges[k], edges[k + 1], c, flagged_from) for k, c in enumerate(counts)],
        _threshold(across, flagged_from),
        line(LEFT, FLOOR, RIGHT, FLOOR, "axis"),
    )


def _hatch() -> Html:
    stripe = line(0, 0, 0, 5, "hatch-line")
    ground = box(0, 0, 5, 5, "hatch-ground")
    return tag(
        "pattern",
        ground,
        stripe,
        id="hatch",
        width=5,
        height=5,
        patternUnits="userSpaceOnUse",
        patternTransform="rotate(45)",
    )


def _bar(across: Axis, upward: Axis, low: float, high: float, rows: float, flagged_from: float | None) -> Html:
    left, right = across.at(low), across.at(high)
    top = upward.at(math.log10(rows + 1))
    flagged = flagged_from is not None and (low + high) / 2 >= flagged_from
    said = tag("title", f"{figure(low)}–{figure(high)}: {count(rows)}")
    return box(left + 1, top, right - left - 2, FLOOR - top, "column flagged" if flagged else "column", said)


def _ground(across: Axis, upward: Axis, most: float) -> list[Html]:
    shapes = []
    for power in range(math.floor(math.log10(max(most, 1))) + 1):
        y = upward.at(math.log10(10**power + 1))
        shapes.append(line(LEFT, y, RIGHT, y, "grid"))
        shapes.append(words(LEFT - 8, y + 4, count(10**power), anchor="end"))
    ticks = nice_ticks(across.low, across.high, 5)
    shapes += [words(across.at(t), FLOOR + 18, figure(t), anchor="middle") for t in ticks]
    shapes.append(words((LEFT + RIGHT) / 2, FLOOR + 38, both("chart.histogram.x"), anchor="middle"))
    shapes.append(words(0, 12, both("chart.histogram.y")))
    return shapes


def _threshold(across: Axis, flagged_from: float | None) -> list[Html]:
    if flagged_from is None or not across.holds(flagged_from):
        return []
    x = across.at(flagged_from)
    late = x > (LEFT + RIGHT) / 2
    label = both("chart.histogram.flagged", threshold=figure(flagged_from))
    return [
        line(x, TOP - 6, x, FLOOR, "threshold"),
        words(x + (-6 if late else 6), TOP + 4, label, anchor="end" if late else "start", kind="value"),
    ]
