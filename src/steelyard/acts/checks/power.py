"""The smallest change that the test split can show."""

from __future__ import annotations

import math

import numpy as np

from steelyard.acts.checks.labels import LONELY, flat_queries
from steelyard.acts.checks.looked import HELD_OUT, Findings, Looked

#: z(0.975) + z(0.8): 5% two-sided error, 80% power.
Z = 2.8
#: Assumed standard deviation of the change of a measure per query; known only after a comparison.
SD = 0.10
#: Assumed share of rows on which two models are not both right or both wrong (McNemar).
DISCORDANT = 0.10
#: A test split that cannot show changes of this size is called too small.
TOO_COARSE_RANKING, TOO_COARSE_ACCURACY = 0.010, 0.020


def smallest_visible(n: int, sd: float = SD) -> float:
    """Return the change of a mean over ``n`` paired queries that is seen with 80% power: 2.8 sd / sqrt(n)."""
    return Z * sd / math.sqrt(n) if n else math.inf


def smallest_visible_accuracy(n: int, discordant: float = DISCORDANT) -> float:
    """Return the change of accuracy over ``n`` rows that is seen with 80% power. Source: McNemar 1947."""
    return smallest_visible(n, math.sqrt(discordant))


def check_power(looked: Looked) -> Findings:
    """Say the smallest visible change of the test split (or the validation split); warn when it is coarse.

    Ranking: only queries with two different grades can change. Else rows of the split are counted.
    """
    samples = looked.samples
    split = next((s for s in HELD_OUT if looked.of_split(s).any()), None)
    if split is None:
        yield looked.finding("V402", "note")
        return
    rows = np.flatnonzero(looked.of_split(split) & samples.labelled)
    if looked.ranked and not _lonely(looked.query[rows]):
        n = int((~flat_queries(looked.query[rows], samples.label[rows])[1]).sum()) if len(rows) else 0
        visible, coarse, name = smallest_visible(n), TOO_COARSE_RANKING, "ranking"
        facts = {"assumed": SD}
    else:
        n, name = len(rows), "accuracy"
        visible, coarse = smallest_visible_accuracy(n), TOO_COARSE_ACCURACY
        facts = {"assumed": DISCORDANT}
    code = "V401" if visible > coarse else "V401.ok"
    if name == "accuracy":
        code = "V403" if visible > coarse else "V403.ok"
    severity = "ok" if code.endswith(".ok") else "warn"
    said = min(visible, 1.0)
    yield looked.finding(code, severity, count=n, split=split, visible=said, **facts)  # type: ignore[arg-type]


def _lonely(query: np.ndarray) -> bool:
    sizes = np.unique(query, return_counts=True)[1]
    return len(sizes) > 0 and float((sizes == 1).mean()) > LONELY
