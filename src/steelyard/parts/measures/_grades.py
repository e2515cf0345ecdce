"""What a label is worth: its grade, its gain, and whether it is relevant."""

from __future__ import annotations

import math

import numpy as np

from steelyard.errors import UsageError, nearest
from steelyard.values.arrays import Floats, Ints, Mask
from steelyard.values.ranking import Ranking
from steelyard.values.scale import Scale

ESCI = {"e": 1.0, "s": 0.1, "c": 0.01, "i": 0.0}
#: The evaluation script of amazon-science/esci-data codes S as 2 and C as 3, then gives 2 the gain 0.01.
ESCI_SCRIPT = {"e": 1.0, "s": 0.01, "c": 0.1, "i": 0.0}
WORDS = {"exact": "e", "substitute": "s", "complement": "c", "irrelevant": "i"}
LARGEST_EXPONENT = 500.0


def grades(scale: Scale) -> Floats:
    """Return (c,) the grade of each label: the number it is named by if all are rising numbers, else its code.

    Raises UsageError U115 for more than two labels without an order.
    """
    if not scale.ordered and len(scale) > 2:
        raise UsageError("U115", labels=", ".join(scale.names[:10]), count=len(scale))
    numbers = [number(name) for name in scale.names]
    if scale.ordered and None not in numbers:
        named = np.array(numbers, dtype=float)
        if np.all(np.diff(named) > 0):
            return named
    return np.arange(len(scale), dtype=float)


def number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def relevant_labels(scale: Scale, rel: str | None) -> Mask:
    """Return (c,): which labels count as relevant; without ``rel`` every label above the worst, as trec_eval.

    rel: a label's name, or a number that grades are compared with. Raises UsageError U114 when it is neither.
    """
    grade = grades(scale)
    if rel is None:
        return np.arange(len(scale)) > 0
    if rel in scale.names:
        return np.arange(len(scale)) >= scale.names.index(rel)
    least = number(rel)
    if least is None:
        raise UsageError("U114", rel=rel, near=nearest(rel, scale.names) or "-", known=", ".join(scale.names))
    return grade >= least


def relevant(ranking: Ranking, rel: str | None, row: Ints) -> Mask:
    """Return (m,): True where the row is judged and relevant. row: (m,) rows of the ranking."""
    return np.append(relevant_labels(ranking.scale, rel), False)[ranking.label[row]]


def gains(scale: Scale, gain: str, rel: str | None = None) -> Floats:
    """Return (c,) the gain of each label, never negative.

    gain: ``scale`` the gains of the scale, ``linear`` the grade, ``exp`` 2^grade - 1, ``esci`` 1/0.1/0.01/0,
    ``esci-script`` the same with S and C swapped, ``binary`` 1 from ``rel`` on.
    Raises UsageError U116 (not ESCI labels), U117 (a gain that cannot be used).
    """
    grade = np.maximum(grades(scale), 0.0)
    if gain == "binary":
        return relevant_labels(scale, rel).astype(float)
    if gain == "exp":
        if len(grade) and grade.max() > LARGEST_EXPONENT:
            raise UsageError("U117", gain="exp", value=float(grade.max()))
        return np.exp2(grade) - 1
    if gain in ("esci", "esci-script"):
        return esci_gains(scale, ESCI if gain == "esci" else ESCI_SCRIPT)
    if gain == "linear" or not scale.gains:
        return grade
    given = np.array(scale.gains, dtype=float)
    bad = ~np.isfinite(given) | (given < 0)
    if bad.any():
        raise UsageError("U117", gain="scale", value=float(given[bad][0]))
    return given


def esci_gains(scale: Scale, worth: dict[str, float]) -> Floats:
    letters = [WORDS.get(name.strip().lower(), name.strip().lower()) for name in scale.names]
    if any(letter not in worth for letter in letters):
        raise UsageError("U116", known=", ".join(scale.names))
    return np.array([worth[letter] for letter in letters])


def gain_of(ranking: Ranking, worth: Floats, row: Ints) -> Floats:
    """Return (m,) the gain of each row; 0 where it is not judged."""
    return np.append(worth, 0.0)[ranking.label[row]]
