"""Both views of all rows: how the text fits upward, how others lead there across, shaded by the root of the rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from steelyard.page.charts.frame import box, drawing, line, words
from steelyard.page.charts.grid import LEVELS
from steelyard.page.markup import Html, tag
from steelyard.page.measure import listed, part
from steelyard.page.numerals import count, number, percent
from steelyard.page.words import both

LEFT, TOP, SIDE = 92, 54, 40
Facts = Mapping[str, Any]


def plane_chart(views: Facts) -> Html:
    """Return the picture of both views; nothing where no row has both."""
    grid = [[number(v) or 0.0 for v in row] for row in listed(part(views, "grid"), "rows")]
    size = len(grid)
    if not size or any(len(row) != size for row in grid) or not any(map(any, grid)):
        return Html("")
    chance = listed(part(views, "grid"), "chance")
    whole, most = sum(map(sum, grid)), max(map(max, grid))
    end, floor = LEFT + SIDE * size, TOP + SIDE * size
    shapes = []
    for up, row in enumerate(grid):
        for across, rows in enumerate(row):
            x, y = LEFT + SIDE * across, floor - SIDE * (up + 1)
            luck = number(chance[up][across]) if len(chance) == size and len(chance[up]) == size else None
            said = both(
                "chart.plane.cell",
                rows=count(rows),
                share=percent(rows / whole),
                chance="–" if luck is None else percent(luck),
                text=_span(up, size),
                others=_span(across, size),
            )
            shade = "none" if not rows else f"l{min(int(LEVELS * (rows / most) ** 0.5), LEVELS - 1)}"
            shapes.append(box(x, y, SIDE - 1, SIDE - 1, f"cell {shade}", tag("title", said)))
    middle, half = LEFT + SIDE * size / 2, TOP + SIDE * size / 2
    cut = [line(middle, TOP, middle, floor, "threshold"), line(LEFT, half, end, half, "threshold")]
    corners = {"cold": (LEFT, TOP - 10, "start"), "redundant": (end, TOP - 10, "end")}
    corners |= {"mis_click": (LEFT, floor + 20, "start"), "complement": (end, floor + 20, "end")}
    named = [words(x, y, both(f"views.{q}"), anchor=at, kind="region") for q, (x, y, at) in corners.items()]
    return drawing(
        "plane",
        end + 4,
        floor + 48,
        both("chart.plane.title"),
        both("chart.plane.desc", size=size),
        shapes,
        cut,
        named,
        words(middle, floor + 42, both("chart.plane.x"), anchor="middle"),
        words(0, 14, both("chart.plane.y")),
        [
            words(LEFT - 10, y, t, anchor="end", kind="tick")
            for y, t in ((floor, "0"), (half + 4, "½"), (TOP + 10, "1"))
        ],
    )


def _span(part_: int, size: int) -> str:
    return f"{part_ / size:.1f}–{(part_ + 1) / size:.1f}"
