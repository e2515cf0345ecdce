"""The report as Markdown, short enough for a pull request; text from the data stands in code spans only."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from steelyard.page.arms import judged_on
from steelyard.page.closing import LIMITS, severity
from steelyard.page.markdown_interactions import taken_row, write_carriers, write_further, write_numbers, write_views
from steelyard.page.markup import Two, shorten, visible
from steelyard.page.measure import answer, arms, delta_decimals, listed, measure_name, part, side_role, unit
from steelyard.page.numerals import count, figure, fixed, interval, number, percent, percent_with_interval
from steelyard.page.slices import guarded
from steelyard.page.verdict import first_of_all, how, what_next
from steelyard.page.words import both, told
from steelyard.values.comparison import UNDECIDING
from steelyard.values.slices import WHOM

Facts = Mapping[str, Any]
ROWS, SLICES = 10, 8
SPECIAL = re.compile(r"([\\`*_\[\]<>|#~@&$!])")


def render_markdown(facts: Mapping[str, Any], lang: str = "en") -> str:
    """Return ``report.md`` in one language: verdict, key numbers, arms, slices, ten rows, findings, how to repeat."""
    page = Writer(lang)
    taken = unit(facts) == "users"
    numbers = write_numbers if taken else _numbers
    for write in (_verdict, numbers, _arms, _slices, write_carriers, write_views, _rows, _findings, _limits, _source):
        write(page, facts)
    return "\n".join(page.lines).rstrip() + "\n"


class Writer:
    """Lines of Markdown in one language."""

    def __init__(self, lang: str) -> None:
        self.lang = lang
        self.lines: list[str] = []

    def say(self, key: str, **facts: Any) -> str:
        return both(key, **facts)[self.lang]

    def read(self, words: Two) -> str:
        """Return a sentence of the facts: it may quote the data, so nothing in it may act as Markdown."""
        return SPECIAL.sub(r"\\\1", words[self.lang])

    def code(self, value: Any, most: int = 80) -> str:
        """Return text from the data as a code span: no link, no mention, no markup; bars escaped for the table."""
        plain = shorten(value, most).replace("`", "ˋ").replace("|", "\\|").strip()
        return f"`{plain}`" if plain else "–"

    def write(self, *lines: str) -> None:
        self.lines += [*lines, ""]

    def table(self, heads: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> None:
        rule = ["---:" if k in right else "---" for k in range(len(heads))]
        self.write(*("| " + " | ".join(cells) + " |" for cells in (heads, rule, *rows)))


def _verdict(page: Writer, facts: Facts) -> None:
    said, compare, run = answer(facts), part(facts, "compare"), part(facts, "run")
    reasons = [page.read(told(w)) for w in listed(compare, "why") if isinstance(w, Mapping)]
    reasons = [r for r in reasons if r] or [page.say(f"why.{said}")]
    page.write(f"## {page.say('verdict.label')}: {page.say(f'verdict.{said}')} (`{said}`)")
    page.write(f"**{reasons[0]}**")
    if reasons[1:]:
        page.write(*(f"- {r}" for r in reasons[1:]))
    first = "".join(page.read(s) for s in first_of_all(facts))
    page.write(f"{page.say('verdict.next')}{first}{what_next(said, unit(facts))[page.lang]}")
    about = [page.code(run[k]) for k in ("name", "id", "tier", "created") if run.get(k)]
    if about:
        page.write(" · ".join(about))


def _numbers(page: Writer, facts: Facts) -> None:
    summary, run = part(facts, "summary"), part(facts, "run")
    rate = part(summary, "error_rate")
    value, ends = percent_with_interval(rate.get("value"), rate.get("low"), rate.get("high"))
    seen = part(summary, "smallest_visible")
    smallest = part(facts, "compare").get("smallest_visible")
    rows = summary.get("rows") if summary.get("rows") is not None else run.get("rows")
    groups = summary.get("groups") if summary.get("groups") is not None else run.get("groups")
    how_said = f" ({page.read(how(rate))})" if rate else ""
    flagged, total = number(summary.get("flagged")), number(rows)
    share = f" ({percent(flagged / total)})" if flagged is not None and total else ""
    page.write(f"### {page.say('numbers.heading')}")
    page.table(
        ["", ""],
        [
            [page.say("stat.rows"), count(rows)],
            [page.say(f"stat.groups.{unit(facts)}"), count(groups)],
            [page.say("stat.error"), f"{value} {ends}{how_said}"],
            [page.say("stat.flagged"), count(flagged) + share],
            [page.say("stat.contradictions"), count(summary.get("contradictory_rows"))],
            [page.say("stat.smallest"), figure(smallest if smallest is not None else seen.get("value"))],
        ],
    )
    reviews = [page.read(told(r)) for r in listed(summary, "reviews") if isinstance(r, Mapping)]
    if reviews:
        page.write(*(f"- {r}" for r in reviews))


def _arms(page: Writer, facts: Facts) -> None:
    compare = part(facts, "compare")
    rows = arms(compare)
    page.write(f"### {page.say('arms.heading')}")
    if not rows:
        page.write(page.say("arms.none"))
        return
    decimals = delta_decimals(rows)
    page.write(judged_on(compare, unit(facts))[page.lang])
    heads = [page.say("arms.arm"), measure_name(compare.get("measure")), page.say("arms.delta")]
    page.table(
        [*heads, page.say("arms.interval"), page.say("arms.cost")],
        [_arm(page, a, decimals, compare.get("recommended")) for a in rows],
        right=(1, 2, 3, 4),
    )
    write_further(page, rows)
    slices = [s for s in listed(compare, "slices") if isinstance(s, Mapping)]
    lost = sorted((s for s in slices if s.get("harmed")), key=lambda s: bool(s.get("column") == UNDECIDING))
    page.write(*(page.say(word, **of) for word, of in guarded(slices)))
    if lost:
        places = delta_decimals(lost)
        page.write(*(f"- {_lost(page, s, places)}" for s in lost[:SLICES]))


def _arm(page: Writer, arm: Facts, decimals: int, recommended: Any) -> list[str]:
    mark = ""
    if arm.get("control"):
        mark = f" ({page.say(f'arms.{side_role(arm)}')})"
    elif recommended and arm.get("name") == recommended:
        mark = f" **{page.say('arms.chosen')}**"
    cost = number(arm.get("cost"))
    return [
        page.code(arm.get("name") or "?", 40) + mark,
        fixed(arm.get("value"), decimals),
        fixed(arm.get("delta"), decimals, sign=True),
        interval(arm.get("low"), arm.get("high"), decimals, sign=True) or "–",
        "–" if cost is None else f"{figure(cost)}×",
    ]


def _lost(page: Writer, s: Facts, decimals: int) -> str:
    ends = interval(s.get("low"), s.get("high"), decimals, sign=True)
    where = page.code(f"{s.get('column')} = {s.get('value')}")
    return f"{page.code(s.get('arm'))} · {where}: {fixed(s.get('delta'), decimals, sign=True)} {ends}"


def _slices(page: Writer, facts: Facts) -> None:
    slices = [s for s in listed(facts, "slices") if isinstance(s, Mapping)][:SLICES]
    if not slices:
        return
    page.write(f"### {page.say('slices.heading')}")
    heads = [page.say(f"slices.{k}") for k in ("slice", "n", "share", "lift")]
    heads += [page.say(f"helps.{k}") for k in ("all", "own", "rest")]
    rows = []
    for s in slices:
        value, ends = percent_with_interval(s.get("share"), s.get("low"), s.get("high"))
        name = page.code(f"{s.get('column')} = {s.get('value')}") + (" ★" if s.get("star") else "")
        row = [name, count(s.get("n")), f"{value} {ends}", f"×{figure(s.get('lift'), 2)}"]
        rows.append([*row, *(_helps(s, k) for k in WHOM)])
    page.table(heads, rows, right=range(1, 7))
    page.write(page.say("helps.lede"))


def _helps(s: Facts, name: str) -> str:
    ends = interval(s.get(f"{name}_low"), s.get(f"{name}_high"), 3, sign=True)
    return f"{fixed(s.get(name), 3, sign=True)} {ends}" if number(s.get(name)) is not None else "–"


def _rows(page: Writer, facts: Facts) -> None:
    rows = [r for r in listed(facts, "top") if isinstance(r, Mapping)][:ROWS]
    if not rows:
        return
    page.write(f"### {page.say('rows.heading', count=len(rows))}")
    taken = unit(facts) == "users"
    names = (
        ("row.users", "value", "doubt", "reason") if taken else (f"row.{unit(facts)}", "label", "suspicion", "reason")
    )
    tell = taken_row if taken else _row
    page.table([page.say(f"rows.{k}") for k in names], [tell(page, r) for r in rows], right=(1, 2) if taken else (2,))


def _row(page: Writer, row: Facts) -> list[str]:
    said = [page.code(row[k]) for k in ("query", "title", "text") if row.get(k)]
    suggested = row.get(f"suggestion_{page.lang}", row.get("suggested"))
    labels = [page.code(text, 40) for text in (row.get("given"), suggested) if text not in (None, "")]
    reason = page.read(told(row, "reason"))
    return ["<br>".join(said) or "–", " → ".join(labels) or "–", fixed(row.get("suspicion"), 2), reason or "–"]


def _findings(page: Writer, facts: Facts) -> None:
    found = [f for f in listed(facts, "findings") if isinstance(f, Mapping)]
    said = [f for f in found if severity(f) != "ok"]
    if not said:
        return
    page.write(f"### {page.say('findings.heading')}")
    page.write(*(_finding(page, f) for f in said))


def _finding(page: Writer, finding: Facts) -> str:
    grave = page.say(f"severity.{severity(finding)}")
    return f"- **{grave}** {page.code(finding.get('code') or '–')} {page.read(told(finding))}"


def _limits(page: Writer, facts: Facts) -> None:
    own = [page.read(told(e)) for e in listed(facts, "limits") if isinstance(e, Mapping)]
    page.write(f"### {page.say('limits.heading')}")
    page.write(*(f"- {s}" for s in ([s for s in own if s] or [page.say(k) for k in LIMITS])))


def _source(page: Writer, facts: Facts) -> None:
    run = part(facts, "run")
    command = facts.get("reproduce") or run.get("command")
    page.write(f"### {page.say('source.heading')}")
    for key in ("fingerprint", "seed", "version"):
        if run.get(key) is not None:
            name = {"version": "source.versions"}.get(key, f"source.{key}")
            page.lines.append(f"- {page.say(name)}: {page.code(run[key])}")
    page.write()
    if command:
        page.write("```sh", visible(command).replace("```", ""), "```")
