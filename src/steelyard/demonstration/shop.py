"""The invented shop: kinds of product, queries for them, and titles; it knows the true grade of every pair.

Words lie in ``en.json`` and ``zh.json``. All randomness comes from the ``random.Random`` that is handed in.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from random import Random
from typing import Any

#: ASCII that becomes full-width in some Chinese titles, as old shop systems write it.
WIDE = {c: c + 0xFEE0 for c in range(0x21, 0x7F) if chr(c).isalnum()}
LANGUAGES = ("en", "zh")
#: Attributes that an accessory need not fit.
LOOKS = ("colour", "material", "flavour", "ink")


@dataclass(frozen=True)
class Asked:
    """What a shopper wants: a kind of product (its number in the words) and the attributes that matter."""

    language: str
    kind: int
    attributes: Mapping[str, str]
    text: str


@dataclass(frozen=True)
class Product:
    """One product. kind: its kind, or the kind that it is an accessory of; case: an accessory named a case."""

    title: str
    brand: str
    category: str
    price: float
    kind: int
    accessory: bool = False
    case: bool = False


@cache
def words(language: str) -> dict[str, Any]:
    """Return the words of one language; the colours are filled in where a kind leaves them open."""
    text = (files("steelyard.demonstration") / f"{language}.json").read_text(encoding="utf-8")
    read: dict[str, Any] = json.loads(text)
    for kind in read["types"]:
        kind["specs"] = {name: values or read["colours"] for name, values in kind["specs"].items()}
        kind["brands"] = [read["brands"][i] for i in kind["brands"]]
    return read


def ask(language: str, rng: Random) -> Asked:
    """Draw a query: a kind of product and one to three attributes that it must have."""
    known = words(language)
    number = rng.randrange(len(known["types"]))
    kind = known["types"][number]
    names = list(kind["specs"])
    attributes = {"brand": rng.choice(kind["brands"])} if rng.random() < 0.55 else {}
    least = 0 if attributes else 1
    for name in rng.sample(names, rng.choice((least, 1, 1, 2)) if len(names) > 1 else 1):
        attributes[name] = rng.choice(kind["specs"][name])
    text = _fill(
        rng.choice(known["query_templates"]),
        brand=attributes.get("brand", ""),
        name=_name(kind, rng),
        specs=_specs(attributes, known, rng),
    )
    return Asked(language, number, attributes, text.lower() if language == "en" else text)


def exact(asked: Asked, rng: Random) -> Product:
    """Draw a product of the kind asked that has every attribute asked."""
    return _product(asked, dict(asked.attributes), rng)


def substitute(asked: Asked, rng: Random) -> Product:
    """Draw a product of the kind asked in which one or two attributes are not the ones asked."""
    kind = words(asked.language)["types"][asked.kind]
    has = dict(asked.attributes)
    wrong = rng.sample(list(has), 2 if len(has) > 1 and rng.random() < 0.3 else 1)
    for name in wrong:
        options = kind["brands"] if name == "brand" else kind["specs"][name]
        has[name] = rng.choice([o for o in options if o != has[name]])
    return _product(asked, has, rng)


def complement(asked: Asked, rng: Random) -> Product:
    """Draw an accessory for the kind asked, more often than not one that fits the very thing asked."""
    known = words(asked.language)
    kind = known["types"][asked.kind]
    accessory = rng.choices(kind["accessories"], [2 if a.get("case") else 1 for a in kind["accessories"]])[0]
    name, values = rng.choice([(n, v) for n, v in kind["specs"].items() if n not in LOOKS])
    fit = asked.attributes.get(name) if rng.random() < 0.7 else None
    brand = rng.choice(known["brands"])
    for_brand = asked.attributes.get("brand", "") if rng.random() < 0.4 else ""
    gap = " " if known["join"] else ""
    title = _fill(
        rng.choice(known["accessory_templates"]),
        brand=brand,
        name=_name(kind, rng),
        accessory=accessory["name"],
        extra=rng.choice(known["accessory_extras"]),
        fit=(for_brand + gap + _written(fit or rng.choice(values), known, rng)).strip(),
    )
    price = _price(kind["price"][0] * 0.1, kind["price"][0] * 0.6, rng)
    return Product(
        _dressed(title, asked.language, rng),
        brand,
        kind["category"],
        price,
        asked.kind,
        accessory=True,
        case=bool(accessory.get("case")),
    )


def variant(product: Product, asked: Asked, rng: Random) -> Product:
    """Return a near-identical product: the same title with one more selling word, at another price."""
    known = words(asked.language)
    extras = known["accessory_extras"] if product.accessory else known["types"][product.kind]["extras"]
    folded = product.title.lower()
    extra = rng.choice([e for e in extras if e.lower() not in folded])
    title = f"{product.title}, {extra}" if asked.language == "en" else f"{product.title} {extra}"
    price = round(product.price * rng.choice((0.95, 1.0, 1.05)), 2)
    return Product(title, product.brand, product.category, price, product.kind, product.accessory, product.case)


def _product(asked: Asked, has: dict[str, str], rng: Random) -> Product:
    known = words(asked.language)
    kind = known["types"][asked.kind]
    for name, values in kind["specs"].items():
        if name not in has and rng.random() < 0.55:
            has[name] = rng.choice(values)
    brand = has.get("brand") or rng.choice(kind["brands"])
    title = _fill(
        rng.choice(known["title_templates"]),
        brand=brand,
        name=_name(kind, rng),
        specs=_specs(has, known, rng),
        extra=rng.choice(kind["extras"]),
    )
    return Product(
        _dressed(title, asked.language, rng),
        brand,
        kind["category"],
        _price(kind["price"][0], kind["price"][1], rng),
        asked.kind,
    )


def _name(kind: dict[str, Any], rng: Random) -> str:
    """The usual name of the kind, now and then its synonym."""
    usual, synonym = kind["names"]
    return usual if rng.random() < 0.85 else synonym


def _specs(attributes: Mapping[str, str], known: dict[str, Any], rng: Random) -> str:
    values = [_written(v, known, rng) for name, v in attributes.items() if name != "brand"]
    rng.shuffle(values)
    return " ".join(values)


def _written(value: str, known: dict[str, Any], rng: Random) -> str:
    """Write a value the way one of many sellers would: ``15.6 inch``, ``15.6-inch``, ``15.6"``."""
    for unit, forms in known["units"].items():
        number = value.removesuffix(unit)
        if number != value and number.replace(".", "").isdigit():
            form: str = forms[0] if rng.random() < 0.6 else rng.choice(forms)
            return form.format(x=number)
    return value


def _fill(template: str, **parts: str) -> str:
    """Fill a template and tidy up the gaps that empty parts leave."""
    text = " ".join(template.format(**parts).split())
    for gap, tidy in ((" ,", ","), (",,", ","), ("( ", "("), (" )", ")"), ("()", ""), ("| |", "|")):
        text = text.replace(gap, tidy)
    return text.strip(" ,-|")


def _dressed(title: str, language: str, rng: Random) -> str:
    """Give the title the look of its seller: capitals in English, full-width characters in some Chinese ones."""
    if language == "zh":
        return title.translate(WIDE) if rng.random() < 0.08 else title
    if rng.random() < 0.6:
        return " ".join(w[:1].upper() + w[1:] for w in title.split(" "))
    return title[:1].upper() + title[1:]


def _price(low: float, high: float, rng: Random) -> float:
    """Draw a price, cheap ones more often, ending in .99 or .00."""
    value = low * (high / low) ** rng.random()
    return round(value) - 0.01 if rng.random() < 0.6 else float(max(1, round(value)))
