"""The pictures of all rows: the data map, the spread of suspicion, and how a network learned."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from steelyard.page.charts.curves import curves_chart
from steelyard.page.charts.histogram import histogram_chart
from steelyard.page.charts.scatter import drawn_of, scatter_chart
from steelyard.page.markup import Child, Html, tag
from steelyard.page.measure import part, unit
from steelyard.page.numerals import number
from steelyard.page.words import both


def maps_section(facts: Mapping[str, Any]) -> Html | None:
    """Return the data map, the histogram and the learning curves; nothing when none can be drawn."""
    threshold = number(part(facts, "summary").get("threshold"))
    drawn = scatter_chart(part(facts, "map"), threshold)
    spread = histogram_chart(part(facts, "histogram"), threshold)
    learned = curves_chart(part(facts, "curves"))
    if not drawn and not spread and not learned:
        return None
    figures = []
    if drawn:
        k, n = drawn_of(part(facts, "map"))
        figures.append(_figure(both("map.heading"), drawn, both("map.caption", drawn=k, n=n)))
    if spread:
        figures.append(
            _figure(
                both("histogram.heading"),
                spread,
                both("histogram.caption.users" if unit(facts) == "users" else "histogram.caption"),
            )
        )
    if learned:
        figures.append(_figure(both("curves.heading"), learned, both("curves.caption")))
    return tag("section", tag("h2", both("maps.heading")), tag("div", figures, class_="figures"), id="map")


def _figure(heading: Child, chart: Html, caption: Child) -> Html:
    return tag("figure", tag("h3", heading), tag("div", chart, class_="scroll"), tag("figcaption", caption))
