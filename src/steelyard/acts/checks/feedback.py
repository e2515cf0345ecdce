"""Who took what, and when: what is doubtful in a table of interactions, each found by itself."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np

from steelyard.acts.checks.looked import EXAMPLES, HELD_OUT, Findings
from steelyard.acts.timing import scale
from steelyard.values.arrays import AnyArray, Floats
from steelyard.values.findings import Finding, Severity
from steelyard.values.interactions import Interactions

#: Users of one row: a warning above this share.
LONELY = 0.5
#: Seconds of 1980; a time before it, or after tomorrow, is no time at which somebody clicked.
EARLIEST = 315_532_800.0
#: Values more than this many times all others are of another kind; see ``gap``.
ABSURD = 10.0
#: Values below a gap that make a scale; fewer may be kinds of events, of which a large one must be this rare.
SCALE, RARE = 3, 0.01
NUMBER = re.compile(r"[+-]?\d+(\.0+)?$")


def finding(
    of: Interactions,
    code: str,
    severity: Severity,
    rows: AnyArray | None = None,
    count: int | None = None,
    **facts: object,
) -> Finding:
    """Return a finding about ``rows``: a mask (n,) or positions; the first of them are its examples."""
    if rows is None:
        return Finding(code, severity, count or 0, facts)
    places = np.flatnonzero(rows) if rows.dtype == bool else rows
    keys = tuple(str(k) for k in of.row_key[places[:EXAMPLES]])
    return Finding(code, severity, len(places) if count is None else count, facts, keys)


def check_counts(of: Interactions) -> Findings:
    """Say how many users, items and rows there are; refuse a table of which nobody can learn."""
    pairs = len(np.unique(of.pair))
    density = pairs / max(of.n_users * of.n_items, 1)
    counts: dict[str, object] = {"users": of.n_users, "items": of.n_items, "density": density}
    yield finding(of, "D210.ok", "ok", None, len(of), **counts, each=len(of) / max(of.n_users, 1))
    if not of.positive.any():
        yield finding(of, "D228", "error", count=len(of), lowest=float(of.value.min()) if len(of) else 0.0)
    elif of.n_users < 2 or of.n_items < 2:
        yield finding(of, "D229", "error", count=len(of), users=of.n_users, items=of.n_items)


def check_lonely(of: Interactions) -> Findings:
    """Count users of one positive row: nothing can be held out of them, and they say little of themselves."""
    count = np.bincount(of.user[of.positive], minlength=of.n_users)
    lonely, active = int((count == 1).sum()), int((count > 0).sum())
    if not lonely:
        yield finding(of, "D211.ok", "ok", count=active)
        return
    share = lonely / max(active, 1)
    rows = of.positive & (count[of.user] == 1)
    yield finding(of, "D211", "warn" if share > LONELY else "note", rows, count=lonely, users=active, share=share)


def check_repeats(of: Interactions) -> Findings:
    """Count rows that repeat user, item, time and event (D212), and pairs that come back at another time (D213)."""
    ts = np.zeros(len(of)) if of.ts is None else np.nan_to_num(of.ts, nan=-1.0)
    event = np.zeros(len(of), int) if of.event is None else np.unique(of.event.astype(str), return_inverse=True)[1]
    order = np.lexsort((event, ts, of.pair))
    pair = of.pair[order]
    back = np.zeros(len(of), bool)
    same = np.zeros(len(of), bool)
    if len(of) > 1:
        back[order[1:]] = pair[1:] == pair[:-1]
        same[order[1:]] = (pair[1:] == pair[:-1]) & (np.diff(ts[order]) == 0) & (np.diff(event[order]) == 0)
    if same.any():
        yield finding(of, "D212", "warn", same, share=float(same.mean()))
    else:
        yield finding(of, "D212.ok", "ok")
    again = back & ~same
    if again.any():
        yield finding(of, "D213", "note", again, share=float(again.mean()))


def check_times(of: Interactions) -> Findings:
    """Look for times that are missing, absurd, or not in the order of the rows."""
    if of.ts is None:
        yield finding(of, "D215", "note", count=len(of))
        return
    missing = np.isnan(of.ts)
    if missing.any():
        yield finding(of, "D214", "warn", missing, share=float(missing.mean()))
    else:
        yield finding(of, "D214.ok", "ok", count=len(of))
    stamp = of.ts * scale(of.ts)
    if np.nanmedian(stamp) > EARLIEST:  # else they count something: places, days
        absurd = ~missing & ((stamp < EARLIEST) | (stamp > datetime.now(UTC).timestamp() + 86_400))
        if absurd.any():
            worst = stamp[absurd][0]
            yield finding(of, "D216", "warn", absurd, first=float(worst))
    by_user = np.argsort(of.user, kind="stable")
    late = np.zeros(len(of), bool)
    with np.errstate(invalid="ignore"):
        late[by_user[1:]] = (np.diff(of.user[by_user]) == 0) & (np.diff(of.ts[by_user]) < 0)
    if late.any():
        yield finding(of, "D217", "note", late, share=float(late.mean()))


def check_ids(of: Interactions) -> Findings:
    """Look for ids that differ only in how they are written (1, 1.0, 01, A, a), and for numbers among names."""
    for what, ids in (("user", of.user_ids), ("item", of.item_ids)):
        written: dict[str, list[str]] = {}
        for name in ids:
            written.setdefault(_plain(str(name)), []).append(str(name))
        alike = [several for several in written.values() if len(several) > 1]
        numbers = sum(bool(NUMBER.match(str(i))) for i in ids)
        if alike:
            shown = "; ".join(" = ".join(several[:3]) for several in alike[:3])
            yield finding(of, "D218", "warn", count=len(alike), what=what, shown=shown)
        if numbers and numbers < len(ids):
            rare = min(numbers, len(ids) - numbers)
            odd = next(str(i) for i in ids if bool(NUMBER.match(str(i))) == (numbers <= len(ids) - numbers))
            yield finding(of, "D219", "note", count=rare, what=what, ids=len(ids), shown=odd[:40])


def check_values(of: Interactions) -> Findings:
    """Look for negative and absurd values, and for data in which everything is positive."""
    negative = of.value < 0
    if negative.any():
        yield finding(of, "D221", "warn", negative, lowest=float(of.value.min()))
    usual = gap(of.value[of.value > 0])
    if usual is not None:
        absurd = of.value > usual
        values, count = np.unique(of.value[absurd], return_counts=True)
        often = np.sort(values[np.argsort(-count, kind="stable")[:EXAMPLES]])
        shown, share = ", ".join(f"{v:g}" for v in often), float(absurd.mean())
        yield finding(of, "D222", "warn", absurd, highest=float(values[-1]), usual=usual, share=share, shown=shown)
    if of.positive.all() and len(of):
        yield finding(of, "D220", "note", count=len(of))


def gap(value: Floats) -> float | None:
    """Return the value (all of them above 0) above which stands what is of another kind; None without such.

    At least half of the values lie up to it, nothing lies between it and ten times it, and this step is a larger factor
    than the one from their median to it. So 9999 among 1 to 5 is found however many there are, and the long tail of
    counts and durations is not: there the steps between neighbours are smaller than what lies below them.
    """
    level, count = np.unique(value, return_counts=True)
    upto = np.cumsum(count)
    for place in np.flatnonzero(level[1:] > ABSURD * level[:-1]):
        if 2 * upto[place] < len(value) or (place + 1 < SCALE and 1 - upto[place] / len(value) > RARE):
            continue
        median = level[np.searchsorted(upto, upto[place] / 2)]
        if level[place + 1] * median > level[place] ** 2:
            return float(level[place])
    return None


def check_exposure(of: Interactions) -> Findings:
    """Clicks without exposure or position: what was not clicked may not have been seen (C140)."""
    value = of.columns.get("value")
    if value is None or not np.isin(of.value, (0.0, 1.0)).all() or not (of.value == 0).any():
        return
    known = of.position is not None or "shown" in of.columns
    code, severity = ("C140.ok", "ok") if known else ("C140", "warn")
    yield Finding(code, severity, len(of), {"column": value})  # type: ignore[arg-type]


def check_leaks(of: Interactions) -> Findings:
    """Compare held-out rows with train rows: the same pair (D223), an earlier time (D224), strangers (D225, D226)."""
    train = of.positive & (of.split == "train")
    for split in HELD_OUT:
        held = of.positive & (of.split == split)
        if not train.any() or not held.any():
            continue
        whole = int(held.sum())
        same = held & np.isin(of.pair, of.pair[train])
        if same.any():
            yield finding(of, "D223", "warn", same, split=split, share=float(same.sum() / whole))
        else:
            yield finding(of, "D223.ok", "ok", count=whole, split=split)
        if of.ts is not None:
            last = np.full(of.n_users, -np.inf)
            np.maximum.at(last, of.user[train], np.nan_to_num(of.ts[train], nan=-np.inf))
            with np.errstate(invalid="ignore"):
                early = held & (of.ts < last[of.user])
            if early.any():
                yield finding(of, "D224", "warn", early, split=split, share=float(early.sum() / whole))
            else:
                yield finding(of, "D224.ok", "ok", count=whole, split=split)
        for code, what, known in (("D225", of.user, of.user[train]), ("D226", of.item, of.item[train])):
            strange = held & ~np.isin(what, known)
            if strange.any():
                facts = {"split": split, "share": float(strange.sum() / whole), "affected": int(strange.sum())}
                yield finding(of, code, "note", strange, count=len(np.unique(what[strange])), **facts)


CHECKS: tuple[Callable[[Interactions], Findings], ...] = (
    check_counts,
    check_lonely,
    check_repeats,
    check_times,
    check_ids,
    check_values,
    check_exposure,
    check_leaks,
)


def _plain(name: str) -> str:
    """Return an id without what people and programs change in passing: case, blanks, leading zeros, ``.0``."""
    name = name.strip().casefold()
    return str(int(float(name))) if NUMBER.match(name) and len(name) < 16 else name
