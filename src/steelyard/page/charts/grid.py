"""Who and what carries the doubt: activity of users across, popularity of items upward, each cell with its rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from steelyard.page.charts.frame import box, drawing, words
from steelyard.page.markup import Html, Two, tag
from steelyard.page.measure import listed, part
from steelyard.page.numerals import count, fixed, number
from steelyard.page.words import both

LEFT, TOP, WIDE, HIGH, GAP = 124, 26, 108, 46, 3
LEVELS = 5  # shades; the numbers stand in the cells, so that nobody has to read a shade
Facts = Mapping[str, Any]


def band_name(band: Facts) -> str:
    """Return 5–9, or 1 where a band is one number."""
    low, high = band.get("low"), band.get("high")
    return count(low) if low == high else f"{count(low)}–{count(high)}"


def grid_chart(carriers: Facts) -> Html:
    """Return the grid, the most popular items on top; nothing when there is none."""
    across = [b for b in listed(carriers, "activity") if isinstance(b, Mapping)]
    upward = [b for b in listed(carriers, "popularity") if isinstance(b, Mapping)]
    held, doubt = listed(part(carriers, "grid"), "count"), listed(part(carriers, "grid"), "doubt")
    if not across or not upward or len(held) != len(upward) or len(doubt) != len(upward):
        return Html("")
    known = [v for row in doubt for v in map(number, row) if v is not None]
    reach = (min(known, default=0.0), max(known, default=1.0))
    floor = TOP + HIGH * len(upward)
    right = LEFT + WIDE * len(across)
    shapes = []
    for k, band in enumerate(upward):
        y = floor - HIGH * (k + 1)
        shapes.append(words(LEFT - 12, y + HIGH / 2 + 4, band_name(band), anchor="end"))
        pairs = zip(across, held[k], doubt[k], strict=False)
        shapes += [_cell(LEFT + WIDE * j, y, a, band, n, d, reach) for j, (a, n, d) in enumerate(pairs)]
    named = [words(LEFT + WIDE * (j + 0.5), floor + 18, band_name(a), anchor="middle") for j, a in enumerate(across)]
    return drawing(
        "grid",
        right + 4,
        floor + 44,
        both("chart.grid.title"),
        both("chart.grid.desc", users=len(across), items=len(upward)),
        shapes,
        named,
        words(LEFT + WIDE * len(across) / 2, floor + 38, both("chart.grid.x"), anchor="middle"),
        words(0, 12, both("chart.grid.y")),
    )


def _cell(x: float, y: float, user: Facts, item: Facts, rows: Any, doubt: Any, reach: tuple[float, float]) -> Html:
    value = number(doubt)
    where = {"activity": band_name(user), "popularity": band_name(item)}
    if value is None:
        return box(x, y, WIDE - GAP, HIGH - GAP, "cell none", tag("title", both("chart.grid.none", **where)), rx=3)
    facts = {**where, "rows": count(rows), "doubt": fixed(value, 3)}
    return tag(
        "g",
        tag("title", both("chart.grid.cell", **facts)),
        box(x, y, WIDE - GAP, HIGH - GAP, f"cell l{level(value, reach)}", rx=3),
        words(x + (WIDE - GAP) / 2, y + 18, fixed(value, 3), anchor="middle", kind="value"),
        words(x + (WIDE - GAP) / 2, y + 34, _rows(rows), anchor="middle", kind="rows"),
        class_="of",
    )


def _rows(rows: Any) -> Two:
    return both("chart.grid.rows", rows=count(rows))


def level(value: float, reach: tuple[float, float]) -> int:
    """Return the shade from 0 to LEVELS - 1 of a value between the least and the largest of the grid."""
    low, high = reach
    return min(int(LEVELS * (value - low) / (high - low)), LEVELS - 1) if high > low else 0
