"""Checkup: what a look at a table found, before any model: findings, facts, what it will cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from steelyard.errors import DataError, DataErrors, EnvironmentProblem, GateFailed
from steelyard.values.findings import Finding, Severity

SCHEMA = "steelyard.check/1"


@dataclass(frozen=True)
class Checkup:
    """The result of ``check``.

    findings: everything noticed, in the order of the checks, ``ok`` ones too. facts: columns, rows per split,
    labels, power; JSON values only. estimates: tier, of interactions verb, -> seconds, rows a second and
    memory on this machine. strict: warnings fail the check too.
    """

    findings: tuple[Finding, ...]
    facts: Mapping[str, Any] = field(default_factory=dict)
    estimates: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    strict: bool = False

    def of(self, severity: Severity) -> tuple[Finding, ...]:
        """Return the findings of one severity."""
        return tuple(f for f in self.findings if f.severity == severity)

    def find(self, code: str) -> tuple[Finding, ...]:
        """Return the findings with this code; () when the check found nothing of the kind."""
        return tuple(f for f in self.findings if f.code == code)

    @property
    def usable(self) -> bool:
        """No error; with ``strict`` no warning either."""
        return not self.of("error") and not (self.strict and self.of("warn"))

    def raise_for_errors(self) -> None:
        """Raise for all errors together; nothing when there is none.

        Raises DataErrors for the table, EnvironmentProblem E220 for this machine, and with ``strict`` GateFailed
        G510 for warnings. Severity decides, not the order of the findings.
        """
        errors = self.of("error")
        table = [DataError(f.code, **_facts(f)) for f in errors if not f.code.startswith("E")]
        if table:
            raise table[0] if len(table) == 1 else DataErrors(table)
        if errors:
            raise EnvironmentProblem(errors[0].code, **_facts(errors[0]))
        warnings = self.of("warn")
        if self.strict and warnings:
            raise GateFailed("G510", count=len(warnings), first=f"{warnings[0].code} {warnings[0].say('en')}")

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form, schema ``steelyard.check/1``; keys and codes are stable, messages are not."""
        counts = {s: len(self.of(s)) for s in ("ok", "note", "warn", "error")}
        return {
            "schema": SCHEMA,
            "usable": self.usable,
            "strict": self.strict,
            "counts": counts,
            "facts": dict(self.facts),
            "estimates": {tier: dict(cost) for tier, cost in self.estimates.items()},
            "findings": [f.as_dict() for f in self.findings],
        }


def _facts(finding: Finding) -> dict[str, Any]:
    return {**finding.facts, "count": finding.count}
