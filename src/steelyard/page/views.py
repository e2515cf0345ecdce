"""What the text of an item and what other users say of each row together: four quadrants, and what each asks for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from steelyard.page.charts.plane import plane_chart
from steelyard.page.markup import Child, Html, shorten, tag
from steelyard.page.measure import listed, part
from steelyard.page.numerals import count, fixed, number, percent
from steelyard.page.tables import Head, cell, table
from steelyard.page.words import both

Facts = Mapping[str, Any]
#: In the order in which they are read: what to act on first.
QUADRANTS = ("mis_click", "cold", "complement", "redundant")


def views_section(facts: Facts) -> Html | None:
    """Return the picture of both views and its quadrants with examples; nothing where nobody looked."""
    views = part(facts, "views")
    found = part(views, "quadrants")
    told = [q for q in QUADRANTS if number(part(found, q).get("rows")) is not None]
    if not told:
        return None
    drawn = plane_chart(views)
    heads = [
        Head(both("views.quadrant")),
        Head(both("views.rows"), "num"),
        Head(both("views.chance"), "num"),
        Head(both("views.times"), "num"),
        Head(both("views.asks")),
        Head(both("views.examples")),
    ]
    return tag(
        "section",
        tag("h2", both("views.heading")),
        tag("p", both("views.lede", strangers=count(views.get("strangers"))), " ", bound(found), class_="lede"),
        tag("figure", tag("div", drawn, class_="scroll"), tag("figcaption", caption(views))) if drawn else None,
        table(both("views.heading"), heads, [_row(q, part(found, q), views) for q in told], kind="views"),
        id="views",
    )


def bound(quadrants: Facts) -> Child:
    """Return how many rows clicks by chance can be at most, from the corner in which chance puts most beside rows."""
    luck = number(part(quadrants, "mis_click").get("chance"))
    share = number(part(quadrants, "mis_click").get("share"))
    if not luck or share is None or share >= luck:
        return None
    return both("views.bound", share=percent(share), chance=percent(luck), most=percent(share / luck, 0))


def caption(views: Facts) -> Child:
    """Return what the picture shows and for how many rows a view has nothing to go by."""
    unknown = part(views, "unknown")
    facts = {"rows": count(views.get("known")), **{k: count(unknown.get(k) or 0) for k in ("text", "others")}}
    return both("views.caption", **facts)


def ratio(quadrant: Facts) -> str:
    """Return how many times as many rows as clicks by chance lie in a quadrant."""
    share, luck = number(quadrant.get("share")), number(quadrant.get("chance"))
    return "–" if share is None or not luck else f"×{fixed(share / luck, 2)}"


def examples(views: Facts, quadrant: str) -> list[Facts]:
    return [e for e in listed(part(views, "examples"), quadrant) if isinstance(e, Mapping)]


def _row(name: str, quadrant: Facts, views: Facts) -> Html:
    share, luck = number(quadrant.get("share")), number(quadrant.get("chance"))
    where = both(f"views.{name}.where")
    return tag(
        "tr",
        tag("th", both(f"views.{name}"), tag("p", where, class_="ends"), scope="row"),
        cell([count(quadrant.get("rows")), " ", tag("span", percent(share), class_="ends")], "num"),
        cell(percent(luck), "num"),
        cell(ratio(quadrant), "num"),
        cell(both(f"views.{name}.asks"), "reason"),
        cell([_example(e) for e in examples(views, name)] or "–", "reason"),
    )


def _example(found: Facts) -> Html:
    said = both("views.example", text=percent(found.get("text"), 0), others=percent(found.get("others"), 0))
    title = tag("bdi", shorten(found.get("title") or found.get("item") or "–", 60))
    return tag("p", title, " ", tag("span", said, class_="ends"))
