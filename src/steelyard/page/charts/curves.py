"""Learning curves of a network: what it fails to expect after each epoch, of rows it trains on and of unseen rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from steelyard.page.charts.frame import Axis, dot, drawing, line, words
from steelyard.page.markup import Html, tag
from steelyard.page.measure import listed
from steelyard.page.numerals import figure, nice_ticks, number
from steelyard.page.words import both

WIDTH, HEIGHT, LEFT, RIGHT, TOP, FLOOR = 560, 330, 60, 470, 24, 270
KINDS = ("training", "held_out")
APART = 18  # pixels between two words


def curves_chart(facts: Mapping[str, Any]) -> Html:
    """Return one line a fold and kind, or nothing when no network was trained. facts: kind -> folds of (e,) losses."""
    found = {kind: [_numbers(fold) for fold in listed(facts, kind)] for kind in KINDS}
    values = [v for folds in found.values() for fold in folds for v in fold]
    epochs = max((len(fold) for folds in found.values() for fold in folds), default=0)
    if not values:
        return Html("")
    across = Axis(1, max(epochs, 2), LEFT, RIGHT)
    upward = Axis(0.0, max(values) * 1.05 or 1.0, FLOOR, TOP)
    shapes: list[Html] = []
    for kind, folds in found.items():
        shapes += [shape for fold in folds for shape in _curve(across, upward, fold, kind)]
    for kind, y in _labels(found, upward).items():
        shapes.append(words(RIGHT + 8, y, both(f"chart.curves.{kind}"), kind="value"))
    return drawing(
        "curves",
        WIDTH,
        HEIGHT,
        both("chart.curves.title"),
        both("chart.curves.desc", folds=len(found["held_out"]), epochs=epochs),
        _ground(across, upward, epochs),
        shapes,
        line(LEFT, FLOOR, RIGHT, FLOOR, "axis"),
    )


def _labels(found: Mapping[str, list[list[float]]], upward: Axis) -> dict[str, float]:
    """Return where each kind's word stands: beside the mean of its ends, APART from the word above it."""
    ends = {kind: [fold[-1] for fold in folds if fold] for kind, folds in found.items()}
    places = sorted((upward.at(sum(e) / len(e)) + 4, kind) for kind, e in ends.items() if e)
    out: dict[str, float] = {}
    for y, kind in places:
        out[kind] = max(y, max(out.values(), default=-APART) + APART)
    return out


def _numbers(fold: Any) -> list[float]:
    return [v for v in map(number, fold if isinstance(fold, list) else []) if v is not None]


def _curve(across: Axis, upward: Axis, fold: list[float], kind: str) -> list[Html]:
    places = [(across.at(e), upward.at(v)) for e, v in enumerate(fold, 1)]
    path = "M" + "L".join(f"{x:g} {y:g}" for x, y in places)
    said = [tag("title", f"{e}: {figure(v)}") for e, v in enumerate(fold, 1)]
    points = [dot(x, y, 3, f"{kind} knot", name) for (x, y), name in zip(places, said, strict=True)]
    return [tag("path", class_=f"{kind} curve", d=path, fill="none"), *points] if fold else []


def _ground(across: Axis, upward: Axis, epochs: int) -> list[Html]:
    shapes = []
    for value in nice_ticks(upward.low, upward.high, 5):
        shapes.append(line(LEFT, upward.at(value), RIGHT, upward.at(value), "grid"))
        shapes.append(words(LEFT - 8, upward.at(value) + 4, figure(value), anchor="end"))
    step = max(1, epochs // 10)
    shapes += [words(across.at(e), FLOOR + 18, str(e), anchor="middle") for e in range(1, epochs + 1, step)]
    shapes.append(words((LEFT + RIGHT) / 2, FLOOR + 38, both("chart.curves.x"), anchor="middle"))
    shapes.append(words(0, 12, both("chart.curves.y")))
    return shapes
