"""Inspecting: look at a table of interactions before any model sees it, and say everything at once."""

from __future__ import annotations

from steelyard.acts.checks.cost import Machine
from steelyard.acts.checks.feedback import CHECKS
from steelyard.acts.checks.toll import check_memory, tolls
from steelyard.values.checkup import Checkup
from steelyard.values.interactions import Interactions


def check(of: Interactions, *, strict: bool = False, machine: Machine | None = None) -> Checkup:
    """Collect every finding; never stops at the first, never raises for the data. strict: warnings fail it too.

    machine: whose cores and memory the estimates of ``score`` and ``compare`` are for; None: this one.
    """
    machine = machine or Machine.here()
    told = tolls(of, machine)
    found = [*of.notes, *(f for look in CHECKS for f in look(of)), *check_memory(of, machine, told)]
    splits = {str(s): int((of.split == s).sum()) for s in ("train", "valid", "test") if (of.split == s).any()}
    facts = {
        "task": "recommendation",
        "rows": len(of),
        "columns": dict(of.columns),
        "splits": splits,
        "users": of.n_users,
        "items": of.n_items,
        "positive": int(of.positive.sum()),
    }
    return Checkup(tuple(found), facts, told, strict)
