"""Personal data in free text: phone, e-mail, Chinese identity card, bank card; found, counted, masked."""

from __future__ import annotations

import datetime
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow.compute as pc

from steelyard.features.hashing import Distinct
from steelyard.values.arrays import Ints

KINDS = ("email", "id_card", "bank_card", "phone")

#: Whatever could hold a hit: an at sign, or seven digits with at most two signs between neighbours.
PREFILTER = r"[@＠]|[0-9０-９](?:[ \-.()（）－．　]{0,2}[0-9０-９]){6}"
_PREFILTER = re.compile(PREFILTER)
#: Full-width to half-width, one character for one, so that positions stay those of the text as written.
_HALF = {0xFF01 + i: 0x21 + i for i in range(94)} | {0x3000: 0x20}

_EMAIL = re.compile(
    r"(?<![A-Za-z0-9_.%+-])[A-Za-z0-9_%+-][A-Za-z0-9._%+-]{0,63}@(?:[A-Za-z0-9-]{1,63}\.){1,5}([A-Za-z]{2,24})(?![A-Za-z0-9_-])"
)
#: Endings that are file names (logo@2x.png), not mail domains.
_FILES = frozenset(["png", "jpg", "jpeg", "gif", "svg", "webp", "css", "js", "json", "html", "htm", "pdf", "txt"])

_ALONE, _END = r"(?<![A-Za-z0-9_.#/+-])", r"(?![A-Za-z0-9_]|[.,/-]\d)"
_ID_CARD = re.compile(_ALONE + r"(\d{17}[\dXx])" + _END)
_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
#: First two digits: provinces, Taiwan, Hong Kong, Macau, and their residence permits (GB/T 2260).
_PROVINCES = re.compile(r"1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[1-3]")

_CARD = re.compile(_ALONE + r"(\d{13,19}|\d{4}([ -])\d{4}\2\d{4}\2\d{1,7}|\d{4}([ -])\d{6}\3\d{4,5})" + _END)
#: Digits in front -> lengths in use. Source: ISO/IEC 7812 ranges as the networks publish them.
_CARD_PREFIXES = (
    (re.compile(r"4"), (13, 16, 19)),
    (re.compile(r"5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720"), (16,)),
    (re.compile(r"62"), (16, 17, 18, 19)),
    (re.compile(r"3[47]"), (15,)),
    (re.compile(r"6011|64[4-9]|65"), (16, 19)),
    (re.compile(r"35(?:2[89]|[3-8])"), (16,)),
    (re.compile(r"30[0-5]|3[689]"), (14,)),
)

#: Numbers of mobile networks in mainland China (MIIT); 10-12 and 140-144 stay out.
_MOBILE = re.compile(
    r"(?<![A-Za-z0-9_.#/+-])(?:(?:\+|00)?86[ -]?)?"
    r"1(?:3\d|4[5-9]|5[0-35-9]|6[2567]|7[0-8]|8\d|9[0-35-9])(?:\d{8}|([ -])\d{4}\1\d{4})"
    + _END
    + r"|(?<![\w.#/])\+86[ -]?1(?:3\d|4[5-9]|5[0-35-9]|6[2567]|7[0-8]|8\d|9[0-35-9])(?:\d{8}|[ -]\d{4}[ -]\d{4})"
    + _END
)
_LANDLINE = re.compile(_ALONE + r"\(?0(?:10|2[0-57-9]|[3-9]\d{2})(?:\)[ -]?|-)[2-8]\d{6,7}" + _END)
_NORTH_AMERICA = re.compile(
    _ALONE
    + r"(?:1[-. ])?(?:\([2-9](?!11)\d{2}\) ?[2-9]\d{2}[-. ]|"
    + r"[2-9](?!11)\d{2}([-.])[2-9]\d{2}\1)\d{4}(?![A-Za-z0-9_]|[-./,]\d)"
)
_INTERNATIONAL = re.compile(r"(?<![\w.#/+])\+(\d{1,3}(?:[ .-]?\(?\d{1,5}\)?){2,6})(?![A-Za-z0-9_]|[.,/-]\d)")
#: Country calling codes by their first digits. Source: ITU-T E.164 list of assigned codes.
_COUNTRY = re.compile(
    r"1[2-9]|7[3-9]|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]|"
    r"2[1-69]\d|3[578]\d|42[0-3]|5[09]\d|6[7-9]\d|8[58]\d|9[679]\d"
)


