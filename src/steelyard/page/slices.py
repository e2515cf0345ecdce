"""Where the flagged rows lie: slices of the table, each share with its interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from steelyard.page.charts.strip import strip
from steelyard.page.markup import Html, shorten, tag
from steelyard.page.measure import listed, part
from steelyard.page.numerals import (
    count,
    figure,
    fixed,
    half_width,
    number,
    percent,
    percent_decimals,
    percent_with_interval,
    probability,
)
from steelyard.page.tables import Head, cell, table
from steelyard.page.words import both, known
from steelyard.values.comparison import UNDECIDING
from steelyard.values.slices import ENDS, WHOM

Facts = Mapping[str, Any]
MOST_SLICES = 24


def slice_name(s: Facts) -> Html:
    """Return ``column = value``, the value as the data writes it; columns of our own are named in words."""
    name = str(s.get("column") or "")
    own = both(f"column.{name}") if known(f"column.{name}") else shorten(name, 40)
    column = tag("span", own, " = ", class_="column-name")
    return tag("span", column, tag("bdi", shorten(s.get("value"), 60)), class_="slice")


def guarded(slices: Sequence[Facts]) -> list[tuple[str, dict[str, int]]]:
    """Return what is said of slices that arms move, as (word, facts): those that decide, then those that are shown."""
    said = []
    for decides, word in ((True, "guard.clear"), (False, "guard.shown")):
        of = [s for s in slices if (s.get("column") != UNDECIDING) == decides]
        lost = sum(bool(s.get("harmed")) for s in of)
        if of:
            said.append(("guard.harmed" if lost and decides else word, {"harmed": lost, "all": len(of)}))
    return said


def left_off(rest: int) -> Html | None:
    return tag("p", both("table.left_off", rest=rest), class_="note") if rest > 0 else None


def slices_section(facts: Facts) -> Html:
    """Return where the flagged rows lie: share with its interval, lift, and a star that many tests cannot fake."""
    slices = [s for s in listed(facts, "slices") if isinstance(s, Mapping)]
    heading = tag("h2", both("slices.heading"))
    if not slices:
        return tag("section", heading, tag("p", both("slices.none"), class_="empty"), id="slices")
    shown = slices[:MOST_SLICES]
    top = [v for s in shown for k in ("share", "high") if (v := number(s.get(k))) is not None]
    reach = min(1.05 * max(top, default=0.0) or 1.0, 1.0)
    overall = _overall(part(facts, "summary"))
    heads = [
        Head(both("slices.slice")),
        Head(both("slices.n"), "num"),
        Head(both("slices.flagged"), "num"),
        Head(both("slices.share"), "num"),
        Head(both("slices.strip"), "draw"),
        Head(both("slices.lift"), "num"),
        Head(both("slices.q"), "num"),
        Head(both("slices.example")),
    ]
    decimals = percent_decimals([half_width(s.get("low"), s.get("high")) for s in shown])
    body = [_slice_row(s, reach, overall, decimals) for s in shown]
    note = both("slices.overall", share=percent(overall)) if overall is not None else None
    return tag(
        "section",
        heading,
        tag("p", both("slices.lede"), " ", note, class_="lede"),
        table(both("slices.heading"), heads, body, kind="slices"),
        left_off(len(slices) - len(shown)),
        id="slices",
    )


def _overall(summary: Facts) -> float | None:
    rows, flagged = number(summary.get("rows")), number(summary.get("flagged"))
    return flagged / rows if rows and flagged is not None else None


def helps_section(facts: Facts) -> Html | None:
    """Return whom the rows of each slice help: all, the slice itself, and what all other rows do for it."""
    slices = [s for s in listed(facts, "slices") if isinstance(s, Mapping) and number(s.get("benefit")) is not None]
    if not slices:
        return None
    shown = slices[:MOST_SLICES]
    ends = [v for s in shown for k in WHOM for e in ENDS[1:] if (v := number(s.get(f"{k}{e}"))) is not None]
    reach = 1.05 * max((abs(v) for v in ends), default=0.0) or 1.0
    heads = [Head(both("slices.slice")), Head(both("slices.n"), "num")]
    heads += [Head(both(f"helps.{name}"), "num") for name in ("all", "own", "rest")]
    body = [
        tag(
            "tr",
            tag("th", slice_name(s), scope="row"),
            cell(count(s.get("n")), "num"),
            *(_benefit(s, k, reach) for k in WHOM),
        )
        for s in shown
    ]
    return tag(
        "section",
        tag("h2", both("helps.heading")),
        tag("p", both("helps.lede"), class_="lede"),
        table(both("helps.heading"), heads, body, kind="slices"),
        left_off(len(slices) - len(shown)),
        id="helps",
    )


def _benefit(s: Facts, name: str, reach: float) -> Html:
    """Return the cell of one benefit: the mean with its interval and its drawing, – without one."""
    mean, low, high = (number(s.get(f"{name}{end}")) for end in ENDS)
    if mean is None or low is None or high is None:
        return cell("–", "num")
    ends = f"[{fixed(low, 3, sign=True)}, {fixed(high, 3, sign=True)}]"
    kind = "hot" if high < 0 else ""
    drawn = strip(mean, low, high, (-reach, reach), mark=0.0, kind=kind, width=72)
    return cell([tag("b", fixed(mean, 3, sign=True)), " ", tag("span", ends, class_="ends"), " ", drawn], "num")


def _slice_row(s: Facts, reach: float, overall: float | None, decimals: int) -> Html:
    share, low, high = (number(s.get(k)) for k in ("share", "low", "high"))
    value, ends = percent_with_interval(share, low, high, decimals)
    star = tag("span", "★", class_="star", title=both("slices.star")) if s.get("star") else None
    lift = number(s.get("lift"))
    kind = "hot" if s.get("star") and (lift or 0) >= 1 else ""
    return tag(
        "tr",
        tag("th", slice_name(s), " ", star, scope="row"),
        cell(count(s.get("n")), "num"),
        cell(count(s.get("flagged")), "num"),
        cell([tag("b", value), " ", tag("span", ends, class_="ends")], "num"),
        cell(strip(share, low, high, (0.0, reach), mark=overall, kind=kind, bar=True), "draw"),
        cell("–" if lift is None else f"×{figure(lift, 2)}", "num"),
        cell(probability(s.get("q_value")), "num"),
        cell(tag("code", shorten(s.get("example") or "–", 24), class_="key")),
    )
