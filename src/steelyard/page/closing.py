"""The end of the page: what checking found, what the report cannot tell, and how to make it again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from steelyard.page.markup import Child, Html, shorten, tag, visible
from steelyard.page.measure import listed, part
from steelyard.page.numerals import count, duration, number
from steelyard.page.words import both, told

Facts = Mapping[str, Any]
SIGNS = {"error": "✕", "warn": "!", "note": "i", "ok": "✓"}
ORDER = tuple(SIGNS)
LIMITS = ("limit.score", "limit.reference", "limit.rule", "limit.test")


def findings_section(facts: Facts) -> Html:
    """Return what reading and checking noticed, the gravest first."""
    found = [f for f in listed(facts, "findings") if isinstance(f, Mapping)]
    found.sort(key=lambda f: ORDER.index(severity(f)))
    body = tag("ul", [_finding(f) for f in found], class_="findings") if found else None
    return tag(
        "section",
        tag("h2", both("findings.heading")),
        body or tag("p", both("findings.none"), class_="empty"),
        id="findings",
    )


def severity(finding: Facts) -> str:
    said = str(finding.get("severity"))
    return said if said in SIGNS else "note"


def _finding(finding: Facts) -> Html:
    kind = severity(finding)
    found = number(finding.get("count"))
    rows = [tag("code", shorten(r, 24), class_="key") for r in listed(finding, "rows")[:6]]
    spaced = [part for r in rows for part in (" ", r)]
    return tag(
        "li",
        tag("span", tag("i", SIGNS[kind], aria_hidden="true"), both(f"severity.{kind}"), class_=f"sign {kind}"),
        tag(
            "div",
            tag("p", told(finding)),
            tag("p", both("findings.rows"), spaced, class_="note") if rows else None,
        ),
        tag("span", count(found) if found else "", class_="num count"),
        tag("code", visible(finding.get("code") or "")),
        class_=kind,
    )


def limits_section(facts: Facts) -> Html:
    """Return what the report cannot tell: what the facts say, or what is true of every report."""
    own = [told(e) for e in listed(facts, "limits") if isinstance(e, Mapping)]
    said = [e for e in own if e.en] or [both(key) for key in LIMITS]
    return tag(
        "section",
        tag("h2", both("limits.heading")),
        tag("ul", [tag("li", s) for s in said], class_="limits"),
        id="limits",
    )


def provenance_section(facts: Facts) -> Html:
    """Return all that is needed to make the report again."""
    run = part(facts, "run")
    lines = [
        ("run", tag("code", visible(run["id"]), class_="key") if run.get("id") else None),
        ("created", visible(run["created"]) if run.get("created") else None),
        ("inputs", [tag("p", tag("code", visible(p))) for p in listed(run, "paths")]),
        ("fingerprint", tag("code", visible(run["fingerprint"]), class_="key") if run.get("fingerprint") else None),
        ("task", both(f"task.{run['task']}") if _task(run) else visible(run.get("task") or "")),
        ("columns", [_column(k, v) for k, v in part(run, "columns").items()]),
        ("scale", _scale(part(run, "scale"))),
        ("model", tag("code", visible(run["model"])) if run.get("model") else None),
        ("tier", visible(run.get("tier") or "")),
        ("seed", visible(run["seed"]) if run.get("seed") is not None else None),
        ("seconds", duration(run["seconds"]) if number(run.get("seconds")) is not None else None),
        ("versions", _versions(run)),
    ]
    items = [tag("div", tag("dt", both(f"source.{name}")), tag("dd", value)) for name, value in lines if value]
    command = facts.get("reproduce") or run.get("command")
    return tag(
        "section",
        tag("h2", both("source.heading")),
        tag("dl", items, class_="source"),
        _again(command) if command else None,
        id="provenance",
    )


def _task(run: Facts) -> bool:
    return run.get("task") in ("relevance", "classification", "tagging", "recommendation")


def _column(canonical: str, own: Any) -> Html:
    shown = [tag("code", visible(canonical))]
    if own != canonical:
        shown += [tag("span", " ← ", class_="note"), tag("code", visible(own))]
    return tag("p", shown)


def _scale(scale: Facts) -> Child:
    names = [tag("bdi", shorten(n, 40)) for n in listed(scale, "names")]
    between = tag("span", " < " if scale.get("ordered") else " · ", class_="note")
    joined = [piece for k, name in enumerate(names) for piece in ((between, name) if k else (name,))]
    if not names or not scale.get("ordered"):
        return joined
    return [joined, " ", tag("span", both("scale.ordered"), class_="note")]


def _versions(run: Facts) -> str:
    known = (("steelyard", "version"), ("Python", "python"), ("", "platform"))
    return " · ".join(f"{name} {visible(run[key])}".strip() for name, key in known if run.get(key))


def _again(command: Any) -> list[Html]:
    copy = tag("button", both("source.copy"), type="button", id="copy", hidden=True)
    return [
        tag("h3", both("source.again")),
        tag("div", tag("pre", tag("code", visible(command), id="command")), copy, class_="again"),
    ]
