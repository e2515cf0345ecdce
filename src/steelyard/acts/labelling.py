"""Make a scale of the labels of a table: their names, their order, their worth; and each row's code."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from steelyard.acts.cleaning import NOTHING, as_text, number_text
from steelyard.errors import DataError, UsageError
from steelyard.values.arrays import Ints
from steelyard.values.findings import Finding
from steelyard.values.samples import Task
from steelyard.values.scale import Scale

#: More distinct numbers than this are no grades any more; they are cut into at most SEVEN.
GRADES, SEVEN, CLASSES = 20, 7, 1000

#: Scales that people know, worst first; several spellings of one step stand together. Worth of each step, if known.
KNOWN: tuple[tuple[tuple[str, ...], tuple[float, ...]], ...] = (
    (("i", "c", "s", "e"), (0.0, 0.01, 0.1, 1.0)),
    (("irrelevant", "complement", "substitute", "exact"), (0.0, 0.01, 0.1, 1.0)),
    (("irrelevant|no match", "partial|partial match", "exact|exact match"), (0.0, 0.5, 1.0)),
    (("bad", "fair", "good", "excellent", "perfect"), ()),
    (("poor", "fair", "good", "very good", "excellent"), ()),
    (
        (
            "irrelevant|not relevant|off topic|non relevant",
            "marginally relevant|slightly relevant|weakly relevant",
            "partially relevant|somewhat relevant|partly relevant",
            "relevant",
            "highly relevant|very relevant",
            "perfectly relevant",
        ),
        (),
    ),
    (("no", "maybe", "yes"), ()),
    (("n", "y"), ()),
    (("false", "true"), ()),
    (("negative", "positive"), ()),
    (("low", "medium|mid", "high"), ()),
    (("不相关|无关", "配套品|搭配品|互补品", "替代品", "完全匹配"), (0.0, 0.01, 0.1, 1.0)),
    (
        (
            "不相关|无关",
            "弱相关|略微相关",
            "部分相关|一般相关",
            "相关",
            "强相关|高度相关|非常相关",
            "完全相关|完全匹配",
        ),
        (),
    ),
    (("不匹配", "部分匹配", "匹配|完全匹配"), ()),
    (("低", "中", "高"), ()),
    (("差", "一般|中", "好|良"), ()),
    (("否", "是"), ()),
)


@dataclass
class Label:
    """Collects one label column batch by batch: distinct texts, and a code into them for each row."""

    texts: dict[str, int] = field(default_factory=dict)
    codes: list[Ints] = field(default_factory=list)
    infinite: int = 0

    def add(self, column: pa.Array, noticed: dict[str, int]) -> pa.Array:
        """Add a batch; return its (n,) texts as written, null where there is no label."""
        if pa.types.is_floating(column.type):
            values = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
            self.infinite += int(np.isinf(values).sum())
            column = pa.array(np.where(np.isfinite(values), values, np.nan), from_pandas=True)
        from collections import Counter

        counter: Counter[str] = Counter()
        text = pc.utf8_trim_whitespace(as_text(column, counter))
        for code, count in counter.items():
            noticed[code] = noticed.get(code, 0) + count
        known = pc.dictionary_encode(text)
        table = np.array([self._code(t) for t in known.dictionary.to_pylist()] + [-1], dtype=np.int32)
        place = known.indices.fill_null(len(table) - 1).to_numpy(zero_copy_only=False)
        infinite = np.flatnonzero(table == -2)
        if len(infinite):
            self.infinite += int(np.isin(place, infinite).sum())
        codes = np.maximum(table[place], -1)
        self.codes.append(codes)
        return pc.if_else(pa.array(codes >= 0), text, pa.scalar(None, pa.string()))

    def _code(self, text: str | None) -> int:
        """Return the code of a text; -1 for nothing, -2 for an infinite number."""
        if text is None or text in NOTHING:
            return -1
        if text.lower().lstrip("+-") in ("inf", "infinity"):
            return -2
        return self.texts.setdefault(text, len(self.texts))

    @property
    def raw(self) -> Ints:
        return np.concatenate(self.codes) if self.codes else np.zeros(0, np.int32)

    def counts(self) -> dict[str, int]:
        """Return text -> rows, most frequent first."""
        counted = np.bincount(self.raw[self.raw >= 0], minlength=len(self.texts))
        return dict(sorted(((t, int(counted[c])) for t, c in self.texts.items()), key=lambda x: (-x[1], x[0])))


@dataclass(frozen=True)
class Reading:
    """A scale, and the code that each text of the table has on it."""

    scale: Scale
    code: Mapping[str, int]
    notes: tuple[Finding, ...] = ()


def number(text: str) -> float | None:
    """Return a text as finite number, or None."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and "_" not in text else None


