"""Find an attribute that the query asks and the title contradicts: size, volume, weight, pack, model or brand.

It would rather miss a clash than raise a false alarm: a number of the query that stands anywhere in the title is
no clash, nor is a value of another order of magnitude in another unit (a 13 inch laptop with a 1.8 m cable).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from typing import NamedTuple

from steelyard.values.evidence import Clash

#: Unit as written (lower case) -> kind and how many of the kind's base unit it is worth.
UNITS: dict[str, tuple[str, float]] = {
    **dict.fromkeys(("inches", "inch", "英寸", "寸", "吋", '"'), ("length", 2.54)),
    **dict.fromkeys(("mm", "毫米"), ("length", 0.1)),
    **dict.fromkeys(("cm", "厘米", "公分"), ("length", 1.0)),
    **dict.fromkeys(("m", "米"), ("length", 100.0)),
    **dict.fromkeys(("ft", "feet"), ("length", 30.48)),
    **dict.fromkeys(("ml", "毫升"), ("volume", 1.0)),
    **dict.fromkeys(("litres", "liters", "litre", "liter", "l", "升"), ("volume", 1000.0)),
    "fl oz": ("volume", 29.5735),
    **dict.fromkeys(("mg", "毫克"), ("weight", 0.001)),
    **dict.fromkeys(("grams", "gram", "g", "克"), ("weight", 1.0)),
    **dict.fromkeys(("kg", "公斤", "千克"), ("weight", 1000.0)),
    "斤": ("weight", 500.0),
    **dict.fromkeys(("lbs", "lb", "pounds", "pound"), ("weight", 453.592)),
    "oz": ("weight", 28.3495),
    "mb": ("data", 1 / 1024),
    "gb": ("data", 1.0),
    "tb": ("data", 1024.0),
    **dict.fromkeys(("watts", "watt", "w", "瓦"), ("power", 1.0)),
    "kw": ("power", 1000.0),
    **dict.fromkeys(("volts", "volt", "v", "伏"), ("voltage", 1.0)),
    **dict.fromkeys(("mah", "毫安"), ("charge", 1.0)),
    **dict.fromkeys(("hz", "赫兹"), ("frequency", 1.0)),
    "khz": ("frequency", 1e3),
    "mhz": ("frequency", 1e6),
    "ghz": ("frequency", 1e9),
    **dict.fromkeys(("码", "号码"), ("size", 1.0)),
}
#: Values closer than this are the same (a "13 inch" laptop measures 13.3); kinds that count are compared exactly.
NEAR = 0.03
EXACT = ("size", "pack", "voltage")
#: Values in different units are compared only within this factor.
COMPARABLE = 3.0
NUMERALS = {c: i for i, c in enumerate("一二三四五六七八九十", start=1)} | {"两": 2, "双": 2}

_NUMBER = r"(?<![\d.a-z])(\d+(?:\.\d+)?)"
_WRITTEN = "|".join(re.escape(u) for u in sorted(UNITS, key=len, reverse=True))
#: Latin units end at a letter's end; "in" counts as inch only when it touches its number (2 in 1, pack of 3 in blue).
_MEASURE = re.compile(rf"{_NUMBER}(?:\s*-?\s*({_WRITTEN})|-?(in))(?![a-z])")
_NETWORK = re.compile(r"[2-6]g")
_SIZE = re.compile(r"\bsize\s*(\d+(?:\.\d+)?)\b")
_COUNTER = "件只个支包瓶袋盒片条卷对罐枚块粒把张"
_PACK = re.compile(
    r"\b(?:pack|set|box) of (\d+)\b|\b(\d+)[\s-]*(?:packs?|count|ct|pcs|pieces?)\b"
    rf"|(\d+|[{''.join(NUMERALS)}])[{_COUNTER}]装|(?<=[{_COUNTER}\w])[*×](\d+)(?!\d|\s*\d|\s*cm|\s*mm)"
)
_MODEL = re.compile(r"(?<![a-z0-9])([a-z]{1,5})-?(\d{1,5})(?![a-z0-9])")
_DIGITS = re.compile(r"\d+(?:\.\d+)?")


class _Value(NamedTuple):
    kind: str
    amount: float
    unit: str
    written: str


def clash(query: str, title: str) -> Clash | None:
    """Return the first attribute on which query and title differ, or None.

    Compared are measures after conversion of units (inch cm ml l g kg GB W V 英寸 毫升 公斤 码 ...), pack sizes, and
    model numbers of the same series (LX-240 and LX-310). A measure that the title does not give is no clash.
    """
    query, title = _plain(query), _plain(title)
    there = values(title)
    numbers = {float(d) for d in _DIGITS.findall(title)}
    for asked in values(query):
        rivals = [v for v in there if v.kind == asked.kind and _comparable(asked, v)]
        same = any(_equal(asked, v) for v in there if v.kind == asked.kind)
        digits = _DIGITS.search(asked.written)
        stands_there = digits is not None and float(digits[0]) in numbers
        if rivals and not same and not stands_there:
            return Clash(asked.kind, asked.written, rivals[0].written)
    return _model_clash(query, title)


def brand_clash(query: str, title: str, brand: str, brands: Collection[str]) -> Clash | None:
    """Return the clash of a query that names one of ``brands`` with a product of another brand, or None.

    None as well where the title names the brand asked (``case for ...``), or the product's brand is not known.
    """
    query, title, own = _plain(query), _plain(title), _plain(brand)
    if not own or _names(query, own):
        return None
    asked = [b for b in brands if len(b) > 1 and _names(query, _plain(b))]
    if not asked or any(_names(title, _plain(b)) for b in asked):
        return None
    return Clash("brand", max(asked, key=len), brand)


def values(text: str) -> list[_Value]:
    """Return the measures, sizes and pack sizes of a text, in the order of reading."""
    text = _plain(text)
    found: list[tuple[int, _Value]] = []
    for m in _MEASURE.finditer(text):
        if not _NETWORK.fullmatch(m[0]):
            kind, worth = UNITS[m[2]] if m[2] else UNITS["inch"]
            found.append((m.start(), _Value(kind, float(m[1]) * worth, m[2] or "inch", m[0].strip())))
    found += [(m.start(), _Value("size", float(m[1]), "码", m[0])) for m in _SIZE.finditer(text)]
    for m in _PACK.finditer(text):
        count = next(g for g in m.groups() if g)
        amount = float(NUMERALS[count]) if count in NUMERALS else float(count)
        found.append((m.start(), _Value("pack", amount, "pack", m[0].strip())))
    return [value for _, value in sorted(found, key=lambda f: f[0])]


def _plain(text: str) -> str:
    """Fold width, case and the many signs for inch."""
    text = re.sub(r"(?<=\d)\s?(?:''|′′|[″”“＂])", '"', text)
    return unicodedata.normalize("NFKC", text).lower()


def _names(text: str, name: str) -> bool:
    """Whether a text names something as a word; within Chinese writing any place will do."""
    edge = r"(?<![a-z0-9])", r"(?![a-z0-9])"
    return re.search(edge[0] + re.escape(name) + edge[1], text) is not None


def _equal(a: _Value, b: _Value) -> bool:
    if a.kind in EXACT:
        return a.amount == b.amount
    return abs(a.amount - b.amount) <= NEAR * max(a.amount, b.amount)


def _comparable(a: _Value, b: _Value) -> bool:
    if a.unit == b.unit:
        return True
    small, large = sorted((a.amount, b.amount))
    return small > 0 and large <= COMPARABLE * small


def _model_clash(query: str, title: str) -> Clash | None:
    """Another number behind the same letters, where the number asked stands nowhere in the title."""
    there = [m for m in _MODEL.finditer(title) if not _is_word(m)]
    for asked in _MODEL.finditer(query):
        if _is_word(asked) or asked[2] in _DIGITS.findall(title):
            continue
        rivals = [m for m in there if m[1] == asked[1]]
        if rivals:
            return Clash("model", asked[0].upper(), rivals[0][0].upper())
    return None


def _is_word(found: re.Match[str]) -> bool:
    """Whether letters before a number are a word of their own: ``pack of 3``."""
    return found[1] in ("x", "of", "for", "size", "no", "in", "to", "and")
