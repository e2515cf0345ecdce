"""The page's words in both languages, from the catalogues, and what the facts say in both."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from steelyard.page.markup import Two, visible
from steelyard.wording import catalogue


def both(key: str, **facts: Any) -> Two:
    """Return the sentence ``report.<key>`` in both languages; a ``Two`` among the facts is put in its language."""
    return Two(*(_say(f"report.{key}", lang, facts) for lang in ("en", "zh")))


def known(key: str) -> bool:
    """Return whether the catalogue has ``report.<key>``."""
    return f"report.{key}" in catalogue("en")


def told(entry: Mapping[str, Any], field: str = "message") -> Two:
    """Return what the facts tell in ``<field>_en`` and ``<field>_zh``; one stands in for a missing other."""
    en, zh = entry.get(f"{field}_en"), entry.get(f"{field}_zh")
    plain = entry.get(field)
    return Two(visible(en or plain or zh or ""), visible(zh or plain or en or ""))


def _say(key: str, lang: str, facts: Mapping[str, Any]) -> str:
    own = {name: value[lang] if isinstance(value, Two) else value for name, value in facts.items()}
    return catalogue(lang)[key].format(**own)
