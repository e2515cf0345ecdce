"""Per-sample gradients: in closed form for linear models, and of every layer of a torch model without building them.

Importing this package does not import torch; the first name taken from it does. See docs/engine.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from steelyard.gradients.direction import Direction
    from steelyard.gradients.oracle import Oracle
    from steelyard.gradients.sketching import Sketching
    from steelyard.gradients.stepping import secant, step_of
    from steelyard.gradients.watching import Uncovered, Watched, watch

_HOME = {
    "Direction": "direction",
    "Oracle": "oracle",
    "Sketching": "sketching",
    "Uncovered": "watching",
    "Watched": "watching",
    "secant": "stepping",
    "step_of": "stepping",
    "watch": "watching",
}

__all__ = ["Direction", "Oracle", "Sketching", "Uncovered", "Watched", "secant", "step_of", "watch"]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        from importlib import import_module

        return getattr(import_module(f"steelyard.gradients.{_HOME[name]}"), name)
    raise AttributeError(f"module 'steelyard.gradients' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
