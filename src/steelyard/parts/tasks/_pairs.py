"""Query and product as one sequence: what the relevance tasks share."""

from __future__ import annotations

from typing import Any

from steelyard.parts.tasks._encoding import encode
from steelyard.parts.tasks._texts import render
from steelyard.values.arrays import Ints, Mask
from steelyard.values.encoded import Side
from steelyard.values.samples import Samples

PRODUCT = "{title} | {brand} | {category} | {description}"


def encode_pairs(
    samples: Samples, tokenizer: Any, query: str, product: str, max_length: int
) -> tuple[Side, Mask, Ints]:
    """Return token ids of (query, product) pairs, which were cut, and how many tokens each lost."""

    def first(start: int, stop: int) -> list[str]:
        return render(samples, query, start, stop)

    def second(start: int, stop: int) -> list[str]:
        return render(samples, product, start, stop)

    return encode(tokenizer, len(samples), first, second, max_length)
