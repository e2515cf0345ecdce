"""One JSON line a step in a file of the run's name; always there, needs nothing, reads anywhere."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TextIO

from steelyard.parts.trackers import Numbers, Tracker, finite


@dataclass(eq=False)
class Jsonl(Tracker):
    """Each start appends a line with ``run`` and ``config``; then lines with ``step`` and the numbers.

    NaN and infinity, which JSON does not know, become null. A line is on disk before the next one begins.
    """

    def open(self, run_name: str, config: Mapping[str, Any]) -> TextIO:
        out = self.path(f"{run_name}.jsonl").open("a", encoding="utf-8")
        _line(out, {"run": run_name, "config": {k: _plain(v) for k, v in config.items()}})
        return out

    def write(self, opened: TextIO, step: int, values: Numbers) -> None:
        _line(opened, {"step": step, **{name: finite(value) for name, value in values.items()}})

    def close(self, opened: TextIO) -> None:
        opened.close()


def _line(out: TextIO, said: Mapping[str, Any]) -> None:
    out.write(json.dumps(said, ensure_ascii=False, allow_nan=False) + "\n")
    out.flush()


def _plain(value: Any) -> Any:
    return finite(value) if isinstance(value, float) else value
