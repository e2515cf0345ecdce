"""Errors: a code, what is wrong, where, how many, what to do; in the reader's language.

    SteelyardError
    ├── UsageError          exit 2   a word of the call is wrong         U1xx
    ├── DataError           exit 3   the data cannot be used             D1xx C1xx S3xx V4xx T1xx
    ├── EnvironmentProblem  exit 4   package, disk, memory, permission   E2xx M2xx
    ├── GateFailed          exit 1   a gate that the user set            G5xx
    ├── Inconclusive        exit 5   no verdict, and one was required    V5xx
    └── Interrupted         exit 130 stopped by the user, state saved    I130

The sentence of a code lies in ``locale/<lang>/*.json``. "Weights do not help here" is a result, not an error.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any

from steelyard.wording import say


class SteelyardError(Exception):
    """What every error of Steelyard is; ``say(lang)`` gives the message for people."""

    exit_code = 70

    def __init__(self, code: str, **facts: Any) -> None:
        self.code = code
        self.facts = facts
        super().__init__(f"{code}: {say(code, 'en', **facts)}")

    def say(self, lang: str = "en") -> str:
        return say(self.code, lang, **self.facts)

    def as_dict(self) -> dict[str, Any]:
        facts = {k: v if isinstance(v, (int, float, str, bool)) else str(v) for k, v in self.facts.items()}
        return {"code": self.code, "message": self.say("en"), "facts": facts, "exit_code": self.exit_code}


class UsageError(SteelyardError):
    exit_code = 2


class DataError(SteelyardError):
    exit_code = 3


class EnvironmentProblem(SteelyardError):
    exit_code = 4


class GateFailed(SteelyardError):
    exit_code = 1


class Inconclusive(SteelyardError):
    exit_code = 5


class Interrupted(SteelyardError):
    exit_code = 130


class DataErrors(DataError):
    """Several problems of one table, reported together; ``problems`` holds them in order."""

    def __init__(self, problems: Iterable[DataError]) -> None:
        self.problems = tuple(problems)
        super().__init__("D100", count=len(self.problems), first=self.problems[0].say("en"))

    def say(self, lang: str = "en") -> str:
        return "\n".join(f"{p.code} {p.say(lang)}" for p in self.problems)


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the known name nearest to ``name``, or '' when none is near."""
    options = list(known)
    found = difflib.get_close_matches(name, options, n=1, cutoff=0.6)
    if not found:
        folded = {o.lower(): o for o in options}
        found = [folded[m] for m in difflib.get_close_matches(name.lower(), folded, n=1, cutoff=0.6)]
    return found[0] if found else ""