@dataclass(frozen=True)
class Hit:
    """One piece of personal data: kind (of ``KINDS``) and its place [start, end) in the text as written."""

    kind: str
    start: int
    end: int


def hits(text: str) -> list[Hit]:
    """Return the personal data in ``text``, left to right, not overlapping.

    Numbers must stand alone and pass what their kind can prove: network prefix (mobile), check digit and birth
    date (identity card, GB 11643), Luhn and issuer range (bank card, ISO/IEC 7812), country code (E.164). Product
    numbers, EAN, ISBN, prices and sizes therefore stay. Names, addresses and plates are not looked for.
    """
    if not _PREFILTER.search(text):
        return []
    half = text.translate(_HALF)
    found: list[Hit] = []
    for kind, start, end in _candidates(half):
        if all(end <= h.start or start >= h.end for h in found):
            found.append(Hit(kind, start, end))
    return sorted(found, key=lambda h: h.start)


def mask(text: str) -> str:
    """Return ``text`` with each hit replaced by its kind in brackets: ``[phone]``. Idempotent."""
    found, last = [], 0
    for hit in hits(text):
        found += [text[last : hit.start], f"[{hit.kind}]"]
        last = hit.end
    return "".join([*found, text[last:]]) if found else text


def personal_rows(texts: Distinct) -> tuple[Ints, Counter[str]]:
    """Return (rows, counts): the rows (k,) whose text holds personal data, and rows per kind.

    Distinct texts are searched once, and only those that Arrow's regular expression lets through:
    2M queries take a few seconds.
    """
    places = np.flatnonzero(pc.match_substring_regex(texts.values, PREFILTER).to_numpy(zero_copy_only=False))
    often = np.bincount(texts.index, minlength=len(texts.values))
    counts: Counter[str] = Counter()
    held = np.zeros(len(texts.values), bool)
    for place, text in zip(places.tolist(), texts.values.take(places).to_pylist(), strict=True):
        for kind in {hit.kind for hit in hits(text)}:
            counts[kind] += int(often[place])
            held[place] = True
    return np.flatnonzero(held[texts.index]), counts


def _candidates(text: str) -> Iterator[tuple[str, int, int]]:
    if "@" in text:
        for m in _EMAIL.finditer(text):
            if m[1].lower() not in _FILES:
                yield "email", *m.span()
    for m in _ID_CARD.finditer(text):
        if is_id_card(m[1]):
            yield "id_card", *m.span()
    for m in _CARD.finditer(text):
        if is_bank_card(re.sub(r"\D", "", m[1])):
            yield "bank_card", *m.span()
    for pattern in (_MOBILE, _LANDLINE, _NORTH_AMERICA):
        for m in pattern.finditer(text):
            yield "phone", *m.span()
    for m in _INTERNATIONAL.finditer(text):
        digits = re.sub(r"\D", "", m[1])
        if 8 <= len(digits) <= 15 and _COUNTRY.match(digits):
            yield "phone", *m.span()


def is_id_card(number: str) -> bool:
    """Say whether 18 characters are a Chinese identity number: province, birth date, check digit (GB 11643)."""
    if not _PROVINCES.match(number):
        return False
    try:
        born = datetime.date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return False
    total = sum(w * int(d) for w, d in zip(_ID_WEIGHTS, number[:17], strict=True))
    return 1900 <= born.year <= 2099 and "10X98765432"[total % 11] == number[17].upper()


def is_bank_card(digits: str) -> bool:
    """Say whether 13 to 19 digits are a card: a known issuer range, Luhn, and not a valid EAN-13 or GTIN-14."""
    if len(set(digits)) < 2 or not any(p.match(digits) and len(digits) in sizes for p, sizes in _CARD_PREFIXES):
        return False
    return _luhn(digits) and not (len(digits) in (13, 14) and _is_gtin(digits))


def _luhn(digits: str) -> bool:
    doubled = (sum(divmod(2 * int(d), 10)) for d in digits[-2::-2])
    return (sum(map(int, digits[-1::-2])) + sum(doubled)) % 10 == 0


def _is_gtin(digits: str) -> bool:
    return (sum(map(int, digits[-1::-2])) + 3 * sum(map(int, digits[-2::-2]))) % 10 == 0
