"""Say which label a row should probably have, no surer than the numbers are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from steelyard.values.arrays import Floats
from steelyard.values.scale import Scale
from steelyard.values.signals import SAME
from steelyard.wording import say

PROBABLE = 0.5  # below it the suggested label is likelier to be wrong than right, and is not shown as a fact


def expected(posterior: Floats, scale: Scale) -> Floats:
    """Return (n,) mean of the numeric grades under P(true | text, given) (n, c); NaN where grades are no numbers."""
    values = _numbers(scale)
    return np.full(len(posterior), np.nan) if values is None else posterior @ values


def suggestion(row: Mapping[str, Any], scale: Scale, lang: str) -> str:
    """Return the suggestion of a row in words: ``3 (0.91)``, ``about 2.33`` or ``perhaps 3 (0.38)``; '' for none.

    row: given, suggested, p_suggested and expected, as in scores.parquet. Grades that are numbers are summed up by
    their mean where no single one is probable.
    """
    given, suggested, p = row["given"], row["suggested"], row["p_suggested"]
    if given is None or suggested is None or p is None:
        return ""
    if suggested != given and p >= PROBABLE:
        return f"{suggested} ({p:.2f})"
    mean, values = row.get("expected"), _numbers(scale)
    if mean is not None and values is not None and len(scale) > 2:
        far = abs(mean - float(given)) >= SAME * (values.max() - values.min())
        return say("T_about", lang, grade=mean) if far else ""
    return say("T_perhaps", lang, label=suggested, probability=p) if suggested != given else ""


def _numbers(scale: Scale) -> Floats | None:
    try:
        return np.array([float(name) for name in scale.names]) if scale.ordered and len(scale) else None
    except ValueError:
        return None
