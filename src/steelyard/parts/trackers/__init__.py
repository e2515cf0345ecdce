"""Tracker: takes the numbers of a training to where somebody watches them; never a text, never a row."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from numbers import Real
from pathlib import Path
from typing import Any, ClassVar, Self

from steelyard.errors import EnvironmentProblem, UsageError

Numbers = Mapping[str, float]


@dataclass(eq=False)
class Tracker:
    """Contract of a tracker: ``start``, then ``log`` as often as there is something, then ``finish``.

    Subclasses write ``open``, ``write`` and ``close``; what is checked here is the same for all. A tracker takes
    numbers only: nothing of a training table can reach a server through it.

    folder: where files go. needs: the package it imports, '' for none; named like its extra.
    """

    folder: str = "runs/trackers"

    needs: ClassVar[str] = ""

    def __post_init__(self) -> None:
        self._open: Any = None
        self._step = -1

    def open(self, run_name: str, config: Mapping[str, Any]) -> Any:
        """Return whatever ``write`` and ``close`` need. config: name -> str, number, bool or None, dots for depth."""
        raise NotImplementedError

    def write(self, opened: Any, step: int, values: Numbers) -> None:
        """Write the numbers of a step; NaN and infinity may be among them."""
        raise NotImplementedError

    def close(self, opened: Any) -> None:
        """Write what is still held back and let go."""
        raise NotImplementedError

    def ready(self) -> None:
        """Raise EnvironmentProblem E213 when the package that this tracker needs is not installed."""
        if self.needs and find_spec(self.needs) is None:
            raise EnvironmentProblem("E213", tracker=self.name, extra=self.needs)

    def start(self, run_name: str, config: Mapping[str, Any]) -> None:
        """Begin to track. Raises EnvironmentProblem E213 without its package, UsageError U160 when it has begun."""
        if self._open is not None:
            raise UsageError("U160", tracker=self.name, verb="start")
        self.ready()
        self._open, self._step = self.open(run_name, flat(config)), -1

    def log(self, step: int, values: Numbers) -> None:
        """Log numbers by name at a step, which never goes back; the same step may come again with more names.

        Raises UsageError U160 before ``start``, U161 for a step that goes back, U162 for what is no number.
        """
        if self._open is None:
            raise UsageError("U160", tracker=self.name, verb="log")
        if step < max(self._step, 0):
            raise UsageError("U161", tracker=self.name, step=step, before=max(self._step, 0))
        wrong = [name for name, value in values.items() if not isinstance(value, Real)]
        if wrong:
            raise UsageError("U162", tracker=self.name, name=wrong[0], type=type(values[wrong[0]]).__name__)
        self._step = step
        self.write(self._open, int(step), {name: float(value) for name, value in values.items()})

    def finish(self) -> None:
        """End; what was logged is safe. A tracker that has not begun, or has ended, stays as it is."""
        opened, self._open = self._open, None
        if opened is not None:
            self.close(opened)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.finish()

    @property
    def name(self) -> str:
        return type(self).__module__.rsplit(".", 1)[-1]

    def path(self, *parts: str) -> Path:
        """Return a path in ``folder``, which is made."""
        folder = Path(self.folder)
        folder.mkdir(parents=True, exist_ok=True)
        return folder.joinpath(*parts)


def by_default() -> tuple[str, ...]:
    """Return the trackers of a run for which nothing was said: ``jsonl`` always, ``tensorboard`` where installed."""
    return ("jsonl", "tensorboard") if find_spec("tensorboard") else ("jsonl",)


def flat(config: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """Return one level of names with dots; lists become JSON text, anything else that is no plain value its ``str``."""
    out: dict[str, Any] = {}
    for key, value in config.items():
        if isinstance(value, Mapping):
            out |= flat(value, f"{before}{key}.")
        elif isinstance(value, (list, tuple)):
            out[f"{before}{key}"] = json.dumps(value, ensure_ascii=False, default=str)
        else:
            plain = value is None or isinstance(value, (str, bool, int, float))
            out[f"{before}{key}"] = value if plain else str(value)
    return out


def finite(value: float) -> float | None:
    """Return the number, or None where JSON has none for it."""
    return value if math.isfinite(value) else None
