"""The grammar of names: ``ndcg@10[gain=esci,ideal=full]``, ``mrr@10[rel>=E]``; names print and parse."""

from __future__ import annotations

import dataclasses
import json
import re
from typing import TYPE_CHECKING, Any

from steelyard.errors import UsageError, nearest
from steelyard.parts import find, names

if TYPE_CHECKING:
    from steelyard.parts.measures import Measure

NAME = re.compile(r"\s*(?P<base>[^@\[\]\s]+)(?:@(?P<k>\d+))?(?:\[(?P<options>.*)\])?\s*", re.DOTALL)
OPTION = re.compile(r'\s*(?P<key>\w+)\s*(?P<sign>>?=)\s*(?P<value>"(?:[^"\\]|\\.)*"|[^,\[\]"]*?)\s*(?:,|$)')
PLAIN = re.compile(r"[^\s,\[\]\"=<>\\](?:[^,\[\]\"=<>\\\n]*[^\s,\[\]\"=<>\\])?")

#: What people also call a measure; used to suggest, never to accept.
ALSO = {
    "accuracy": "acc", "precision": "p", "prec": "p", "average_precision": "ap", "aupr": "ap", "roc_auc": "auc",
    "hr": "hit", "hitrate": "hit", "hit_rate": "hit", "success": "hit", "f1": "macro_f1", "f1_macro": "macro_f1",
    "logloss": "log_loss", "cross_entropy": "log_loss", "kappa": "qwk", "recip_rank": "mrr",
    "mean_average_precision": "map",
}  # fmt: skip


def written(measure: Measure) -> str:
    """Return the canonical name: the cut behind ``@``, then the options that differ from their defaults."""
    cls = type(measure)
    package, _, stem = cls.__module__.rpartition(".")
    base = stem if package == "steelyard.parts.measures" else f"{cls.__module__}:{cls.__qualname__}"
    options = []
    for field in dataclasses.fields(measure):
        value = getattr(measure, field.name)
        if field.name == "k":
            base += "" if value is None else f"@{value}"
        elif value != field.default:
            text = str(value)
            sign = ">=" if field.name == "rel" else "="
            options.append(
                field.name + sign + (text if PLAIN.fullmatch(text) else json.dumps(text, ensure_ascii=False))
            )
    return base + (f"[{','.join(options)}]" if options else "")


def short(measure: Measure | str) -> str:
    """Return the name for people: ``NDCG@10 (ESCI)``, ``MRR@10 (≥E)``; takes a measure or its name."""
    if isinstance(measure, str):
        measure = parse(measure)
    said = []
    for field in dataclasses.fields(measure):
        value = getattr(measure, field.name)
        if field.name == "k" or value == field.default:
            continue
        if field.name == "rel":
            said.append(f"≥{value}")
        elif field.name == "gain":
            said.append({"esci": "ESCI", "esci-script": "ESCI script"}.get(value, f"{value} gain"))
        else:
            said.append(f"{field.name}={value}")
    k = getattr(measure, "k", None)
    title = measure.title or type(measure).__name__
    return title + (f"@{k}" if k is not None else "") + (f" ({', '.join(said)})" if said else "")


def parse(name: str) -> Measure:
    """Return the measure that a name means; ``parse(measure.name) == measure``.

    name: a file of this folder (or ``package.module:Class``), ``@k`` for a cut, options in brackets.
    Raises UsageError U110 (unknown measure), U111 (unknown option), U112 (unknown word), U113 (not readable).
    """
    cls, options = taken_apart(name)
    return cls(**options)


def taken_apart(name: str) -> tuple[type[Any], dict[str, Any]]:
    """Return the class and the options that a name says. Raises UsageError as ``parse``."""
    match = NAME.fullmatch(name)
    if match is None:
        raise UsageError("U113", name=name)
    base = match["base"] if ":" in match["base"] else match["base"].lower()
    if ":" not in base and base not in names("measures"):
        near = ALSO.get(base) or nearest(base, names("measures")) or "-"
        raise UsageError("U110", name=match["base"], near=near, known=", ".join(names("measures")))
    cls = find("measures", base)
    known = [f.name for f in dataclasses.fields(cls)]
    options: dict[str, Any] = {} if match["k"] is None else {"k": int(match["k"])}
    options |= read_options(name, match["options"] or "")
    for key in options:
        if key not in known:
            said = "@" if key == "k" else key
            raise UsageError(
                "U111", name=base, option=said, near=nearest(key, known) or "-", known=", ".join(known) or "-"
            )
    return cls, options


def read_options(name: str, text: str) -> dict[str, str]:
    options: dict[str, str] = {}
    at = 0
    while at < len(text):
        match = OPTION.match(text, at)
        if match is None or match["key"] in (*options, "k") or (match["sign"] == ">=") != (match["key"] == "rel"):
            raise UsageError("U113", name=name)
        value = match["value"]
        try:
            options[match["key"]] = json.loads(value) if value.startswith('"') else value
        except json.JSONDecodeError as e:
            raise UsageError("U113", name=name) from e
        at = match.end()
    return options
