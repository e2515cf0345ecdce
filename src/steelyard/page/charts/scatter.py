"""The data map: how sure the model is of the given label, and how much that varies; colour and shape say suspicion.

Source of the picture: Swayamdipta et al. 2020, Dataset Cartography (EMNLP).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from steelyard.page.charts.frame import Axis, box, drawing, line, words
from steelyard.page.markup import Html, tag
from steelyard.page.measure import listed
from steelyard.page.numerals import count, figure, nice_ticks, number
from steelyard.page.words import both

WIDTH, HEIGHT, LEFT, RIGHT, TOP, FLOOR = 560, 430, 52, 548, 14, 350
MOST = 5_000
SHAPES = ("M{0} {1}h0", "M{0} {1}h0", "M{0} {1}l2 2 2-2-2-2z", "M{0} {1}l4 4m0-4l-4 4")
SHIFT = ((0, 0), (0, 0), (-2, 0), (-2, -2))  # from the point to where its shape begins
Point = tuple[float, float, float]


def scatter_chart(facts: Mapping[str, Any], flagged_from: float | None) -> Html:
    """Return the map of at most 5,000 points, or nothing when there is none to draw."""
    points = map_points(facts)
    if not points:
        return Html("")
    across = Axis(0.0, max(max(p[0] for p in points) * 1.03, 1e-6), LEFT, RIGHT)
    low, high = min(p[1] for p in points), max(p[1] for p in points)
    upward = Axis(0.0, 1.0, FLOOR, TOP) if low >= 0 and high <= 1 else Axis(low, high, FLOOR, TOP)
    edges = suspicion_edges(flagged_from)
    return drawing(
        "map",
        WIDTH,
        HEIGHT,
        both("chart.map.title"),
        both("chart.map.desc", drawn=len(points), n=int(number(facts.get("n")) or len(points))),
        _ground(across, upward),
        _points(points, across, upward, edges),
        _regions(),
        _legend(edges),
    )


def map_points(facts: Mapping[str, Any]) -> list[Point]:
    """Return the (variability, confidence, suspicion) that can be drawn; every k-th one when there are too many."""
    rows = zip(listed(facts, "x"), listed(facts, "y"), listed(facts, "s"), strict=False)
    found = [(number(x), number(y), number(s)) for x, y, s in rows]
    whole = [(x, y, s or 0.0) for x, y, s in found if x is not None and y is not None]
    step = -(-len(whole) // MOST) or 1
    return whole[::step]


def suspicion_edges(flagged_from: float | None) -> tuple[float, float, float]:
    """Return the three edges between the four kinds of points; the last kind is what is flagged, where known."""
    if flagged_from is not None and 0.3 <= flagged_from <= 1:
        return (0.25, (0.25 + flagged_from) / 2 if flagged_from < 0.55 else 0.5, flagged_from)
    return (0.25, 0.5, 0.75)


def _kind(suspicion: float, edges: tuple[float, float, float]) -> int:
    return sum(suspicion >= e for e in edges)


def _points(points: list[Point], across: Axis, upward: Axis, edges: tuple[float, float, float]) -> list[Html]:
    paths: list[list[str]] = [[], [], [], []]
    for x, y, s in points:
        kind = _kind(s, edges)
        right, down = SHIFT[kind]
        paths[kind].append(SHAPES[kind].format(f"{across.at(x) + right:g}", f"{upward.at(y) + down:g}"))
    return [tag("path", class_=f"pt pt{k}", d="".join(p)) for k, p in enumerate(paths) if p]


def _ground(across: Axis, upward: Axis) -> list[Html]:
    shapes = [box(LEFT, TOP, RIGHT - LEFT, FLOOR - TOP, "ground")]
    ticks = nice_ticks(across.low, across.high, 5)
    shapes += [words(across.at(t), FLOOR + 18, figure(t), anchor="middle") for t in ticks]
    for tick in nice_ticks(upward.low, upward.high, 4):
        shapes.append(line(LEFT, upward.at(tick), RIGHT, upward.at(tick), "grid"))
        shapes.append(words(LEFT - 8, upward.at(tick) + 4, figure(tick), anchor="end"))
    shapes.append(words((LEFT + RIGHT) / 2, FLOOR + 38, both("chart.map.x"), anchor="middle"))
    middle = (TOP + FLOOR) / 2
    turned = tag(
        "text",
        both("chart.map.y"),
        class_="tick",
        text_anchor="middle",
        transform=f"translate(12 {middle:g}) rotate(-90)",
    )
    return [*shapes, turned]


def _regions() -> list[Html]:
    return [
        words(LEFT + 12, TOP + 22, both("chart.map.easy"), kind="region"),
        words(RIGHT - 12, (TOP + FLOOR) / 2, both("chart.map.ambiguous"), anchor="end", kind="region"),
        words(LEFT + 12, FLOOR - 12, both("chart.map.hard"), kind="region"),
    ]


def _legend(edges: tuple[float, float, float]) -> list[Html]:
    a, b, c = (figure(e, 2) for e in edges)
    y, shapes = HEIGHT - 8, [words(LEFT, HEIGHT - 8, both("chart.map.legend"))]
    for kind, said in enumerate((f"< {a}", f"{a}–{b}", f"{b}–{c}", f"≥ {c}")):
        x, (right, down) = LEFT + 108 + kind * 96, SHIFT[kind]
        mark = SHAPES[kind].format(f"{x + right:g}", f"{y - 4 + down:g}")
        shapes += [tag("path", class_=f"pt pt{kind} key", d=mark), words(x + 10, y, said)]
    return shapes


def drawn_of(facts: Mapping[str, Any]) -> tuple[str, str]:
    """Return how many points are drawn, and of how many."""
    drawn = len(map_points(facts))
    return count(drawn), count(max(number(facts.get("n")) or 0, drawn))
