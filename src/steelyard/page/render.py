"""One offline HTML page from the facts of a run: the verdict first, both languages inside, no request to anywhere.

The page reads without JavaScript; the script only switches language and theme, sorts and filters the worst rows,
and shows what a mark in a chart stands for. Style and script are allowed by their sha256 alone.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from steelyard.page.arms import arms_section
from steelyard.page.closing import findings_section, limits_section, provenance_section
from steelyard.page.interactions import bands_section, carriers_section, taken_numbers_section
from steelyard.page.maps import maps_section
from steelyard.page.markup import Html, Two, json_block, put, shorten, tag, visible
from steelyard.page.measure import listed, part, unit
from steelyard.page.rows import MOST, rows_section
from steelyard.page.slices import helps_section, slices_section
from steelyard.page.verdict import numbers_section, verdict_section
from steelyard.page.views import views_section
from steelyard.page.words import both

STYLES = ("page.css", "tables.css", "charts.css", "print.css")
NAMED = (
    "numbers",
    "comparison",
    "slices",
    "helps",
    "carriers",
    "bands",
    "views",
    "map",
    "rows",
    "findings",
    "limits",
    "provenance",
)
LONGEST = 500  # characters of a text in the embedded facts
DRAWN = ("map", "histogram")  # large, and in the page as drawings already


def render(facts: Mapping[str, Any], *, lang: str = "en") -> str:
    """Return the report as one HTML file.

    facts: ``steelyard.report/1``, a mapping with ``run, findings, summary, top, slices, map, histogram, compare,
        limits, reproduce``, and ``carriers`` and ``views`` for interactions; any part and any fact within it may be
        missing, None or empty. ``next``, a command, stands under the verdict when given.
    lang: ``en`` or ``zh``, the language shown first; the reader can switch and the browser remembers.
    """
    sections = [
        verdict_section(facts),
        taken_numbers_section(facts) if unit(facts) == "users" else numbers_section(facts),
        arms_section(facts),
        None if unit(facts) == "users" else slices_section(facts),
        helps_section(facts),
        carriers_section(facts),
        bands_section(facts),
        views_section(facts),
        maps_section(facts),
        rows_section(facts),
        findings_section(facts),
        limits_section(facts),
        provenance_section(facts),
    ]
    style = "\n".join(template(name) for name in STYLES)
    script = template("page.js")
    name = title(facts)
    filled = {
        "lang": "zh-Hans" if lang == "zh" else "en",
        "shown": "zh" if lang == "zh" else "en",
        "title_en": put(name.en),
        "title_zh": put(name.zh),
        "title": put(name["zh" if lang == "zh" else "en"]),
        "policy": f"default-src 'none'; style-src '{fingerprint(style)}'; script-src '{fingerprint(script)}'; "
        "base-uri 'none'; form-action 'none'",
        "style": style,
        "script": script,
        "masthead": masthead(facts),
        "contents": contents(sections),
        "sections": Html("\n".join(s for s in sections if s)),
        "foot": put(both("page.foot")),
        "theme": tag("button", both("page.theme"), type="button", id="theme", hidden=True),
        "facts": json_block(embedded(facts)),
    }
    page = template("page.html")
    return re.sub(r"\{\{(\w+)\}\}", lambda m: filled[m[1]], page)


def template(name: str) -> str:
    """Return the text of a file that lies beside this one."""
    return (files("steelyard.page") / name).read_text(encoding="utf-8")


def fingerprint(content: str) -> str:
    """Return the sha256 by which the page's policy allows this style or script."""
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()


def title(facts: Mapping[str, Any]) -> Two:
    run = part(facts, "run")
    return both("page.title", name=visible(run.get("name") or run.get("id") or "–"))


def masthead(facts: Mapping[str, Any]) -> Html:
    """Return what the report is about: the name of the run, its id, tier and day."""
    run = part(facts, "run")
    said = [visible(run[k]) for k in ("id", "tier", "created") if run.get(k)]
    return tag(
        "p",
        tag("strong", tag("bdi", visible(run.get("name") or both("page.unnamed")["en"]))),
        [tag("span", s) for s in said],
        class_="about",
    )


def contents(sections: list[Html | None]) -> Html:
    """Return links to the sections that the page has."""
    there = [name for name in NAMED if any(s and f'id="{name}"' in s[:400] + s[-400:] for s in sections)]
    return tag("nav", [tag("a", both(f"nav.{n}"), href=f"#{n}") for n in there], aria_label=both("nav.label"))


def embedded(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts as the page carries them for scripts: without what is only drawn, at most 100 rows.

    Texts are cut at 500 characters, so that no description can make the page large.
    """
    kept = {k: v for k, v in facts.items() if k not in DRAWN}
    rows = [r for r in listed(facts, "top") if isinstance(r, Mapping)][:MOST]
    return kept | {"top": [{k: shorten(v, LONGEST) if isinstance(v, str) else v for k, v in r.items()} for r in rows]}
