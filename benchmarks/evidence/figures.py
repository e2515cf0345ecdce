"""The drawings of the page: leads with intervals, cost against gain, shares recovered, curves of pruning."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isfinite, log2

from benchmarks.evidence.summing import Mean
from steelyard.page.charts.frame import Axis, box, dot, drawing, line, words
from steelyard.page.markup import Html, Two, tag
from steelyard.page.numerals import fixed, nice_ticks

LEFT, RIGHT, WIDTH, ROW, TOP = 236, 838, 1056, 30, 10


@dataclass(frozen=True)
class Line:
    """One line of a chart of intervals: a name, a mean with its interval, whether it is only a control."""

    name: str
    mean: Mean
    control: bool = False


def intervals(
    name: str, lines: Sequence[Line], title: Two, axis_words: Two, reach: tuple[float, float], places: int = 2
) -> Html:
    """Return means with intervals around zero, one a line; what lies beyond the reach is an arrow at the edge."""
    axis = Axis(*reach, LEFT, RIGHT)
    floor = TOP + ROW * len(lines)
    shapes: list[Html] = []
    ticks = nice_ticks(axis.low, axis.high, 6)
    for tick in ticks:
        shapes.append(line(axis.at(tick), floor, axis.at(tick), floor + 4, "axis"))
        shapes.append(words(axis.at(tick), floor + 18, fixed(tick, places, sign=True), anchor="middle"))
    shapes.append(line(LEFT, floor, RIGHT, floor, "axis"))
    if axis.holds(0.0):
        shapes.append(line(axis.at(0), TOP, axis.at(0), floor, "zero"))
    shapes.append(words((LEFT + RIGHT) / 2, floor + 38, axis_words, anchor="middle"))
    shapes += [_line(one, TOP + ROW * (k + 0.5), axis, places + 1) for k, one in enumerate(lines)]
    return drawing(name, WIDTH, floor + 46, title, title, shapes)


def _line(one: Line, y: float, axis: Axis, places: int) -> Html:
    m = one.mean
    said = fixed(m.value, places, sign=True)
    if isfinite(m.low):
        said += f" [{fixed(m.low, places, sign=True)}, {fixed(m.high, places, sign=True)}]"
    shapes = [tag("title", f"{one.name}: {said}, n = {m.n}"), box(0, y - ROW / 2, WIDTH, ROW, "hit")]
    shapes.append(words(0, y + 4, one.name, kind="name"))
    if not axis.holds(m.value):
        far = axis.end if m.value > 0 else axis.start
        sign, anchor = ("▸", "end") if m.value > 0 else ("◂", "start")
        shapes.append(words(far, y + 5, sign, anchor=anchor, kind="far"))
    else:
        if isfinite(m.low):
            shapes.append(line(axis.at(m.low), y, axis.at(m.high), y, "range"))
        x = axis.at(m.value)
        shapes.append(box(x - 4, y - 4, 8, 8, "point") if one.control else dot(x, y, 4.5, "point"))
    shapes.append(words(RIGHT + 24, y + 4, said, kind="value"))
    return tag("g", *shapes, class_="arm control" if one.control else "arm")


def scatter(name: str, points: Sequence[tuple[str, float, float]], title: Two, across: Two, up: Two) -> Html:
    """Return named points: what a score costs (logarithmic) against what it finds."""
    width, height, left, right, top, floor = 760, 360, 64, 620, 16, 300
    most = max(x for _, x, _ in points)
    xs = Axis(0.0, log2(most) * 1.05 or 1.0, left, right)
    low = min(y for _, _, y in points)
    ys = Axis(max(0.0, low - 0.05), max(y for _, _, y in points) + 0.03, floor, top)
    shapes: list[Html] = [line(left, floor, right, floor, "axis")]
    shapes += [
        words(xs.at(log2(n)), floor + 18, f"{n}×", anchor="middle") for n in (1, 2, 4, 8, 16, 32) if log2(n) <= xs.high
    ]
    for tick in nice_ticks(ys.low, ys.high, 5):
        y = ys.at(tick)
        shapes += [line(left, y, right, y, "grid"), words(left - 8, y + 4, fixed(tick, 2), anchor="end")]
    shapes.append(words((left + right) / 2, floor + 38, across, anchor="middle"))
    shapes.append(words(left, top - 4, up))
    taken: list[tuple[float, float]] = []
    for label, cost, value in sorted(points, key=lambda p: -p[2]):
        x, y = xs.at(log2(max(cost, 1.0))), ys.at(value)
        at = y + 4
        while any(abs(at - other) < 14 and abs(x - place) < 150 for place, other in taken):
            at += 14
        taken.append((x, at))
        shapes.append(tag("g", dot(x, y, 4.5, "point"), words(x + 9, at, label), class_="arm"))
    return drawing(name, width, height, title, title, shapes)


def curves(
    name: str, lines: dict[str, Sequence[float]], shares: Sequence[float], title: Two, label: Callable[[str], Two]
) -> Html:
    """Return one line an end: difference in points without so much of the rows."""
    width, height, left, right, top, floor = 560, 300, 60, 430, 20, 250
    values = [v for line_ in lines.values() for v in line_] + [0.0]
    xs = Axis(0.0, max(shares), left, right)
    ys = Axis(min(values) - 0.5, max(values) + 0.5, floor, top)
    shapes: list[Html] = [line(left, ys.at(0), right, ys.at(0), "zero"), line(left, floor, right, floor, "axis")]
    shapes += [words(xs.at(s), floor + 18, f"{s:.0%}", anchor="middle") for s in shares]
    shapes += [
        words(left - 8, ys.at(tick) + 4, fixed(tick, 0, sign=True), anchor="end")
        for tick in nice_ticks(ys.low, ys.high, 5)
    ]
    kinds = {"most": "held_out", "least": "training", "random": "random"}
    ends: list[float] = []
    for end, found in lines.items():
        path = [(xs.at(0), ys.at(0)), *((xs.at(s), ys.at(v)) for s, v in zip(shares, found, strict=True))]
        points = " ".join(f"{x:g},{y:g}" for x, y in path)
        shapes.append(tag("polyline", points=points, class_=f"curve {kinds[end]}", fill="none"))
        shapes += [dot(x, y, 3, f"knot {kinds[end]}") for x, y in path[1:]]
        y = path[-1][1] + 4
        while any(abs(y - other) < 15 for other in ends):
            y += 15
        ends.append(y)
        shapes.append(words(right + 10, y, label(end), kind="value"))
    return drawing(name, width, height, title, title, shapes)
