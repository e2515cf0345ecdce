"""The sections of interactions: the key numbers, who and what carries the doubt, activity and popularity in slices."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from steelyard.page.charts.grid import band_name, grid_chart
from steelyard.page.charts.strip import bar, strip
from steelyard.page.markup import Child, Html, shorten, tag
from steelyard.page.measure import listed, measure_name, part
from steelyard.page.numerals import count, fixed, interval, number, percent
from steelyard.page.tables import Head, cell, table
from steelyard.page.verdict import quality_line, smallest, stat
from steelyard.page.words import both, known

Facts = Mapping[str, Any]
WAYS = ("activity", "popularity")
DOUBT = ("doubt", "doubt_low", "doubt_high")
MEMBERS = {"activity": "users", "popularity": "items"}


def taken_numbers_section(facts: Facts) -> Html:
    """Return the key numbers of a run of interactions."""
    summary = part(facts, "summary")
    cold = part(part(facts, "carriers"), "cold")
    place = part(summary, "place")
    rows, labelled = number(summary.get("rows")), number(summary.get("labelled"))
    stats = [
        stat(both("stat.positive"), count(labelled), _of(labelled, rows)),
        *(stat(both(f"stat.{who}"), count(summary.get(who)), _cold(cold, who)) for who in ("users", "items")),
        stat(both("stat.place"), percent(place.get("held_out")), _fitted(place)),
        smallest(facts),
    ]
    return tag(
        "section",
        tag("h2", both("numbers.heading")),
        tag("div", stats, class_="stats"),
        quality_line(summary),
        id="numbers",
    )


def _of(labelled: float | None, rows: float | None) -> Child:
    if labelled is None or not rows:
        return None
    return both("stat.positive.all") if labelled == rows else both("stat.positive.note", rows=count(rows))


def _cold(cold: Facts, who: str) -> Child:
    found = part(cold, who)
    of, members = number(found.get("of")), number(found.get("members"))
    if not of or members is None:
        return None
    share, held = percent(members / of), percent(found.get("share"))
    return both(f"stat.{who}.note", share=share, below=count(cold.get("below")), rows=held)


def _fitted(place: Facts) -> Child:
    return both("stat.place.note", fitted=percent(place["fitted"])) if number(place.get("fitted")) is not None else None


def carriers_section(facts: Facts) -> Html | None:
    """Return the grid of doubt and who and what holds most of it; nothing where no row was read."""
    carriers = part(facts, "carriers")
    grid = grid_chart(carriers)
    named = [n for n in (_named(carriers, "users"), _named(carriers, "items")) if n]
    if not grid and not named:
        return None
    return tag(
        "section",
        tag("h2", both("carriers.heading")),
        tag("p", both("carriers.lede"), class_="lede"),
        tag("figure", tag("div", grid, class_="scroll"), tag("figcaption", both("carriers.caption"))) if grid else None,
        tag("div", named, class_="pair") if named else None,
        id="carriers",
    )


def _named(carriers: Facts, who: str) -> Html | None:
    """Return the users (or items) that hold more of the most doubted rows than their share."""
    found = [c for c in listed(carriers, who) if isinstance(c, Mapping)]
    if not found:
        return None
    heads = [
        Head(both(f"carriers.{who}")),
        Head(both("carriers.rows"), "num"),
        Head(both("carriers.doubted"), "num"),
        Head(both("carriers.doubt"), "num"),
    ]
    heading = both(f"carriers.{who}.heading")
    return tag(
        "div",
        tag("h3", heading),
        table(heading, heads, [_member(c) for c in found], kind="members"),
    )


def _member(found: Facts) -> Html:
    own = tag("code", shorten(found.get("user") or found.get("item") or "–", 40), class_="key")
    title = tag("bdi", shorten(found["title"], 60), class_="member-title") if found.get("title") else None
    rows, doubted = number(found.get("rows")), number(found.get("doubted"))
    share = f" ({percent(doubted / rows, 0)})" if rows and doubted is not None else ""
    return tag(
        "tr",
        tag("th", title, own, scope="row"),
        cell(count(rows), "num"),
        cell(count(doubted) + share, "num"),
        cell(fixed(found.get("doubt"), 3), "num"),
    )


def bands_section(facts: Facts) -> Html | None:
    """Return doubt by activity of the user and by popularity of the item, the cold ones marked."""
    carriers = part(facts, "carriers")
    tables = [t for t in (_bands(carriers, way) for way in WAYS) if t]
    if not tables:
        return None
    below = count(part(carriers, "cold").get("below"))
    rest = {"share": percent(carriers.get("doubted")), "overall": fixed(carriers.get("overall"), 3)}
    return tag(
        "section",
        tag("h2", both("bands.heading")),
        tag("p", both("bands.lede", below=below), " ", both("bands.overall", **rest), class_="lede"),
        tables,
        id="bands",
    )


def _bands(carriers: Facts, way: str) -> Html | None:
    found = [b for b in listed(carriers, way) if isinstance(b, Mapping)]
    if not found:
        return None
    told = any(number(b.get("wrong")) is not None for b in found)
    ends = [v for b in found for k in DOUBT if (v := number(b.get(k))) is not None]
    middle = number(carriers.get("overall"))
    pad = 0.05 * ((max(ends, default=1.0) - min(ends, default=0.0)) or 1.0)
    reach = (min(ends, default=0.0) - pad, max(ends, default=1.0) + pad)
    heads = [
        Head(both(f"bands.{way}")),
        Head(both(f"bands.{MEMBERS[way]}"), "num"),
        Head(both("slices.n"), "num"),
        Head(both("bands.share")),
        Head(both("bands.doubt"), "num"),
        Head("", "draw"),
        Head(both("bands.doubted"), "num"),
        *([Head(both("bands.wrong"), "num")] if told else []),
    ]
    below = number(part(carriers, "cold").get("below"))
    body = [_band(b, reach, middle, below, told) for b in found]
    heading = both(f"bands.{way}.heading")
    return tag("div", tag("h3", heading), table(heading, heads, body, kind="bands"))


def _band(band: Facts, reach: tuple[float, float], middle: float | None, below: float | None, told: bool) -> Html:
    value, low, high = (number(band.get(k)) for k in DOUBT)
    hot = "hot" if low is not None and middle is not None and low > middle else ""
    ends, share = interval(low, high, 3), band.get("share")
    return tag(
        "tr",
        tag("th", band_name(band), _chip(band, below), scope="row"),
        cell(count(band.get("members")), "num"),
        cell(count(band.get("rows")), "num"),
        cell([bar(number(share), "plain"), " ", tag("span", percent(share), class_="num")], "level"),
        cell([tag("b", fixed(value, 3)), " ", tag("span", ends, class_="ends")], "num"),
        cell(strip(value, low, high, reach, mark=middle, kind=hot), "draw"),
        cell(percent(band.get("doubted")), "num"),
        cell(percent(band.get("wrong")), "num") if told else None,
    )


def _chip(band: Facts, below: float | None) -> Html | None:
    high = number(band.get("high"))
    return tag("span", both("bands.cold"), class_="chip") if below and high is not None and high < below else None


def further_lede(measures: list[str]) -> str:
    """Return the key of what is said of further measures: those of lists, or of rows of a click log."""
    return "further.lede" if any(m.startswith(("coverage", "gini")) for m in measures) else "further.lede.rows"


def further_table(rows: list[Facts], name: Callable[[Facts], Html]) -> Html | None:
    """Return every further measure of each arm; nothing where there is none. name: how an arm is written."""
    measures = list(dict.fromkeys(m for a in rows for m in part(a, "more")))
    if not measures:
        return None
    heads = [Head(both("arms.arm")), *(Head(measure_words(m), "num") for m in measures)]
    body = [
        tag("tr", tag("th", name(a), scope="row"), [cell(fixed(part(a, "more").get(m), 4), "num") for m in measures])
        for a in rows
    ]
    heading = both("further.heading")
    lede = tag("p", both(further_lede(measures)), class_="lede")
    return tag("div", tag("h3", heading), lede, table(heading, heads, body, kind="further"))


def measure_words(name: str) -> Child:
    """Return a measure by its name in words, where it has one."""
    return both(f"measure.{name}") if known(f"measure.{name}") else measure_name(name)
