"""Implying: which rows are positive, negative or neither: implicit feedback by a rule that is always said.

A row that nobody clicked is a negative only where the table shows that it was seen: a place, a mark of exposure, or an
event of that name. Anything else that did not happen, and every pair that the table does not hold, is unknown.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from steelyard.errors import UsageError, nearest
from steelyard.values.arrays import Floats, Ints, Strings
from steelyard.values.findings import Finding

#: Events that say only that something was shown.
SHOWINGS = ("impression", "exposure", "show", "shown", "display", "expose", "曝光", "展示", "展现")
EVERY = "every"


def feedback(
    n: int, value: Floats | None, event: Strings | None, shown: bool, positive: float | str | Sequence[str] | None
) -> tuple[Ints, Finding]:
    """Return (n,) 1 positive, 0 negative, -1 neither, and the sentence that says the rule.

    value: (n,) or None where the table has no such column. event: (n,) names or None. shown: the table tells where or
    whether a row was shown. positive: ``every``, the least value that counts, or names of events; None: every event
    but those that only show, 1 of columns of 0 and 1, else every row above 0.
    Raises UsageError U180 for a number that is none, U181 for an event that the table does not hold.
    """
    least, names = _asked(positive, event, value)
    clicks = value is not None and bool(np.isin(value, (0.0, 1.0)).all()) and bool((value == 0).any())
    base = np.ones(n, bool) if value is None else value > 0
    negative = np.zeros(n, bool)
    facts: dict[str, object] = {}
    if names is not None and event is not None:
        taken, code = np.isin(event, names) & base, "D198.events"
        negative = np.isin(np.array([str(e).strip().lower() for e in event], object), SHOWINGS) & ~taken
        facts = {"events": ", ".join(names)}
    elif least is not None and value is not None:
        taken, code = value >= least, "D198.least"
        facts = {"least": least}
    else:
        taken, code = base, "D198.all" if value is None else "D198.clicks" if clicks else "D198.every"
    if clicks and shown:
        negative |= (value == 0) & ~taken
    label = np.where(taken, 1, np.where(negative, 0, -1)).astype(np.int8)
    counts = {"rows": n, "negatives": int((label == 0).sum()), "neither": int((label < 0).sum())}
    return label, Finding(code, "note", int(taken.sum()), {**counts, **facts})


def trusted(value: Floats | None, relevant: float | None) -> Ints | None:
    """Return (n,) 1 where the value is at least ``relevant``, 0 below it; None where nobody named a value.

    Raises UsageError U182 for a table without values.
    """
    if relevant is None:
        return None
    if value is None:
        raise UsageError("U182")
    return (value >= float(relevant)).astype(np.int8)


def _asked(
    positive: float | str | Sequence[str] | None, event: Strings | None, value: Floats | None
) -> tuple[float | None, list[str] | None]:
    """Return the least value that counts, or the events that do; neither for every row."""
    if positive is None and event is not None:
        known = sorted({str(e) for e in event})
        return None, [e for e in known if e.strip().lower() not in SHOWINGS]
    if positive is None or positive == EVERY:
        return None, None
    if isinstance(positive, (int, float)):
        least: float | None = float(positive)
    else:
        words = [w.strip() for w in positive.split(",")] if isinstance(positive, str) else [str(w) for w in positive]
        try:
            least = float(words[0]) if len(words) == 1 else None
        except ValueError:
            least = None
        if least is None and event is not None:
            return None, _events(words, event)
    if least is None or value is None or not np.isfinite(least):
        raise UsageError("U180", value=str(positive))
    return least, None


def _events(words: Sequence[str], event: Strings) -> list[str]:
    known = sorted({str(e) for e in event})
    for word in words:
        if word not in known:
            raise UsageError("U181", name=word, near=nearest(word, known) or "-", known=", ".join(known[:20]))
    return list(words)
