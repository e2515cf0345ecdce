"""Comparisons of a run on disk: each under its plan's name, the latest also as compare.json, and how often rows judged.

A comparison file holds no count of uses, so that the same call writes the same bytes; uses are counted when it is read.
"""

from __future__ import annotations

from dataclasses import replace
from hashlib import blake2b
from pathlib import Path
from typing import Any

from steelyard.plan import Plan
from steelyard.run import Run, all_runs
from steelyard.values.arrays import Ints, Strings
from steelyard.values.comparison import Comparison
from steelyard.values.samples import Samples

LATEST = "compare.json"
#: Comparisons on the same test rows from which on the reader is warned.
MANY_USES = 5


def file_of(plan: Plan) -> str:
    return f"compare-{plan.id}.json"


def judges(samples: Samples, test: Ints | None) -> str:
    """Return the name of the rows that judge: the table's own test rows, or all of its rows in turn."""
    return named(samples.row_key if test is None else samples.row_key[test])


def named(keys: Strings) -> str:
    """Return the name of rows by their keys (k,), whatever their order."""
    return blake2b("\n".join(sorted(map(str, keys))).encode(), digest_size=8).hexdigest()


def write(run: Run, plan: Plan, result: Comparison, test: str) -> None:
    """Write a comparison under its plan's name and as the latest. test: name of the rows that judged it."""
    for name in (file_of(plan), LATEST):
        run.write_json(name, {**_lasting(result), "plan": plan.id, "test": test})


def _lasting(result: Comparison) -> dict[str, Any]:
    """Return a comparison without its count of uses, which grows."""
    return {name: value for name, value in result.as_dict().items() if name != "test_uses"}


def revive(run: Run, plan: Plan) -> bool:
    """Make a finished comparison the latest again; False where it was never finished."""
    if not run.has(file_of(plan)):
        return False
    run.write_json(LATEST, run.read_json(file_of(plan)))
    return True


def latest(run: Run) -> Comparison | None:
    """Return the latest comparison of a run, None without one."""
    return read(run) if run.has(LATEST) else None


def read(run: Run) -> Comparison:
    """Return the latest comparison of a run that has one, warning where its test rows have judged many."""
    told = run.read_json(LATEST)
    test = told.pop("test", None)
    del told["plan"]
    found = Comparison.from_dict(told)
    count = uses(run.path.parent, test) if test else 1
    limits = (*found.limits, ("VL03", {"count": count})) if count >= MANY_USES else found.limits
    return replace(found, limits=(*_blind(run, found.on), *limits), test_uses=count)


def _blind(run: Run, on: str) -> list[tuple[str, dict[str, Any]]]:
    """Return a limit where labels came with a word (unless it is gold that judges), or models and neighbours disagree
    about one word or source."""
    info = run.read_json("run.json") if run.has("run.json") else {}
    names = [f"{c['column']}={c['value']}" for c in (info.get("disagreement") or {"carriers": ()})["carriers"]]
    marks = [f"word={m['value']}" for m in info.get("marks") or ()]
    limits = [("VL07", {"names": ", ".join(marks)})] if marks and on == "given" else []
    return limits + ([("VL06", {"names": ", ".join(names)})] if names else [])


def uses(root: Path, test: str) -> int:
    """Return how many comparisons of all runs under ``root`` these test rows have judged."""
    files = [(run, p.name) for run in all_runs(root) for p in run.path.glob("compare-*.json")]
    return sum(_judged_by(run, name) == test for run, name in files)


def _judged_by(run: Run, name: str) -> str | None:
    """Return the name of the rows that judged a comparison, None for a file that nobody can read."""
    try:
        return run.read_json(name).get("test")
    except (OSError, ValueError, AttributeError):
        return None