def folded(text: str) -> str:
    """Return a label without case, width and ``_``: ``Not_Relevant`` is ``not relevant``."""
    text = unicodedata.normalize("NFKC", text).casefold().replace("_", " ").replace("-", " ")
    return " ".join(text.split())


def scale_of(
    counts: Mapping[str, int],
    task: Task,
    labels: Mapping[str, float] | None = None,
    order: str | Sequence[str] | None = None,
    preset: tuple[str, Sequence[str], Sequence[float]] | None = None,
) -> Reading:
    """Return the scale for labels ``counts`` (text -> rows).

    labels: name -> worth, which gives the order too. order: ``asc``, ``desc``, or the names from worst to best.
    preset: (its name, labels worst first, gains). Precedence: labels, order, preset, what the labels say themselves.
    Raises DataError D104 (labels whose order nobody knows), D108 (over 1,000 classes), UsageError U109.
    """
    if labels:
        named = {_name(str(k)): float(v) for k, v in labels.items()}
        names = sorted(named, key=lambda n: named[n])
        return _placed(counts, names, [named[n] for n in names], "--labels")
    if isinstance(order, str) and order not in ("asc", "desc"):
        raise UsageError("U109", option="label_order", value=order, known="asc, desc, worst,...,best")
    if order is not None and not isinstance(order, str):
        return _placed(counts, [_name(str(n)) for n in order], (), "--label-order")
    if preset is not None and preset[1] and task == "relevance":
        return _placed(counts, list(preset[1]), list(preset[2]), preset[0])
    return _grades(counts, order) if task == "relevance" else _classes(counts)


def _name(text: str) -> str:
    value = number(text)
    return text.strip() if value is None else number_text(value)


def _placed(counts: Mapping[str, int], names: list[str], gains: Sequence[float], by: str) -> Reading:
    """Return the scale of given names; case and width do not matter where that leaves no doubt."""
    place = {n: i for i, n in enumerate(names)}
    loose = {folded(n): i for i, n in enumerate(names)}
    code: dict[str, int] = {}
    for text in counts:
        found = place.get(text, place.get(_name(text)))
        found = loose.get(folded(text)) if found is None and len(loose) == len(names) else found
        if found is not None:
            code[text] = found
    unknown = {t: c for t, c in counts.items() if t not in code}
    if unknown:
        raise _unknown(unknown, f"{by}: {', '.join(names)}")
    return Reading(Scale(tuple(names), True, tuple(gains)), code)


def _unknown(unknown: Mapping[str, int], known: str) -> DataError:
    shown = ", ".join(f"'{t[:60]}' ({c:,})" for t, c in list(unknown.items())[:10])
    example = ",".join(f"{t[:20]}={i}" for i, t in enumerate(list(unknown)[:4]))
    return DataError(
        "D104",
        count=len(unknown),
        rows=sum(unknown.values()),
        known=known,
        values=shown + (", …" if len(unknown) > 10 else ""),
        example=example,
    )


