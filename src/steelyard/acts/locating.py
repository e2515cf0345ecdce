"""Locating: where the doubt about interactions lies; by activity of users, popularity of items, and name."""

from __future__ import annotations

from typing import Any

import numpy as np

from steelyard.values.arrays import Floats, Ints, Mask

#: A user of fewer positive rows, or an item of fewer takers, is cold: next to nothing of its own speaks for it.
COLD = 5
#: Share of the rows that count as the most doubted.
DOUBTED = 0.1
#: Users and items that are named.
NAMED = 12
Z = 1.96  # 95%, normal


def locate(user: Ints, item: Ints, doubt: Floats, wrong: Ints | None = None) -> dict[str, Any]:
    """Return where the doubt lies, as JSON: ``rows, overall, doubted, activity, popularity, cold, grid, users, items``.

    user, item: (n,) codes of the positive rows. doubt: (n,) finite, higher = more doubted. wrong: (n,) 1 not truly
    wanted, 0 wanted, -1 unknown, or None. Activity is the number of a user's rows, popularity the number of different
    users who took the item. ``users`` and ``items`` name by code those that hold more of the most doubted tenth of
    rows than their share, the largest excess first.
    """
    rows_of = np.bincount(user)
    pairs = np.unique(np.stack([user, item]), axis=1)
    takers_of = np.bincount(pairs[1])
    doubted = doubt >= np.quantile(doubt, 1 - DOUBTED)
    across, activity = bands(rows_of[user])
    upward, popularity = bands(takers_of[item])
    cells = upward * len(activity) + across
    shape = (len(popularity), len(activity))
    count = np.bincount(cells, minlength=shape[0] * shape[1])
    total = np.bincount(cells, weights=doubt, minlength=len(count))
    mean = np.divide(total, count, out=np.full(len(count), np.nan), where=count > 0)

    def told(of: Mask, members: Ints) -> dict[str, Any]:
        known = of & (wrong >= 0) if wrong is not None else np.zeros(len(of), bool)
        return {
            "members": len(np.unique(members[of])),
            "rows": int(of.sum()),
            "share": float(of.mean()),
            "doubted": float(doubted[of].mean()) if of.any() else None,
            **dict(
                zip(
                    ("doubt", "doubt_low", "doubt_high"), mean_with_interval(user[of], item[of], doubt[of]), strict=True
                )
            ),
            "known": int(known.sum()),
            "wrong": float((wrong[known] == 1).mean()) if wrong is not None and known.any() else None,
        }

    return {
        "rows": len(doubt),
        "overall": float(doubt.mean()),
        "doubted": float(doubted.mean()),
        "activity": [{**band, **told(across == k, user)} for k, band in enumerate(activity)],
        "popularity": [{**band, **told(upward == k, item)} for k, band in enumerate(popularity)],
        "cold": {
            "below": COLD,
            "users": {"of": int((rows_of > 0).sum()), **told(rows_of[user] < COLD, user)},
            "items": {"of": int((takers_of > 0).sum()), **told(takers_of[item] < COLD, item)},
        },
        "grid": {
            "count": count.reshape(shape).tolist(),
            "doubt": [[None if np.isnan(v) else round(float(v), 4) for v in row] for row in mean.reshape(shape)],
        },
        "users": carriers(user, doubted, doubt),
        "items": carriers(item, doubted, doubt),
    }


def bands(count: Ints) -> tuple[Ints, list[dict[str, Any]]]:
    """Return (n,) the band of each count >= 1, and the ``low`` and ``high`` end of each: 1, 2–4, 5–9, 10–19, 20–49 ...

    Bands in which nothing lies are left out.
    """
    most = int(count.max(initial=1))
    edges = [1, 2] + [m * 10**p for p in range(len(str(most)) + 1) for m in (5, 10, 20)]
    at = np.searchsorted(edges, count, side="right") - 1
    used, index = np.unique(at, return_inverse=True)
    return index, [{"low": edges[k], "high": edges[k + 1] - 1} for k in used.tolist()]


def mean_with_interval(user: Ints, item: Ints, value: Floats) -> tuple[float | None, float | None, float | None]:
    """Return the mean of values (n,) and its 95% interval; rows of one user, and rows of one item, belong together.

    The variance is that of Cameron, Gelbach and Miller 2011 (eq. 2.11) for two ways of belonging: sums of residuals by
    user, plus by item, minus by pair; never less than either alone. None where fewer than two users took part.
    """
    if not len(value):
        return None, None, None
    mean = float(value.mean())
    if len(np.unique(user)) < 2:
        return mean, None, None
    rest = value - mean
    _, pair = np.unique(np.stack([user, item]), axis=1, return_inverse=True)
    by_user, by_item, by_pair = (float((np.bincount(c, weights=rest) ** 2).sum()) for c in (user, item, np.ravel(pair)))
    half = Z * max(by_user + by_item - by_pair, by_user, by_item) ** 0.5 / len(value)
    return mean, mean - half, mean + half


def carriers(member: Ints, doubted: Mask, doubt: Floats) -> list[dict[str, Any]]:
    """Return up to NAMED users (or items) with more of the most doubted rows than their share, by that excess."""
    rows = np.bincount(member)
    hits = np.bincount(member, weights=doubted)
    excess = hits - rows * doubted.mean()
    total = np.bincount(member, weights=doubt)
    first = [k for k in np.argsort(-excess, kind="stable")[:NAMED].tolist() if excess[k] > 0]
    return [
        {"code": k, "rows": int(rows[k]), "doubted": int(hits[k]), "doubt": float(total[k] / rows[k])} for k in first
    ]
