"""What every chart shares: a frame with title and description, a linear axis, words and ticks."""

from __future__ import annotations

from dataclasses import dataclass

from steelyard.page.markup import Child, Html, Two, tag


@dataclass(frozen=True)
class Axis:
    """A line of values from ``low`` to ``high`` drawn from pixel ``start`` to pixel ``end``."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        """Return the pixel of ``value``, held within the axis."""
        span = self.high - self.low
        share = (value - self.low) / span if span > 0 else 0.5
        return round(self.start + min(max(share, 0.0), 1.0) * (self.end - self.start), 1)

    def holds(self, value: float) -> bool:
        return self.low <= value <= self.high


def drawing(name: str, width: float, height: float, title: Two, desc: Two, *shapes: Child) -> Html:
    """Return an SVG of this size, read out as its title and description."""
    return tag(
        "svg",
        tag("title", title, id=f"{name}-title"),
        tag("desc", desc, id=f"{name}-desc"),
        *shapes,
        class_=f"chart chart-{name}",
        viewBox=f"0 0 {width:g} {height:g}",
        width=f"{width:g}",
        height=f"{height:g}",
        role="img",
        aria_labelledby=f"{name}-title {name}-desc",
    )


def words(x: float, y: float, child: Child, *, anchor: str = "start", kind: str = "tick") -> Html:
    return tag("text", child, class_=kind, x=f"{x:g}", y=f"{y:g}", text_anchor=anchor)


def line(x1: float, y1: float, x2: float, y2: float, kind: str) -> Html:
    return tag("line", class_=kind, x1=f"{x1:g}", y1=f"{y1:g}", x2=f"{x2:g}", y2=f"{y2:g}")


def box(x: float, y: float, width: float, height: float, kind: str, *children: Child, rx: float = 0) -> Html:
    return tag(
        "rect",
        *children,
        class_=kind,
        x=f"{x:g}",
        y=f"{y:g}",
        width=f"{max(width, 0):g}",
        height=f"{max(height, 0):g}",
        rx=f"{rx:g}" if rx else None,
    )


def dot(x: float, y: float, radius: float, kind: str, *children: Child) -> Html:
    return tag("circle", *children, class_=kind, cx=f"{x:g}", cy=f"{y:g}", r=f"{radius:g}")


def diamond(x: float, y: float, half: float, kind: str) -> Html:
    return tag("path", class_=kind, d=f"M{x:g} {y - half:g}l{half:g} {half:g}-{half:g} {half:g}-{half:g}-{half:g}z")
