"""The page about measures, made from the code."""

from __future__ import annotations

import dataclasses
import inspect
from typing import Any

from steelyard.parts import describe, find, names
from steelyard.parts.measures._like import MEANING, SYSTEMS, like

HEAD = """# Measures

This page is made from the code by `steelyard.parts.measures.describe_all()`; a test keeps it equal.

A name says exactly what is computed: `ndcg@10[gain=esci,ideal=full]`. `@10` is the cut, options stand in brackets,
and what is not written is the default. Names print and parse: `parse(measure.name) == measure`. A value in quotes may
hold any character: `p@5[rel>="Partial, maybe"]`.

* **Relevant** means: labels from `rel` on. `rel` is a label's name, or a number that is compared with grades. Without
  it every label above the worst is relevant, as in trec_eval; of two classes the last one.
* **Grade**: the number a label is named by, if all labels are rising numbers; else its place, 0 for the worst.
* **Equal scores** count by their expected value over all orders, computed exactly. `tie_rate(ranking)` says how many
  rows are concerned.
* **Queries without a relevant row** are left out of the mean and counted: `measure.skipped(ranking)`.
* Measures of *rows* give one value over all judged rows; a bootstrap still draws whole groups (queries).
* Measures that need an order refuse more than two labels without one. A value that is not defined is NaN.
"""

MIDDLE = """
## What other systems mean

`like("ndcg@10", "lightgbm")` gives the measure that a system means by a name. A pair that is not listed cannot be
reproduced and is refused.
"""


def about(measure: Any) -> dict[str, Any]:
    """Return what a list of measures says of one: full name, title, what it is, kind, needs, options."""
    base = type(measure).__module__.rpartition(".")[2]
    return {
        "name": measure.name,
        "title": measure.short,
        "what": describe("measures", base).partition(": ")[2].rstrip("."),
        "kind": measure.kind,
        "needs": measure.needs,
        "higher_is_better": measure.higher_is_better,
        "options": {f.name: getattr(measure, f.name) for f in dataclasses.fields(measure)},
    }


def overview(system: str | None = None) -> list[dict[str, Any]]:
    """Return ``about`` of every measure as it is by default, or as a system means it where the system has it.

    Raises UsageError U118 for an unknown system.
    """
    if system is None:
        return [about(find("measures", name)()) for name in names("measures")]
    known = SYSTEMS.get(system)
    return [about(like(name, system)) for name in sorted(known if known is not None else ("ndcg",))]


def describe_all() -> str:
    """Return ``docs/measures.md``: every measure, its options, and the variants of other systems, as Markdown."""
    parts = [HEAD, "## All measures\n", table()]
    parts += [section(name) for name in names("measures")]
    return "\n".join([*parts, MIDDLE, systems()])


def table() -> str:
    rows = ["| name | what | of | values | better | needs |", "|---|---|---|---|---|---|"]
    for name in names("measures"):
        cls = find("measures", name)
        low, high = cls.bounds
        bounds = f"{low:g} to {'any' if high == float('inf') else f'{high:g}'}"
        better = "higher" if cls.higher_is_better else "lower"
        what = describe("measures", name).partition(": ")[2].rstrip(".")
        rows.append(f"| `{name}` | {what} | {cls.kind} | {bounds} | {better} | {cls.needs} |")
    return "\n".join(rows) + "\n"


def section(name: str) -> str:
    cls = find("measures", name)
    lines = [
        f"## {name}\n",
        f"{describe('measures', name)}\n",
        f"{inspect.cleandoc(cls.__doc__ or '').replace('``', '`')}\n",
    ]
    fields = dataclasses.fields(cls)
    if fields:
        lines += ["| option | default | meaning |", "|---|---|---|"]
        lines += [f"| `{'@' if f.name == 'k' else f.name}` | {default(f)} | {f.metadata['help']} |" for f in fields]
        lines.append("")
    return "\n".join(lines)


def default(field: dataclasses.Field[Any]) -> str:
    return "none" if field.default is None else f"`{field.default}`"


def systems() -> str:
    lines = []
    for system, variants in SYSTEMS.items():
        lines += [f"### {system}\n", f"{MEANING[system]}\n", "| name | ours |", "|---|---|"]
        for name in variants:
            said = f"{name}@10" if any(f.name == "k" for f in dataclasses.fields(find("measures", name))) else name
            lines.append(f"| `{said}` | `{like(said, system).name}` |")
        lines.append("")
    return "\n".join(lines)
