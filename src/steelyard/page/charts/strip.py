"""One interval on a line, small enough for a table cell: a share, or a difference around zero."""

from __future__ import annotations

from steelyard.page.charts.frame import Axis, box, dot, line
from steelyard.page.markup import Html, tag

WIDTH, HEIGHT = 132, 18


def strip(
    value: float | None,
    low: float | None,
    high: float | None,
    reach: tuple[float, float],
    *,
    mark: float | None = None,
    kind: str = "",
    bar: bool = False,
    width: int = WIDTH,
) -> Html:
    """Return the interval [low, high] and its value on the line ``reach``; ``mark`` is a line to compare with.

    bar: fill from the left end to the value, for shares. The numbers stand beside it in the table, so the drawing
    itself is hidden from readers of the page by ear.
    """
    axis, y = Axis(*reach, 2, width - 2), HEIGHT / 2
    shapes = [line(2, y, width - 2, y, "rail")]
    if mark is not None and axis.holds(mark):
        shapes.append(line(axis.at(mark), 1, axis.at(mark), HEIGHT - 1, "mark"))
    if bar and value is not None:
        shapes.append(box(2, y - 3, axis.at(value) - 2, 6, "fill", rx=1))
    if low is not None and high is not None:
        shapes.append(line(axis.at(low), y, axis.at(high), y, "range"))
    if value is not None:
        shapes.append(dot(axis.at(value), y, 3.5, "point"))
    return tag(
        "svg",
        *shapes,
        class_=f"strip {kind}".strip(),
        viewBox=f"0 0 {width} {HEIGHT}",
        width=width,
        height=HEIGHT,
        aria_hidden="true",
    )


def bar(share: float | None, kind: str = "") -> Html:
    """Return a share from 0 to 1 as a short bar, for a table cell that says the number too."""
    filled = 56 * min(max(share or 0.0, 0.0), 1.0)
    return tag(
        "svg",
        box(0, 0, 56, 6, "rail", rx=3),
        box(0, 0, filled, 6, "fill", rx=3),
        class_=f"bar {kind}".strip(),
        viewBox="0 0 56 6",
        width=56,
        height=6,
        aria_hidden="true",
    )
