"""What reading and checking noticed: a code, how grave, how many, where, and the facts to say it with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Severity = Literal["ok", "note", "warn", "error"]


@dataclass(frozen=True)
class Finding:
    """One thing worth saying about a table.

    code: catalogue key in ``locale/<lang>/*.json`` (``D120``); its text is formatted with ``facts``.
    severity: ``error`` makes the data unusable for the verb asked, ``warn`` makes a result doubtful,
        ``note`` says what was assumed, ``ok`` says what was looked at and found fine.
    count: rows (or groups) concerned; rows: up to 20 row keys or line numbers as examples, never text.
    """

    code: str
    severity: Severity
    count: int = 0
    facts: Mapping[str, Any] = field(default_factory=dict)
    rows: tuple[str, ...] = ()

    def say(self, lang: str = "en") -> str:
        """Return the sentence for people in ``lang``: what, where, how many, what to do."""
        from steelyard.wording import say

        return say(self.code, lang, **{"count": self.count, **self.facts})

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form; ``message`` is English, codes are stable."""
        return {
            "code": self.code,
            "severity": self.severity,
            "count": self.count,
            "facts": dict(self.facts),
            "rows": list(self.rows),
            "message": self.say("en"),
        }
