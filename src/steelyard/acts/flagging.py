"""Flagging: a list of rows whose share of right labels is bounded, by rows that people reviewed.

Two claims, never mixed. ``expected``: over repetitions of the review, the share of right labels in the list is at most
q on average (Benjamini and Hochberg on conformal p-values). ``assured``: with a chosen confidence, the share in this
very list is at most q (exact binomial tests of the list's beginnings). Both hold when the reviewed rows were drawn by
chance, and neither asks whether suspicion is calibrated or even good: a bad suspicion gives a short list.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import bdtr

from steelyard.acts.intervals import benjamini_hochberg
from steelyard.values.arrays import Floats, Ints, Mask

#: Reviewed rows below which no list is made: the least from which suspicion is read by people at all.
REVIEWED = 50
#: Places from which ``assured`` begins to test longer lists; each has its part of what confidence leaves.
STARTS = 3


@dataclass(frozen=True)
class Listed:
    """rows: (k,) positions, most suspicious first. right: of the reviewed rows that ``assured`` rests on, those whose
    label is right; tested: how many these are. Both are 0 for ``expected``.
    """

    rows: Ints
    right: int = 0
    tested: int = 0


def conformal_p(suspicion: Floats, right: Mask) -> Floats:
    """Return (n,) P(a row with a right label looks at least as suspicious): (1 + those that do) / (1 + all).

    suspicion: (n,), NaN stays NaN. right: (n,) rows that people reviewed and found right, drawn by chance.
    Source: Vovk et al. 2005; Bates et al. 2023 (Ann. Statist. 51:149), eq. 2, for why BH may use them.
    """
    known = np.sort(suspicion[right & np.isfinite(suspicion)])
    above = len(known) - np.searchsorted(known, suspicion, side="left")
    return np.where(np.isfinite(suspicion), (1.0 + above) / (1.0 + len(known)), np.nan)


def expected(suspicion: Floats, reviewed: Mask, wrong: Mask, q: float) -> Listed:
    """Return the rows not yet reviewed of which on average at most ``q`` have a right label.

    The average is over which rows were drawn for review; in one review the share can be larger.
    suspicion: (n,). reviewed, wrong: (n,); wrong counts where reviewed. q: 0..1.
    """
    p = conformal_p(suspicion, reviewed & ~wrong)
    p[reviewed] = np.nan
    adjusted = benjamini_hochberg(p)
    return Listed(_in_order(np.flatnonzero(adjusted <= q), suspicion))


def assured(suspicion: Floats, reviewed: Mask, wrong: Mask, q: float, confidence: float) -> Listed:
    """Return a list of which at most ``q`` has a right label with this confidence.

    A list is a beginning of the ranking. The reviewed rows in it are a sample of it drawn by chance, so the right
    labels among them test the share in the whole (exact binomial tail: the end of Clopper and Pearson's interval).
    Longer and longer beginnings are tested until one fails (fixed sequences from STARTS places, each with its part of
    the risk; Angelopoulos et al. 2021, Learn then Test, section 3); the order depends on which rows were reviewed,
    not on what was found.
    """
    ranking = _in_order(np.flatnonzero(np.isfinite(suspicion)), suspicion)
    at = np.flatnonzero(reviewed[ranking])
    right = np.cumsum((reviewed & ~wrong)[ranking[at]])
    seen = np.arange(1, len(at) + 1)
    risk = (1.0 - confidence) / STARTS
    passed = bdtr(right, seen, q) <= risk
    best = 0
    for start in needed(q, risk) * 2 ** np.arange(STARTS) - 1:
        run = passed[start:]
        length = len(run) if run.all() else int(run.argmin())  # tests passed in a row
        best = max(best, int(start) + length) if length else best
    if not best:
        return Listed(np.empty(0, np.int64))
    first = ranking[: at[best - 1] + 1]
    return Listed(first[~reviewed[first]], int(right[best - 1]), best)


def enough(suspicion: Floats, reviewed: Mask, wrong: Mask, q: float, confidence: float | None) -> int:
    """Return about how many reviewed rows a list needs, if the wrong labels are as many as the reviewed rows say.

    A p-value is at least 1 / (1 + reviewed right rows), and a list of k of n rows needs p-values of q k / n; with a
    confidence, ``needed`` reviewed rows must lie within the list itself. k: the wrong rows, all on top.
    """
    share = max(float(wrong[reviewed].mean()) if reviewed.any() else 0.0, 1 / (1 + max(int(reviewed.sum()), 1)))
    if confidence is None:
        return int(np.ceil(1 / (q * share) / max(1 - share, 0.1)))
    return int(np.ceil(needed(q, (1 - confidence) / STARTS) / share))


def needed(q: float, risk: float) -> int:
    """Return how many reviewed rows, all of them wrong, prove at this risk that at most ``q`` are right."""
    return int(np.ceil(np.log(risk) / np.log1p(-q)))


def _in_order(rows: Ints, suspicion: Floats) -> Ints:
    return rows[np.argsort(-suspicion[rows], kind="stable")]
