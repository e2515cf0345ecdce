"""How a contract suite says what does not hold."""

from __future__ import annotations

from typing import Any

import numpy as np


def hold(condition: Any, part: Any, what: str) -> None:
    """Raise AssertionError that names the part's class and ``what`` it must do, unless the condition holds."""
    if not bool(condition):
        raise AssertionError(f"{type(part).__module__}.{type(part).__name__} {what}")


def same(a: Any, b: Any) -> bool:
    """Say whether two arrays agree but for the last digits; NaN equals NaN."""
    a, b = np.asarray(a), np.asarray(b)
    return a.shape == b.shape and bool(np.allclose(a, b, rtol=1e-7, atol=1e-12, equal_nan=True))
