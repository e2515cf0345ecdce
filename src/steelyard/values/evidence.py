"""Evidence: the facts about one row from which its reason is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Clash(NamedTuple):
    """An attribute that the query asks and the product does not have.

    kind: length, volume, weight, data, power, voltage, charge, frequency, size, pack, model or brand.
    query_value, title_value: as they are written there.
    """

    kind: str
    query_value: str
    title_value: str


@dataclass(frozen=True)
class Evidence:
    """Facts about one row; what is unknown stays at its default and is never told.

    given, suggested: names of labels; suggested is '' where nothing is suggested.
    lowers: True where suggested is a lower grade than given, False where it is higher; without another suggestion,
        whether given is the highest grade; None for classes.
    similar: labelled near-identical products under this query (texts, without queries), this row not counted;
    contradicting: those of them that carry ``contradicting_label``, the commonest label other than given.
    judgements: (label, judge) of every row of the same pair, this row first; judge '' where unknown.
    own: probability of the given label, out of fold, 0..1; None = unknown.
    repaired: of the suggested label, by the model refitted on repaired labels and given the label; None = unknown.
    probability: of the suggested label, out of fold, 0..1. agreeing of voters: models or folds that suggest it.
    epochs, learned: epochs trained, and after how many of them the row was right; epochs 0 = unknown.
    opposing: part of the rows whose gradient opposes the held-out rows at least as much, 0..1; None = unknown.
    neighbours: rows of other groups looked at, the most alike; neighbours_alike: those with ``neighbours_label``, the
        commonest there. pairs: the rows are pairs of query and product, not texts.
    clash: an attribute that differs between query and product, or None.
    """

    given: str
    suggested: str = ""
    lowers: bool | None = None
    similar: int = 0
    contradicting: int = 0
    contradicting_label: str = ""
    judgements: tuple[tuple[str, str], ...] = ()
    own: float | None = None
    repaired: float | None = None
    probability: float | None = None
    agreeing: int = 0
    voters: int = 0
    epochs: int = 0
    learned: int = 0
    opposing: float | None = None
    neighbours: int = 0
    neighbours_alike: int = 0
    neighbours_label: str = ""
    pairs: bool = False
    clash: Clash | None = None