def _grades(counts: Mapping[str, int], order: str | None) -> Reading:
    values = {t: number(t) for t in counts}
    if all(v is not None for v in values.values()):
        return _numeric({t: float(v) for t, v in values.items() if v is not None}, counts, order)
    known = _known(list(counts))
    if known is None:
        raise _unknown(counts, "0…4, E/S/C/I, Exact/Partial/Irrelevant, bad/fair/good/excellent/perfect, 低/中/高")
    names, gains, code = known
    if order == "desc":
        names, code = names[::-1], {t: len(names) - 1 - c for t, c in code.items()}
        gains = ()
    return Reading(Scale(tuple(names), True, tuple(gains)), code)


def _known(texts: list[str]) -> tuple[list[str], Sequence[float], dict[str, int]] | None:
    """Return (names worst first, gains, text -> code) of the first known scale that holds all texts."""
    for steps, gains in KNOWN:
        step = {spelling: i for i, s in enumerate(steps) for spelling in s.split("|")}
        if all(folded(t) in step for t in texts):
            used = sorted({step[folded(t)] for t in texts})
            spelt = {i: min((t for t in texts if step[folded(t)] == i), key=lambda t: (t.islower(), t)) for i in used}
            code = {t: used.index(step[folded(t)]) for t in texts}
            return [spelt[i] for i in used], [gains[i] for i in used] if gains else (), code
    return None


def _numeric(values: Mapping[str, float], counts: Mapping[str, int], order: str | None) -> Reading:
    """Return grades ordered by value, each worth its distance from the worst.

    More than 20 distinct values are cut into at most seven grades, named by the value in the middle of each.
    """
    distinct = sorted(set(values.values()))
    notes: list[Finding] = []
    if len(distinct) > GRADES:
        weight = dict.fromkeys(distinct, 0)
        for text, value in values.items():
            weight[value] += counts[text]
        parts = cut(distinct, [weight[v] for v in distinct])
        points = ", ".join(number_text(p[0]) for p in parts[1:])
        notes.append(Finding("D111", "note", len(distinct), {"grades": len(parts), "points": points}))
    else:
        parts = [[v] for v in distinct]
    place = {v: i for i, part in enumerate(parts) for v in part}
    names = [number_text(part[len(part) // 2]) for part in parts]
    code = {t: place[v] for t, v in values.items()}
    gains = [float(name) - float(names[0]) for name in names]
    if order == "desc":
        names, code = names[::-1], {t: len(parts) - 1 - c for t, c in code.items()}
        gains = [float(names[0]) - float(name) for name in names]
    elif order is None and len(names) > 1:
        notes.append(Finding("D110", "note", len(counts), {"lowest": names[0], "highest": names[-1]}))
    return Reading(Scale(tuple(names), True, tuple(round(g, 6) for g in gains)), code, tuple(notes))


def cut(values: Sequence[float], weight: Sequence[int], most: int = SEVEN) -> list[list[float]]:
    """Cut sorted distinct values into at most ``most`` runs of about equal weight; a heavy value stands alone."""
    left, held = sum(weight), 0
    runs: list[list[float]] = []
    run: list[float] = []
    for i, (value, w) in enumerate(zip(values, weight, strict=True)):
        share = left / (most - len(runs))
        if run and held + w > 1.5 * share and len(runs) < most - 1:
            runs.append(run)
            left -= held
            run, held = [], 0
            share = left / (most - len(runs))
        run.append(value)
        held += w
        if held >= share and len(runs) < most - 1 and i < len(values) - 1:
            runs.append(run)
            left -= held
            run, held = [], 0
    return [*runs, run] if run else runs


def _classes(counts: Mapping[str, int]) -> Reading:
    """Return unordered classes by name (numbers by value)."""
    names = sorted(counts, key=lambda t: (number(t) is None, number(t) or 0.0, t))
    if len(names) > CLASSES:
        raise DataError("D108", count=len(names), most=CLASSES)
    return Reading(Scale(tuple(names), False), {n: i for i, n in enumerate(names)})
