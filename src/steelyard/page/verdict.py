"""The answer first: the verdict in one sentence with its evidence, then the numbers that matter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from steelyard.page.charts.frame import box, dot, line
from steelyard.page.charts.strip import strip
from steelyard.page.markup import Child, Html, Two, tag, visible
from steelyard.page.measure import (
    answer,
    control_arm,
    delta_decimals,
    leading_arm,
    listed,
    measure_name,
    part,
    unit,
)
from steelyard.page.numerals import (
    count,
    figure,
    fixed,
    interval,
    number,
    percent,
    percent_with_interval,
)
from steelyard.page.words import both, known, told

Facts = Mapping[str, Any]
BETTER_MODEL = "VL11"  # a limit: a recommender without weights reaches more than any arm
TILT = {"use_weights": -9, "prune": 9, "relabel_first": 9}  # degrees of the beam; level for the others


def verdict_section(facts: Facts) -> Html:
    """Return the verdict box; `leave it alone` and `not measured yet` are as complete as the others."""
    said = answer(facts)
    compare = part(facts, "compare")
    reasons = [told(w) for w in listed(compare, "why") if isinstance(w, Mapping)]
    reasons = [r for r in reasons if r.en] or [both(f"why.{said}")]
    more = [tag("ul", [tag("li", r) for r in reasons[1:]], class_="reasons")] if len(reasons) > 1 else None
    return tag(
        "section",
        tag(
            "div",
            tag("p", both("verdict.label"), tag("code", said), class_="eyebrow"),
            tag("h1", beam(said), tag("span", both(f"verdict.{said}"))),
            tag("p", reasons[0], class_="because"),
            more,
            tag(
                "p",
                tag("strong", both("verdict.next")),
                *first_of_all(facts),
                what_next(said, unit(facts)),
                class_="next",
            ),
            _command(facts, said),
            class_="verdict-words",
        ),
        evidence(compare),
        id="verdict",
        class_=f"verdict {said}" + ("" if compare else " alone"),
    )


def what_next(said: str, of: str) -> Two:
    """Return what to do now, in the words of this kind of table where it has its own."""
    return both(f"next.{said}.{of}") if known(f"next.{said}.{of}") else both(f"next.{said}")


def first_of_all(facts: Facts) -> list[Two]:
    """Return what to do before anything else: to change the model, where another one does better without weights."""
    found = [told(e) for e in listed(facts, "limits") if isinstance(e, Mapping) and e.get("code") == BETTER_MODEL]
    return [Two(f"{said.en} ", said.zh) for said in found]


def _command(facts: Facts, said: str) -> Html | None:
    asked = facts.get("next")
    run = part(facts, "run").get("id")
    if not asked and said == "not_measured" and run:
        asked = f"steelyard compare {run}"
    return tag("p", tag("code", visible(asked), class_="command"), class_="next-command") if asked else None


def beam(said: str) -> Html:
    """Return the steelyard's beam: level when nothing should change, tilted when something should."""
    shapes = [
        tag(
            "g",
            line(5, 20, 43, 20, "beam"),
            line(12, 20, 12, 28, "thread"),
            tag("path", d="M6 28h12l-2.5 5h-7z", class_="pan"),
            box(33, 20, 7, 9, "poise", rx=1.5),
            transform=f"rotate({TILT.get(said, 0)} 24 20)",
        ),
        line(24, 7, 24, 20, "thread"),
        dot(24, 6, 2.5, "hook"),
    ]
    return tag("svg", *shapes, class_="glyph", viewBox="0 0 48 40", width=48, height=40, aria_hidden="true")


def evidence(compare: Facts) -> Html | None:
    """Return what the verdict rests on: the best arm, the control, the smallest visible difference."""
    if not compare:
        return None
    lead, control = leading_arm(compare), control_arm(compare)
    rows = [a for a in (lead, control) if a]
    unseen = number(compare.get("smallest_visible"))
    ends = [abs(v) for a in rows for k in ("delta", "low", "high") if (v := number(a.get(k))) is not None]
    reach = 1.08 * max([*ends, unseen or 0.0], default=0.0) or 1.0
    decimals = delta_decimals(rows)
    items = []
    for kind, arm in (("lead", lead), ("control", control)):
        if arm:
            values = [number(arm.get(k)) for k in ("delta", "low", "high")]
            value, low, high = values
            drawn = strip(value, low, high, (-reach, reach), mark=0.0, kind=kind)
            shown = tag("b", fixed(value, decimals, sign=True)), " ", interval(low, high, decimals, sign=True)
            items.append(_fact(both(f"evidence.{kind}", arm=visible(arm.get("name"))), shown, drawn))
    if unseen is not None:
        items.append(_fact(both("evidence.unseen"), tag("b", f"±{figure(unseen)}")))
    gain = part(compare, "recovered_gain")
    if gain:
        share, ends_shown = percent_with_interval(gain.get("value"), gain.get("low"), gain.get("high"))
        items.append(_fact(both("evidence.recovered"), [tag("b", share), " ", ends_shown]))
    return tag("aside", tag("p", both("evidence.of", measure=measure_name(compare.get("measure")))), tag("dl", items))


