"""The worst rows with their reasons: what the label says, what it should probably say, and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from steelyard.page.charts.strip import bar
from steelyard.page.markup import Child, Html, Two, shorten, tag, visible
from steelyard.page.measure import listed, unit
from steelyard.page.numerals import figure, fixed, number, percent, shared_decimals
from steelyard.page.tables import Head, cell, table
from steelyard.page.taken_rows import taken_heads, taken_row, valued
from steelyard.page.words import both, told

Facts = Mapping[str, Any]
MOST = 100
TITLE, TEXT, REASON = 180, 220, 400  # characters shown of each


def rows_section(facts: Facts) -> Html:
    """Return the 100 worst rows, or a sentence when the report was made without rows."""
    rows = [r for r in listed(facts, "top") if isinstance(r, Mapping)][:MOST]
    heading = tag("h2", both("rows.heading", count=len(rows)) if rows else both("rows.heading.none"))
    if not rows:
        return tag("section", heading, tag("p", both("rows.none"), class_="empty"), id="rows")
    of = unit(facts)
    if of == "users":
        heads = taken_heads(rows)
        body = [taken_row(r, k, valued(rows)) for k, r in enumerate(rows, 1)]
    else:
        heads = _heads(of)
        decimals = shared_decimals([number(r.get("benefit")) for r in rows])
        body = [_row(r, k, decimals) for k, r in enumerate(rows, 1)]
    masked = sum(bool(r.get("masked")) for r in rows)
    note = both("rows.masked", masked=masked) if masked else both("rows.unmasked")
    return tag(
        "section",
        heading,
        tag("p", both("rows.lede.users" if of == "users" else "rows.lede"), class_="lede"),
        _tools(rows, of),
        table(both("rows.caption"), heads, body, kind="rows", name="worst"),
        tag("p", both("rows.nothing"), class_="empty", id="no-match", hidden=True),
        tag("p", note, class_="note"),
        id="rows",
    )


def _tools(rows: list[Facts], of: str) -> Html:
    """Return the filter box; it is hidden until the script that makes it work has run."""
    if of == "users":
        values = {v for v in (number(r.get("value")) for r in rows) if v is not None}
        given = [figure(v) for v in sorted(values)]
    else:
        given = sorted({visible(r.get("given")) for r in rows if r.get("given") is not None})
    options = [tag("option", both("rows.any"), value=""), *(tag("option", g, value=g) for g in given)]
    return tag(
        "div",
        tag(
            "input",
            type="search",
            id="filter",
            placeholder=both("rows.filter"),
            aria_controls="worst",
            autocomplete="off",
            spellcheck="false",
        ),
        tag("label", both("rows.value" if of == "users" else "rows.given"), " ", tag("select", options, id="given")),
        tag("p", id="shown", class_="note num", role="status"),
        class_="tools",
        hidden=True,
        id="tools",
    )


def _heads(of: str) -> list[Head]:
    return [
        Head("#", "num", "rank"),
        Head(both(f"rows.row.{of}"), "", "query"),
        Head(both("rows.label"), "", "p"),
        Head(both("rows.suspicion"), "", "suspicion"),
        Head(both("rows.difficulty"), "num", "difficulty"),
        Head(both("rows.benefit"), "num", "benefit"),
        Head(both("rows.reason")),
    ]


def _row(row: Facts, rank: int, decimals: int) -> Html:
    suspicion, benefit = number(row.get("suspicion")), number(row.get("benefit"))
    level = [bar(suspicion), tag("span", fixed(suspicion, 2), class_="num")]
    reason = told(row, "reason")
    return tag(
        "tr",
        cell(rank, "num rank"),
        cell(_texts(row), "what"),
        cell(_labels(row), "label"),
        cell(level, "level", both("rows.suspicion")),
        cell(fixed(row.get("difficulty"), 2), "num", both("rows.difficulty")),
        cell(fixed(benefit, decimals, sign=True), "num", both("rows.benefit")),
        cell(Two(shorten(reason.en, REASON), shorten(reason.zh, REASON)), "reason"),
        data_rank=rank,
        data_query=shorten(row.get("query") or "", 80).lower(),
        data_given=visible(row.get("given") if row.get("given") is not None else ""),
        data_p=number(row.get("p_suggested")),
        data_suspicion=suspicion,
        data_difficulty=number(row.get("difficulty")),
        data_benefit=benefit,
    )


def _texts(row: Facts) -> list[Child]:
    parts: list[Child] = []
    for kind, most in (("query", TITLE), ("title", TITLE), ("text", TEXT)):
        if row.get(kind):
            parts.append(tag("p", tag("bdi", shorten(row[kind], most)), class_=f"data-{kind}"))
    mask = tag("span", both("rows.mask"), class_="chip") if row.get("masked") else None
    parts.append(tag("p", tag("code", visible(row.get("row_key") or "–"), class_="key"), mask, class_="data-key"))
    return parts


def _labels(row: Facts) -> list[Child]:
    """Return given → suggested; without a suggestion only the given label."""
    given = tag("bdi", shorten(row.get("given") if row.get("given") is not None else "–", 40), class_="given")
    arrow = tag("span", "→", class_="arrow", aria_label=both("rows.suggested"), role="img")
    if row.get("suggestion_en") is not None:
        said = told(row, "suggestion")
        return (
            [given, arrow, tag("bdi", Two(shorten(said.en, 60), shorten(said.zh, 60)), class_="suggested")]
            if said.en
            else [given]
        )
    if row.get("suggested") is None or row.get("suggested") == row.get("given"):
        return [given]
    suggested = tag("bdi", shorten(row["suggested"], 40), class_="suggested")
    sure = number(row.get("p_suggested"))
    return [given, arrow, suggested, tag("span", percent(sure, 0), class_="num sure") if sure is not None else None]
