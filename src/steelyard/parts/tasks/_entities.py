"""Entities of tag sequences, and how well predicted ones agree: counted as seqeval does, in a page of our own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

#: One entity: type, first token, last token + 1.
Entity = tuple[str, int, int]

BEGINS, SINGLE, OUTSIDE = "B", "SU", "O"


def scheme(tags: Iterable[str]) -> str:
    """Return ``bioes``, ``bio`` or ``plain`` (a type a token, O for none) by what the tag names show."""
    heads = {tag.split("-", 1)[0] for tag in tags if "-" in tag}
    if not heads or not heads <= set("BIOESUL"):
        return "plain"
    return "bioes" if heads & set("ESUL") else "bio"


def entities(tags: Sequence[str], how: str) -> set[Entity]:
    """Return the entities of one sentence. bio, bioes: an I or E that continues nothing begins an entity (as conlleval
    and seqeval's default do); a change of type ends one. plain: every run of equal tags but O is one entity.
    """
    found: set[Entity] = set()
    kind, start = "", 0
    for at, tag in enumerate([*tags, OUTSIDE]):
        head, own = _parts(tag, how)
        if kind and (head in BEGINS + SINGLE or own != kind):
            found.add((kind, start, at))
            kind = ""
        if own and not kind:
            kind, start = own, at
        if kind and head in SINGLE + "EL" and how == "bioes":
            found.add((kind, start, at + 1))
            kind = ""
    return found


def _parts(tag: str, how: str) -> tuple[str, str]:
    """Return head letter and type of a tag, ('O', '') outside."""
    if tag == OUTSIDE or tag == "":
        return OUTSIDE, ""
    if how == "plain":
        return "I", tag
    head, _, kind = tag.partition("-")
    return head, kind or "_"


def report(given: Sequence[Sequence[str]], said: Sequence[Sequence[str]]) -> dict[str, dict[str, float]]:
    """Return precision, recall, f1 and support of each entity type, and of ``micro`` and ``macro`` over them.

    given, said: tags of the same sentences, token by token. An entity is right when type and both ends are.
    Ratios with nothing below the line are 0. Raises ValueError when two sentences differ in length.
    """
    how = scheme(tag for tags in given for tag in tags)
    counts: dict[str, np.ndarray] = {}
    for one, other in zip(given, said, strict=True):
        if len(one) != len(other):
            raise ValueError(f"a sentence has {len(one)} given and {len(other)} predicted tags")
        true, found = entities(one, how), entities(other, how)
        for column, group in enumerate((true & found, true, found)):
            for kind, _, _ in group:
                counts.setdefault(kind, np.zeros(3, np.int64))[column] += 1
    rows = {kind: _ratios(*counts[kind]) for kind in sorted(counts)}
    total = sum(counts.values(), np.zeros(3, np.int64))
    mean = {k: float(np.mean([r[k] for r in rows.values()])) if rows else 0.0 for k in ("precision", "recall", "f1")}
    return {**rows, "micro": _ratios(*total), "macro": {**mean, "support": float(total[1])}}


def _ratios(right: int, given: int, said: int) -> dict[str, float]:
    def over(a: int, b: int) -> float:
        return float(a) / float(b) if b else 0.0

    return {
        "precision": over(right, said),
        "recall": over(right, given),
        "f1": over(2 * right, given + said),
        "support": float(given),
    }
