"""Numbers for people: thousands, three significant digits, intervals whose ends share their decimals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

MINUS = "−"
NOTHING = "–"


def number(value: Any) -> float | None:
    """Return ``value`` as a finite float, or None when it is not one."""
    if value is None or isinstance(value, (bool, str)):
        return None
    try:
        found = float(value)
    except (TypeError, ValueError):
        return None
    return found if math.isfinite(found) else None


def count(value: Any) -> str:
    """Return 1,983,272 for 1983272."""
    found = number(value)
    return NOTHING if found is None else f"{round(found):,}".replace("-", MINUS)


def fixed(value: Any, decimals: int, *, sign: bool = False) -> str:
    """Return ``value`` with so many decimals, a true minus, and a plus where ``sign`` asks for one."""
    found = number(value)
    if found is None:
        return NOTHING
    rounded = round(found, decimals) + 0.0
    shown = f"{abs(rounded):,.{decimals}f}"
    if rounded == 0:
        return shown
    return (MINUS if rounded < 0 else "+" if sign else "") + shown


def figure(value: Any, digits: int = 3) -> str:
    """Return ``value`` with so many significant digits: 0.821, 12.3, 0.7, 4,810."""
    found = number(value)
    if found is None:
        return NOTHING
    if found == 0:
        return "0"
    places = digits - 1 - math.floor(math.log10(abs(found)))
    shown = fixed(found, min(max(places, 0), 9))
    return shown.rstrip("0").rstrip(".") if "." in shown else shown


def decimals_for(*widths: float | None) -> int:
    """Return the decimals that show the narrowest of these half-widths with two digits, from 2 to 6."""
    seen = [w for w in widths if w is not None and w > 0]
    if not seen:
        return 4
    return min(max(1 - math.floor(math.log10(min(seen))), 2), 6)


def half_width(low: Any, high: Any) -> float | None:
    a, b = number(low), number(high)
    return None if a is None or b is None else abs(b - a) / 2


def interval(low: Any, high: Any, decimals: int, *, sign: bool = False, scale: float = 1.0) -> str:
    """Return ``[a, b]``, both ends with the same decimals; empty when an end is missing."""
    a, b = number(low), number(high)
    if a is None or b is None:
        return ""
    return f"[{fixed(a * scale, decimals, sign=sign)}, {fixed(b * scale, decimals, sign=sign)}]"


def percent(value: Any, decimals: int | None = None) -> str:
    """Return 4.81% for 0.0481; a share too small to show is said as ``<0.01%``."""
    found = number(value)
    if found is None:
        return NOTHING
    hundred = found * 100
    if decimals is None:
        if 0 < hundred < 0.01:
            return "<0.01%"
        decimals = 0 if hundred >= 100 or hundred == 0 else 1 if hundred >= 10 else 2
    return f"{fixed(hundred, decimals)}%"


def percent_with_interval(value: Any, low: Any, high: Any, decimals: int | None = None) -> tuple[str, str]:
    """Return ("4.8%", "[3.9, 5.9]"), both with the same decimals; ``decimals`` sets them for a whole column."""
    if decimals is None:
        decimals = percent_decimals([half_width(low, high)])
    return percent(value, decimals), interval(low, high, decimals, scale=100)


def percent_decimals(halves: Sequence[float | None]) -> int:
    """Return the decimals, 1 to 3, that show the middle one of these half-widths (shares of 1) as a percentage."""
    seen = sorted(h for h in halves if h)
    return min(max(-math.floor(math.log10(seen[len(seen) // 2] * 100)), 1), 3) if seen else 1


def shared_decimals(values: Sequence[float | None], digits: int = 2) -> int:
    """Return the decimals that show the middle one of these values with so many digits, at most 6."""
    seen = sorted(abs(v) for v in values if v)
    return min(max(digits - 1 - math.floor(math.log10(seen[len(seen) // 2])), 0), 6) if seen else digits


def probability(value: Any) -> str:
    """Return a p or q value: three digits, and ``<0.001`` below."""
    found = number(value)
    if found is None:
        return NOTHING
    return "<0.001" if 0 <= found < 0.001 else fixed(found, 3)


def duration(seconds: Any) -> str:
    """Return 28 s, 3 min 12 s or 2 h 5 min."""
    found = number(seconds)
    if found is None:
        return NOTHING
    whole = round(found)
    if whole < 60:
        return f"{figure(found, 2)} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def nice_ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Return round numbers within [low, high], about so many."""
    span = high - low
    if not span > 0:
        return [low]
    rough = span / max(about, 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [round(k * step, 12) for k in range(first, last + 1)]
