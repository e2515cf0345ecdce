"""Steelyard weighs every training sample of a search or recommendation model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from steelyard.api import check, compare, read, runs, score
    from steelyard.demonstration.running import demo, demo_table
    from steelyard.errors import SteelyardError
    from steelyard.leaving import export, report
    from steelyard.review import merge, pick
    from steelyard.run import Run

from steelyard.version import VERSION as __version__

_HOME = {
    "Run": "run",
    "SteelyardError": "errors",
    "check": "api",
    "compare": "api",
    "demo": "demonstration.running",
    "demo_table": "demonstration.running",
    "export": "leaving",
    "merge": "review",
    "pick": "review",
    "read": "api",
    "report": "leaving",
    "runs": "api",
    "score": "api",
}

__all__ = [
    "Run",
    "SteelyardError",
    "__version__",
    "check",
    "compare",
    "demo",
    "demo_table",
    "export",
    "merge",
    "pick",
    "read",
    "report",
    "runs",
    "score",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        from importlib import import_module

        return getattr(import_module(f"steelyard.{_HOME[name]}"), name)
    raise AttributeError(f"module 'steelyard' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
