"""Token ids of texts and pairs of texts: cut by one rule, counted, never silently."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from steelyard.values.arrays import Ints, Mask
from steelyard.values.encoded import Side

ROWS_AT_ONCE = 2048

Texts = Callable[[int, int], list[str]]


def encode(tokenizer: Any, n: int, first: Texts, second: Texts | None, max_length: int) -> tuple[Side, Mask, Ints]:
    """Return the token ids of n rows, which rows were cut, and how many tokens each lost.

    first, second: (start, stop) -> texts. Rule: the longer of the two texts loses its end first, so that a query
    stays whole beside a long description. Only rows that are too long are tokenised a second time.
    """
    ids: list[list[int]] = []
    types: list[list[int]] = []
    dropped = np.zeros(n, np.int64)
    for start in range(0, n, ROWS_AT_ONCE):
        stop = min(start + ROWS_AT_ONCE, n)
        texts = [first(start, stop)] if second is None else [first(start, stop), second(start, stop)]
        whole = _tokens(tokenizer, texts)
        size = np.array([len(row) for row in whole["input_ids"]])
        over = np.flatnonzero(size > max_length)
        if len(over):
            cut = _tokens(tokenizer, [[t[i] for i in over] for t in texts], truncation=True, max_length=max_length)
            for name in whole:
                for place, row in zip(over, cut[name], strict=True):
                    whole[name][place] = row
            dropped[start + over] = size[over] - [len(row) for row in cut["input_ids"]]
        ids += whole["input_ids"]
        types += whole.get("token_type_ids", [])
    return side(ids, types or None), dropped > 0, dropped


def _tokens(tokenizer: Any, texts: list[list[str]], **cut: Any) -> dict[str, list[list[int]]]:
    found = tokenizer(*texts, return_attention_mask=False, verbose=False, **cut)
    return {name: list(found[name]) for name in ("input_ids", "token_type_ids") if name in found}


def side(ids: list[list[int]], types: list[list[int]] | None = None) -> Side:
    """Return sequences laid end to end."""
    starts = np.concatenate([[0], np.cumsum([len(row) for row in ids])]).astype(np.int64)
    flat = np.fromiter((t for row in ids for t in row), np.int32, int(starts[-1]))
    kinds = None if types is None else np.fromiter((t for row in types for t in row), np.int8, int(starts[-1]))
    return Side(flat, starts, kinds)
