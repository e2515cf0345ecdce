"""What the Markdown report says of interactions: key numbers, further measures, bands, who carries the doubt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from steelyard.page.charts.grid import band_name
from steelyard.page.interactions import DOUBT, MEMBERS, WAYS, further_lede, measure_words
from steelyard.page.markup import Two
from steelyard.page.measure import listed, part
from steelyard.page.numerals import count, figure, fixed, interval, number, percent
from steelyard.page.views import QUADRANTS, bound, examples, ratio
from steelyard.page.words import told

if TYPE_CHECKING:
    from steelyard.page.markdown import Writer

Facts = Mapping[str, Any]
NAMED = 5  # users and items


def write_numbers(page: Writer, facts: Facts) -> None:
    summary = part(facts, "summary")
    smallest = part(facts, "compare").get("smallest_visible")
    page.write(f"### {page.say('numbers.heading')}")
    page.table(
        ["", ""],
        [
            [page.say("stat.positive"), f"{count(summary.get('labelled'))} / {count(summary.get('rows'))}"],
            [page.say("stat.users"), count(summary.get("users"))],
            [page.say("stat.items"), count(summary.get("items"))],
            [page.say("stat.place"), percent(part(summary, "place").get("held_out"))],
            [page.say("stat.smallest"), figure(smallest)],
        ],
    )


def write_further(page: Writer, rows: list[Facts]) -> None:
    """Write every further measure of each arm."""
    measures = list(dict.fromkeys(m for a in rows for m in part(a, "more")))
    if not measures:
        return
    heads = [page.say("arms.arm"), *(_words(page, m) for m in measures)]
    body = [[page.code(a.get("name") or "?", 40), *(fixed(part(a, "more").get(m), 4) for m in measures)] for a in rows]
    page.write(page.say(further_lede(measures)))
    page.table(heads, body, right=range(1, len(heads)))


def _words(page: Writer, measure: str) -> str:
    found = measure_words(measure)
    return found[page.lang] if isinstance(found, Two) else str(found)


def write_carriers(page: Writer, facts: Facts) -> None:
    """Write doubt by activity and by popularity, and the users and items that hold most of it."""
    carriers = part(facts, "carriers")
    if not carriers:
        return
    page.write(f"### {page.say('carriers.heading')}")
    for way in WAYS:
        _bands(page, carriers, way)
    for who in ("users", "items"):
        found = [c for c in listed(carriers, who) if isinstance(c, Mapping)][:NAMED]
        if not found:
            continue
        heads = [page.say(f"carriers.{k}") for k in (who, "rows", "doubted", "doubt")]
        page.table(heads, [_member(page, c) for c in found], right=(1, 2, 3))


def write_views(page: Writer, facts: Facts) -> None:
    """Write the quadrants of both views, what chance puts there, what each asks for, one example."""
    views = part(facts, "views")
    found = part(views, "quadrants")
    told_of = [q for q in QUADRANTS if number(part(found, q).get("rows")) is not None]
    if not told_of:
        return
    page.write(f"### {page.say('views.heading')}", page.say("views.lede", strangers=count(views.get("strangers"))))
    most = bound(found)
    if isinstance(most, Two):
        page.write(most[page.lang])
    heads = [page.say(f"views.{k}") for k in ("quadrant", "rows", "chance", "times", "asks", "examples")]
    body = []
    for q in told_of:
        one = part(found, q)
        rows = f"{count(one.get('rows'))} ({percent(one.get('share'))})"
        shown = [page.code(e.get("title") or e.get("item") or "–", 60) for e in examples(views, q)]
        asks = page.say(f"views.{q}.asks")
        name = f"{page.say(f'views.{q}')} ({page.say(f'views.{q}.where')})"
        body.append([name, rows, percent(one.get("chance")), ratio(one), asks, "<br>".join(shown) or "–"])
    page.table(heads, body, right=(1, 2, 3))


def _bands(page: Writer, carriers: Facts, way: str) -> None:
    found = [b for b in listed(carriers, way) if isinstance(b, Mapping)]
    if not found:
        return
    told_wrong = any(number(b.get("wrong")) is not None for b in found)
    heads = [page.say(f"bands.{k}") for k in (way, MEMBERS[way])]
    heads += [page.say("slices.n"), *(page.say(f"bands.{k}") for k in ("share", "doubt", "doubted"))]
    body = []
    for band in found:
        value, low, high = (band.get(k) for k in DOUBT)
        row = [band_name(band), count(band.get("members")), count(band.get("rows")), percent(band.get("share"))]
        row += [f"{fixed(value, 3)} {interval(low, high, 3)}".strip(), percent(band.get("doubted"))]
        body.append([*row, percent(band.get("wrong"))] if told_wrong else row)
    heads += [page.say("bands.wrong")] if told_wrong else []
    page.table(heads, body, right=range(1, len(heads)))


def _member(page: Writer, found: Facts) -> list[str]:
    own = [page.code(found[k], 60) for k in ("title", "item", "user") if found.get(k)]
    return [
        "<br>".join(own) or "–",
        count(found.get("rows")),
        count(found.get("doubted")),
        fixed(found.get("doubt"), 3),
    ]


def taken_row(page: Writer, row: Facts) -> list[str]:
    """Return an interaction as the cells of a table."""
    said = [page.code(row[k]) for k in ("title", "item", "user") if row.get(k)]
    reason = page.read(told(row, "reason"))
    value = figure(row.get("value"))
    return ["<br>".join(said) or "–", value, fixed(row.get("suspicion"), 3), reason or "–"]
