"""Markup that cannot be broken by data: plain strings are escaped, only ``Html`` passes as it is."""

from __future__ import annotations

import html
import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias


class Html(str):
    """A piece of markup that is already safe."""

    __slots__ = ()


@dataclass(frozen=True)
class Two:
    """The same words in English and Chinese; a page holds both and shows one."""

    en: str
    zh: str

    def __getitem__(self, lang: str) -> str:
        return self.zh if lang == "zh" else self.en


Child: TypeAlias = "str | int | float | Two | Iterable[Child] | None"

VOID = {"br", "input", "meta", "link", "hr"}
WORDS_ONLY = {"title", "desc", "option"}  # elements that cannot hold a span: the script swaps their words
DRAWN_WORDS = {"text", "tspan"}
UNSEEN = re.compile("[\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069\u2028\u2029]")
CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
SPACE = re.compile(r"[\t\n\v\f\r]+")


def visible(value: Any) -> str:
    """Return text from the data as it may be shown: one line, no control character, direction marks spelled out.

    A title may carry U+202E, which would turn the rest of the line around; the reader sees ``⟨U+202E⟩`` instead.
    """
    plain = SPACE.sub(" ", str(value))
    plain = UNSEEN.sub(lambda m: f"⟨U+{ord(m[0]):04X}⟩", plain)
    return CONTROL.sub("\N{REPLACEMENT CHARACTER}", plain)


def text(value: Any) -> Html:
    """Return ``value`` as escaped markup."""
    return Html(html.escape(visible(value), quote=True))


def shorten(value: Any, most: int) -> str:
    """Return at most ``most`` characters of ``value``, with an ellipsis where something was left off."""
    plain = visible(value)
    return plain if len(plain) <= most else plain[: most - 1].rstrip() + "…"


def put(child: Child, within: str = "span") -> Html:
    """Return the markup of a child: strings escaped, ``Two`` as one ``within`` a language, iterables joined."""
    if child is None:
        return Html("")
    if isinstance(child, Html):
        return child
    if isinstance(child, Two):
        return _spans(child, within)
    if isinstance(child, (str, int, float)):
        return text(child)
    return Html("".join(put(c, within) for c in child))


def tag(name: str, *children: Child, **attributes: Any) -> Html:
    """Return ``<name ...>children</name>``. ``class_`` is ``class``, ``data_x`` is ``data-x``; None is left out.

    A ``Two`` as attribute, or within an element that holds words only, is written in both languages; the script
    of the page keeps the one that is read.
    """
    if name in WORDS_ONLY and len(children) == 1 and isinstance(children[0], Two):
        attributes |= {"data_l10n": "text", "data_en": children[0].en, "data_zh": children[0].zh}
        children = (_both_said(children[0]),)
    within = "tspan" if name in DRAWN_WORDS else "span"
    head = "".join(_attribute(key, value) for key, value in attributes.items())
    if name in VOID:
        return Html(f"<{name}{head}>")
    return Html(f"<{name}{head}>{put(children, within)}</{name}>")


def _attribute(key: str, value: Any) -> str:
    name = key.rstrip("_").replace("_", "-")
    if value is None or value is False:
        return ""
    if value is True:
        return f" {name}"
    if isinstance(value, Two):
        both = _attribute("data_l10n", name) + _attribute("data_en", value.en) + _attribute("data_zh", value.zh)
        return _attribute(key, _both_said(value)) + both
    return f' {name}="{text(value)}"'


def _both_said(words: Two) -> str:
    return words.en if words.en == words.zh else f"{words.en} · {words.zh}"


def _spans(words: Two, name: str) -> Html:
    if words.en == words.zh:
        return put(words.en)
    en, zh = put(words.en), put(words.zh)
    return Html(f'<{name} class="en" lang="en">{en}</{name}><{name} class="zh" lang="zh-Hans">{zh}</{name}>')


def json_block(value: Any) -> Html:
    """Return ``value`` as JSON that can lie within a script element: ASCII only, no ``<``, ``>`` or ``&``."""
    plain = json.dumps(_json_ready(value), ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return Html(plain.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))


def _json_ready(value: Any) -> Any:
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, (str, int)):
        return value
    if isinstance(value, Mapping):
        return {str(k): _json_ready(v) for k, v in value.items()}
    if isinstance(value, Iterable):
        return [_json_ready(v) for v in value]
    return str(value)