def _fact(name: Two, shown: Child, drawn: Html | None = None) -> Html:
    return tag("div", tag("dt", name), tag("dd", tag("span", shown, class_="num"), drawn))


def numbers_section(facts: Facts) -> Html:
    """Return the key numbers, each with its interval or with what it was counted from."""
    summary, run = part(facts, "summary"), part(facts, "run")
    rows = number(summary.get("rows")) if summary.get("rows") is not None else number(run.get("rows"))
    groups = summary.get("groups") if summary.get("groups") is not None else run.get("groups")
    stats = [
        stat(both("stat.rows"), count(rows), _labelled(rows, summary.get("labelled"))),
        stat(both(f"stat.groups.{unit(facts)}"), count(groups), _per_group(rows, number(groups), unit(facts))),
        _error_rate(part(summary, "error_rate")),
        stat(both("stat.flagged"), count(summary.get("flagged")), _flagged(rows, summary)),
        stat(both("stat.contradictions"), count(summary.get("contradictory_rows")), both("stat.contradictions.note")),
        smallest(facts),
    ]
    reliability = part(summary, "reliability")
    return tag(
        "section",
        tag("h2", both("numbers.heading")),
        tag("div", stats, class_="stats"),
        quality_line(summary),
        tag("p", told(reliability, "message"), class_="note", id="reliability") if reliability else None,
        [tag("p", told(r), class_="note review") for r in listed(summary, "reviews") if isinstance(r, Mapping)],
        id="numbers",
    )


def quality_line(summary: Facts) -> Html | None:
    """Return how good the scoring was, in one line; nothing where nothing was measured."""
    quality = [
        tag("li", _quality(str(q.get("name"))), " ", tag("b", figure(q.get("value")), class_="num"))
        for q in listed(summary, "quality")
        if isinstance(q, Mapping)
    ]
    return tag("div", tag("p", both("numbers.quality")), tag("ul", quality), class_="quality") if quality else None


def _quality(name: str) -> Child:
    return both(f"quality.{name}") if known(f"quality.{name}") else visible(name)


def stat(name: Two, value: Child, note: Child = None, ends: str = "") -> Html:
    """Return one key number: its name, the number with its interval, and what it means."""
    shown = tag("p", value, tag("span", ends, class_="ends") if ends else None, class_="big num")
    return tag("div", tag("p", name, class_="stat-name"), shown, tag("p", note, class_="note"), class_="stat")


def _labelled(rows: float | None, labelled: Any) -> Child:
    seen = number(labelled)
    if seen is None or not rows:
        return None
    return both("stat.rows.all") if seen == rows else both("stat.rows.note", labelled=count(seen))


def _per_group(rows: float | None, groups: float | None, of: str) -> Child:
    return both(f"stat.groups.note.{of}", each=figure(rows / groups)) if rows and groups else None


def _error_rate(rate: Facts) -> Html:
    if number(rate.get("value")) is None:
        return stat(both("stat.error"), both("stat.unknown"), both("stat.error.none"))
    value, ends = percent_with_interval(rate.get("value"), rate.get("low"), rate.get("high"))
    return stat(both("stat.error"), value, how(rate), ends)


def how(rate: Facts) -> Two:
    """Return how the error rate was estimated: the catalogue's sentence, the facts' own, or the code itself."""
    code = str(rate.get("how") or "")
    if rate.get("how_en") or rate.get("how_zh"):
        return told(rate, "how")
    return both(f"how.{code}") if known(f"how.{code}") else Two(visible(code), visible(code))


def _flagged(rows: float | None, summary: Facts) -> Child:
    flagged, threshold = number(summary.get("flagged")), number(summary.get("threshold"))
    if not rows or flagged is None:
        return None
    if threshold is None:
        return both("stat.flagged.share", share=percent(flagged / rows))
    return both("stat.flagged.note", share=percent(flagged / rows), threshold=figure(threshold))


def smallest(facts: Facts) -> Html:
    """Return the smallest difference that the test of the comparison could see."""
    seen = part(part(facts, "summary"), "smallest_visible")
    compare = part(facts, "compare")
    value = number(compare.get("smallest_visible"))
    groups, measure = compare.get("groups"), compare.get("measure")
    if value is None:
        value, groups, measure = number(seen.get("value")), seen.get("groups"), seen.get("measure")
    if value is None:
        return stat(both("stat.smallest"), both("stat.unknown"), both("stat.smallest.none"))
    note = both(f"stat.smallest.note.{unit(facts)}", measure=measure_name(measure), groups=count(groups))
    return stat(both("stat.smallest"), figure(value), note)
