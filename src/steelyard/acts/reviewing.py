"""Reviewing: what reviewed rows say of the rest, and whether they may say it: only rows drawn by chance can."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import ks_2samp

from steelyard.acts.calibrating import REVIEWED
from steelyard.acts.intervals import share
from steelyard.values.arrays import Floats, Ints, Mask
from steelyard.values.picked import RANDOM, Picked

#: Reviewed rows whose suspicion differs this surely from that of the other rows were not drawn by chance.
UNLIKE = 1e-4
#: Lengths of a list of suspicious rows whose precision is told, as far as reviewed rows go.
AT = (10, 20, 50, 100, 200, 500, 1000)
#: Shares of the labelled rows, the most suspicious, whose precision gold labels tell, from REVIEWED of them inside on.
WITHIN = (0.01, 0.05, 0.1)


@dataclass(frozen=True, eq=False)
class Reviewed:
    """suspicion: (n,) of the rows that ``rows`` were drawn from, NaN for all others. rows: (n,) drawn for review.

    wrong: (n,) found wrong. open: (n,) drawn, and nobody could decide: no answer, or no majority. unlike: p-value where
    the reviewed rows cannot have been drawn by chance, else None. queued: they are those of a queue, not gold labels.
    """

    suspicion: Floats
    rows: Mask
    wrong: Mask
    open: Mask
    unlike: float | None = None
    queued: bool = False


def by_chance(
    suspicion: Floats,
    label: Ints,
    gold: Ints | None,
    decided: Ints | None = None,
    queues: Sequence[Picked] = (),
    aside: Mask | None = None,
) -> Reviewed:
    """Return the sample drawn by chance, and the rows that it was drawn from.

    decided: (n,) codes by the answers to ``queues``, None without. Of them the random part counts, below the floor of
    the queues: above it every row was asked, so that the few drawn by chance there stand for no row that is left.
    aside: (n,) rows that were answered for another reason; they are no sample and nothing to list.
    Without answers the gold labels count, if their suspicion is distributed as that of the other rows.
    """
    suspicion = np.where(label >= 0, suspicion, np.nan)
    if decided is not None and queues:
        drawn = np.zeros(len(label), bool)
        for queue in queues:
            drawn[queue.rows[queue.part == RANDOM]] = True
        floor = min(queue.floor for queue in queues)
        asked = np.unique(np.concatenate([queue.rows for queue in queues]))
        left = np.where(suspicion < floor, suspicion, np.nan)
        if gold is not None:  # reviewed before: never drawn, and nothing to list
            left[gold >= 0] = np.nan
        if aside is not None:
            left[aside] = np.nan
        left[np.setdiff1d(asked, np.flatnonzero(drawn))] = np.nan
        rows = drawn & np.isfinite(left)
        return Reviewed(left, rows, rows & (decided >= 0) & (decided != label), rows & (decided < 0), queued=True)
    none = np.zeros(len(label), bool)
    rows = none if gold is None else (gold >= 0) & np.isfinite(suspicion)
    wrong = none if gold is None else rows & (gold != label)
    return Reviewed(suspicion, rows, wrong, none, _unlike(suspicion, rows, np.isfinite(suspicion)))


def _unlike(suspicion: Floats, reviewed: Mask, of: Mask) -> float | None:
    """Return the p-value where rows that were reviewed differ in suspicion from the rest ``of`` the rows, else None.

    None proves little: 50 rows are told from the rest where the two distributions are 0.31 apart, 500 where they are
    0.10 apart, and a choice by anything that suspicion does not follow is never seen.
    """
    others = of & ~reviewed
    if not (reviewed.any() and others.any()):
        return None
    p = float(ks_2samp(suspicion[reviewed], suspicion[others]).pvalue)
    return p if p < UNLIKE else None


def judged(suspicion: Floats, flagged: Mask, label: Ints, gold: Ints | None) -> dict[str, Any] | None:
    """Return how right flags and the top of the ranking are on gold labels; None below REVIEWED of them.

    drawn: nothing shows that the rows were chosen; only then recall is told, for chosen rows are easy or hard ones.
    at: precision of the k most suspicious rows, the shares WITHIN of all, by the reviewed ones among them, where these
    are REVIEWED or more; even: they lie in it as if drawn by chance. Intervals are Wilson's, below 50 rows exact.
    """
    found = by_chance(suspicion, label, gold)
    rows, wrong = found.rows, found.wrong
    if rows.sum() < REVIEWED:
        return None
    flags, hits = int((flagged & rows).sum()), int((flagged & wrong).sum())
    low, high = share(hits, flags)
    known = np.isfinite(found.suspicion)
    order = np.argsort(-np.where(known, found.suspicion, -1.0), kind="stable")
    at = []
    for part in WITHIN:
        top = np.zeros(len(label), bool)
        top[order[: round(part * known.sum())]] = True
        count, bad = int((rows & top).sum()), int((wrong & top).sum())
        if count >= REVIEWED:
            ends = dict(zip(("low", "high"), share(bad, count), strict=True))
            even = _unlike(found.suspicion, rows & top, top) is None
            body = {"share": part, "k": int(top.sum()), "rows": count, "wrong": bad, "precision": bad / count}
            at.append({**body, **ends, "even": even})
    return {
        "rows": int(rows.sum()),
        "wrong": int(wrong.sum()),
        "flagged": flags,
        "hits": hits,
        "precision": hits / max(flags, 1),
        "precision_low": low,
        "precision_high": high,
        "drawn": found.unlike is None,
        "recall": hits / max(int(wrong.sum()), 1) if found.unlike is None else None,
        "at": at,
    }


def error_rate(drawn: Mask, decided: Mask, wrong: Mask) -> dict[str, Any] | None:
    """Return the share of wrong labels by rows drawn by chance, with its 95% interval; None without a decision.

    drawn, decided, wrong: (n,). Rows that nobody could decide are perhaps the hard ones, so they are not left out: at
    the low end their labels count as right, at the high end as wrong. low_decided, high_decided: were they as the rest.
    """
    rows, open_ = int((drawn & decided).sum()), int((drawn & ~decided).sum())
    if not rows:
        return None
    hits = int((drawn & decided & wrong).sum())
    low, high = share(hits, rows + open_)[0], share(hits + open_, rows + open_)[1]
    found = {"rows": rows, "wrong": hits, "open": open_, "low": low, "high": high}
    return {**found, **dict(zip(("low_decided", "high_decided"), share(hits, rows), strict=True))}


def precision(suspicion: Floats, reviewed: Mask, wrong: Mask, at: Sequence[int] = AT) -> list[dict[str, Any]]:
    """Return how many of the k most suspicious reviewed rows are wrong, for each k that there are, with 95% intervals.

    k counts reviewed rows. Of rows that were all reviewed from the top on, this is the precision of the list itself.
    """
    rows = np.flatnonzero(reviewed & np.isfinite(suspicion))
    rows = rows[np.argsort(-suspicion[rows], kind="stable")]
    found = []
    for k in [*(k for k in at if k < len(rows)), *([len(rows)] if len(rows) else [])]:
        hits = int(wrong[rows[:k]].sum())
        low, high = share(hits, k)
        found.append({"k": k, "wrong": hits, "precision": hits / k, "low": low, "high": high})
    return found
