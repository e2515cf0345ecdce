"""The most doubted interactions with their reasons; nothing is suggested, for nobody said that an item is disliked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from steelyard.page.charts.strip import bar
from steelyard.page.markup import Child, Html, Two, shorten, tag, visible
from steelyard.page.numerals import figure, fixed, number, percent
from steelyard.page.tables import Head, cell
from steelyard.page.words import both, told

Facts = Mapping[str, Any]
TITLE, ID, REASON = 120, 60, 400  # characters shown of each


def valued(rows: Sequence[Facts]) -> bool:
    """Return whether the rows differ in value, so that it is worth a column."""
    return len({number(r.get("value")) for r in rows}) > 1


def taken_heads(rows: Sequence[Facts]) -> list[Head]:
    return [
        Head("#", "num", "rank"),
        Head(both("rows.row.users"), "", "query"),
        *([Head(both("rows.value"), "num", "value")] if valued(rows) else []),
        Head(both("rows.doubt"), "", "suspicion"),
        Head(both("rows.propensity"), "num", "propensity"),
        Head(both("rows.reason")),
    ]


def taken_row(row: Facts, rank: int, with_value: bool) -> Html:
    """Return an interaction as a table row; the script sorts by what its data attributes say."""
    doubt, value = number(row.get("suspicion")), number(row.get("value"))
    reason, views = told(row, "reason"), told(row, "views")
    return tag(
        "tr",
        cell(rank, "num rank"),
        cell(_what(row), "what"),
        cell(figure(value), "num", both("rows.value")) if with_value else None,
        cell([bar(doubt), tag("span", fixed(doubt, 3), class_="num")], "level", both("rows.doubt")),
        cell(percent(row.get("propensity")), "num", both("rows.propensity")),
        cell([_said(reason), tag("p", _said(views), class_="data-text") if views.en else None], "reason"),
        data_rank=rank,
        data_query=shorten(row.get("title") or row.get("item") or "", 80).lower(),
        data_given=figure(value) if value is not None else "",
        data_value=value,
        data_suspicion=doubt,
        data_propensity=number(row.get("propensity")),
    )


def _said(words: Two) -> Two:
    return Two(shorten(words.en, REASON), shorten(words.zh, REASON))


def _what(row: Facts) -> list[Child]:
    """Return the item by its title, else by its id; beneath it who took it."""
    title, item = row.get("title"), row.get("item")
    parts: list[Child] = []
    if title or item:
        parts.append(tag("p", tag("bdi", shorten(title or item, TITLE)), class_="data-query"))
    if row.get("user"):
        parts.append(tag("p", both("rows.user"), " ", tag("bdi", shorten(row["user"], ID)), class_="data-text"))
    own = tag("bdi", shorten(item, ID), " · ") if title and item else None
    mask = tag("span", both("rows.mask"), class_="chip") if row.get("masked") else None
    key = tag("code", visible(row.get("row_key") or "–"), class_="key")
    return [*parts, tag("p", own, key, mask, class_="data-key")]
