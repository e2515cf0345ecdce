"""Slow, obviously correct measures of one list: every order of equal scores is written out and averaged."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby, permutations, product


def orders(scores: Sequence[float]) -> Iterator[list[int]]:
    """Yield every order of the rows that the scores allow, all equally likely."""
    best_first = sorted(range(len(scores)), key=lambda i: -scores[i])
    blocks = [list(rows) for _, rows in groupby(best_first, key=lambda i: scores[i])]
    for choice in product(*(permutations(block) for block in blocks)):
        yield [row for block in choice for row in block]


def expected(of: Callable[[list[float]], float], worth: Sequence[float], scores: Sequence[float]) -> float:
    values = [of([worth[i] for i in order]) for order in orders(scores)]
    return sum(values) / len(values)


def dcg(gains: Sequence[float], k: int | None) -> float:
    return sum(g / math.log2(rank + 1) for rank, g in enumerate(gains[:k], start=1))


def ndcg(k: int | None = None, full: bool = False) -> Callable[[list[float]], float]:
    return lambda gains: dcg(gains, k) / dcg(sorted(gains, reverse=True), None if full else k)


def mrr(k: int | None = None) -> Callable[[list[float]], float]:
    return lambda hits: next((1 / rank for rank, hit in enumerate(hits[:k], start=1) if hit), 0.0)


def recall(k: int | None = None) -> Callable[[list[float]], float]:
    return lambda hits: sum(hits[:k]) / sum(hits)


def p(k: int | None = None) -> Callable[[list[float]], float]:
    return lambda hits: sum(hits[:k]) / (k or len(hits))


def hit(k: int | None = None) -> Callable[[list[float]], float]:
    return lambda hits: float(any(hits[:k]))


def average_precision(k: int | None = None) -> Callable[[list[float]], float]:
    def of(hits: list[float]) -> float:
        return sum(sum(hits[:rank]) / rank for rank in range(1, len(hits[:k]) + 1) if hits[rank - 1]) / sum(hits)

    return of


def err(best: float, k: int | None = None) -> Callable[[list[float]], float]:
    def of(grades: list[float]) -> float:
        value, passed = 0.0, 1.0
        for rank, grade in enumerate(grades[:k], start=1):
            satisfied = (2**grade - 1) / 2**best
            value += passed * satisfied / rank
            passed *= 1 - satisfied
        return value

    return of
