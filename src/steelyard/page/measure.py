"""How the facts of a comparison are read: the arms, the best one, the control, the name of the measure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from steelyard.page.numerals import decimals_for, half_width, number

ANSWERS = ("use_weights", "prune", "relabel_first", "keep_uniform", "cannot_tell")
Facts = Mapping[str, Any]
#: Recommenders that stand beside the arms without weights; they are no controls and may well be better.
BASELINES = ("popularity", "item_knn", "ease")


def part(facts: Facts | None, name: str) -> Facts:
    """Return the mapping ``facts[name]``, empty when it is missing."""
    found = (facts or {}).get(name)
    return found if isinstance(found, Mapping) else {}


def listed(facts: Facts | None, name: str) -> list[Any]:
    """Return the list ``facts[name]``, empty when it is missing."""
    found = (facts or {}).get(name)
    if found is None or isinstance(found, (str, Mapping)):
        return []
    return list(found)


def unit(facts: Facts) -> str:
    """Return what the groups of the table are: ``queries`` with their products, ``texts``, or ``users`` with items."""
    if part(facts, "run").get("task") == "recommendation":
        return "users"
    return "texts" if part(facts, "run").get("task") in ("classification", "tagging") else "queries"


def answer(facts: Facts) -> str:
    """Return one of the five verdicts, or ``not_measured``."""
    if not part(facts, "compare"):
        return "not_measured"
    said = str(part(facts, "compare").get("answer"))
    return said if said in ANSWERS else "cannot_tell"


def arms(compare: Facts) -> list[Facts]:
    return [a for a in listed(compare, "arms") if isinstance(a, Mapping)]


def side_role(arm: Facts) -> str:
    """Return what an arm that cannot win is there for: ``control`` or ``baseline``."""
    return "baseline" if arm.get("name") in BASELINES else "control"


def leading_arm(compare: Facts) -> Facts | None:
    """Return the recommended arm, or the best one that is no control."""
    tried = [a for a in arms(compare) if not a.get("control") and number(a.get("delta")) is not None]
    named = [a for a in tried if a.get("name") == compare.get("recommended")]
    moved = [a for a in tried if number(a.get("delta")) or number(a.get("low"))]
    return named[0] if named else max(moved, key=lambda a: number(a.get("delta")) or 0.0) if moved else None


def control_arm(compare: Facts) -> Facts | None:
    """Return the shuffled control, or the first control that was measured."""
    controls = [a for a in arms(compare) if a.get("control") and number(a.get("delta")) is not None]
    shuffled = [a for a in controls if "shuffle" in str(a.get("name"))]
    return next(iter(shuffled or controls), None)


def delta_decimals(rows: Sequence[Facts]) -> int:
    """Return the decimals that all deltas of a table share."""
    return decimals_for(*(half_width(r.get("low"), r.get("high")) for r in rows))


def measure_name(name: Any) -> str:
    """Return NDCG@10 (gain=esci) for ndcg@10[gain=esci]."""
    head, _, options = str(name or "").partition("[")
    base, at, cut = head.partition("@")
    short = "accuracy" if base == "acc" else base.upper() if len(base) <= 4 else base.replace("_", " ")
    return f"{short}{at}{cut}" + (f" ({options.rstrip(']')})" if options else "")
