"""Merging: what people answered, who they are, where they differ, and the label that each row gets by it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from steelyard.acts import agreeing
from steelyard.acts.answering import Answer
from steelyard.acts.intervals import share
from steelyard.errors import DataError
from steelyard.values.arrays import Ints
from steelyard.values.scale import Scale


@dataclass(frozen=True, eq=False)
class Merged:
    """decided: (n,) codes of the label that the people agree on, -1 none: nobody answered, no majority, or a control.

    answered: (n,) how many answered. conflicts: rows without a majority, each with who said what. people: one dict
    each. agreement: alpha and pairs, None where no row has two answers. doubted: believed controls that nobody who saw
    them confirmed. repeated: answers that stood twice and count once.
    """

    decided: Ints
    answered: Ints
    conflicts: list[dict[str, Any]]
    people: list[dict[str, Any]]
    agreement: dict[str, Any] | None
    doubted: list[str]
    repeated: int


def votes(
    answers: Sequence[Answer], codes: Sequence[int], replace: bool
) -> tuple[dict[tuple[str, str], tuple[int, Answer]], int, list[DataError]]:
    """Return (row key, annotator) -> (code, answer), the repeats, and a problem for each file that contradicts.

    The same answer given twice counts once, for the picks of both. Another answer by the same person to the same row
    is a problem, unless ``replace`` lets the later one count. Empty answers are nobody's.
    """
    kept: dict[tuple[str, str], tuple[int, Answer]] = {}
    repeated, twice = 0, []
    for answer, code in zip(answers, codes, strict=True):
        if code < 0:
            continue
        place = (answer.row_key, answer.annotator)
        before = kept.get(place)
        if before is None:
            kept[place] = (code, answer)
            continue
        repeated += 1
        if before[0] != code:
            twice.append((before[1], answer))
        code, said = (code, answer) if replace else before
        picks = dict.fromkeys(f"{before[1].pick} {answer.pick}".split())
        kept[place] = (code, dataclasses.replace(said, pick=" ".join(picks)))
    problems = []
    for file in dict.fromkeys(second.file for _, second in twice) if not replace else ():
        pairs = [p for p in twice if p[1].file == file]
        first, second = pairs[0]
        told = {"key": second.row_key, "annotator": second.annotator, "a": first.label, "b": second.label}
        problems.append(DataError("D243", file=file, count=len(pairs), other=first.file, row=second.row, **told))
    return kept, repeated, problems


def merge(
    kept: Mapping[tuple[str, str], tuple[int, Answer]],
    at: Mapping[str, int],
    known: Mapping[int, int],
    scale: Scale,
    repeated: int = 0,
) -> Merged:
    """Return what the votes say. at: position of each row key. known: position -> code of each control."""
    people = sorted({who for _, who in kept})
    rows = sorted({at[key] for key, _ in kept})
    place, column = {row: i for i, row in enumerate(rows)}, {who: i for i, who in enumerate(people)}
    given = np.full((len(rows), len(people)), -1, np.int64)
    for (key, who), (code, _) in kept.items():
        given[place[at[key]], column[who]] = code
    key_of = {at[key]: key for key, _ in kept}
    decided, answered = np.full(len(at), -1, np.int64), np.zeros(len(at), np.int64)
    conflicts, doubted = [], []
    for row, line in zip(rows, given, strict=True):
        said = line[line >= 0]
        answered[row] = len(said)
        counts = np.bincount(said)
        if row in known:
            if known[row] not in said:
                doubted.append(key_of[row])
        elif 2 * counts.max() > len(said):
            decided[row] = counts.argmax()
        else:
            told = {who: scale.names[c] for who, c in zip(people, line.tolist(), strict=True) if c >= 0}
            conflicts.append({"row_key": key_of[row], "answers": told})
    return Merged(
        decided=decided,
        answered=answered,
        conflicts=conflicts,
        people=[_person(who, given, column[who], rows, known) for who in people],
        agreement=_agreement(given, scale),
        doubted=doubted,
        repeated=repeated,
    )


def _person(who: str, given: Ints, own: int, rows: Sequence[int], known: Mapping[int, int]) -> dict[str, Any]:
    """Return how many rows one person answered, how many controls right, how many of the others' answers are alike.

    A person's own vote would make a majority of two of whatever they say; the answers of the others do not.
    """
    mine = given[:, own] >= 0
    checks = [
        known[row] == code for row, code in zip(rows, given[:, own].tolist(), strict=True) if row in known and code >= 0
    ]
    others = np.delete(given, own, axis=1)[mine]
    agreed = (others == given[mine, own][:, None])[others >= 0]
    low, high = share(sum(checks), len(checks))
    return {
        "annotator": who,
        "answers": int(mine.sum()),
        "controls": len(checks),
        "controls_right": sum(checks),
        "controls_low": low,
        "controls_high": high,
        "with_others": float(agreed.mean()) if len(agreed) else None,
    }


def _agreement(given: Ints, scale: Scale) -> dict[str, Any] | None:
    equal, pairs = agreeing.same(given) if given.size else (0, 0)
    if not pairs:
        return None
    return {"alpha": agreeing.alpha(given, agreeing.distances(scale)), "pairs": pairs, "equal": equal}
