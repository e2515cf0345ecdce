"""Text for people, in English and Chinese: one catalogue a language, looked up by code.

JSON keys, column names, codes and verbs are English always; only sentences are translated.
A test keeps the catalogues complete: same keys, same placeholders, no key that nobody uses.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

LANGUAGES = ("en", "zh")


def choose_language(asked: str | None = None) -> str:
    """Return ``en`` or ``zh``: what was asked, then STEELYARD_LANG, then the locale of the shell."""
    for said in (asked, os.environ.get("STEELYARD_LANG"), os.environ.get("LC_ALL"), os.environ.get("LANG")):
        if said:
            return "zh" if said.lower().startswith("zh") else "en"
    return "en"


@cache
def catalogue(lang: str) -> dict[str, str]:
    """Return every sentence of one language, by code (all files of ``locale/<lang>`` together)."""
    texts: dict[str, str] = {}
    for entry in sorted((files("steelyard") / "locale" / lang).iterdir(), key=lambda e: e.name):
        if entry.name.endswith(".json"):
            texts.update(json.loads(entry.read_text(encoding="utf-8")))
    return texts


def others(task: str, lang: str) -> str:
    """Return what the held-out groups of a table are: queries with their products, or texts."""
    return say("T_texts" if task in ("classification", "tagging") else "T_queries", lang)


def truncated(facts: Mapping[str, Any], rows: int, asked: int) -> tuple[str, dict[str, Any]] | None:
    """Return the code and the facts of the sentence on texts that were cut, None where none was.

    facts: of the network or encoder of a run. asked: its max_length, which the model may have no places for.
    """
    cut = facts["truncated"]
    if not cut["rows"]:
        return None
    limit = cut.get("limit", asked)
    told = {"count": cut["rows"], "rows": rows, "limit": limit, "tokens": cut["tokens"]}
    return ("T122", {**told, "asked": asked}) if limit < asked else ("T120", told)


def uncovered(parameters: Mapping[str, str], lang: str) -> dict[str, Any]:
    """Return the facts of a sentence on parameters without a gradient rule; parameters: name -> code of the reason."""
    by_reason: dict[str, list[str]] = {}
    for name, reason in parameters.items():
        by_reason.setdefault(reason, []).append(name)
    lines = [f"  {', '.join(names)}: {say(reason, lang)}" for reason, names in by_reason.items()]
    return {"count": len(parameters), "listed": "\n".join(lines)}


def say(code: str, lang: str = "en", **facts: Any) -> str:
    """Return the sentence for ``code``; numbers in ``facts`` are formatted by the catalogue's own format."""
    text = catalogue(lang).get(code)
    if text is None:
        return f"{code} {facts}"
    return text.format(**facts)
