"""Texts with nearly the same set of tokens, found by prefix filtering: exact, and never quadratic in the table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from steelyard.features.hashing import SLICE, Distinct, mixed, text_hash
from steelyard.features.normal import tokens
from steelyard.values.arrays import AnyArray, Ints

#: Likeness from which two token sets are near-identical: intersection over union >= 9/10, in whole numbers.
LIKE, OF = 9, 10
#: Sets below this size cannot be alike without being equal.
SMALLEST = 9
#: A text is compared with at most this many others that share a query and a rare token (sorted by the sketch, so
#: that likely twins stand near). Groups up to this size are compared in full; beyond it a twin can be missed.
WINDOW = 256
#: Tokens expanded at once while verifying.
BUDGET = 4_000_000


@dataclass(frozen=True)
class Shapes:
    """What is known of d texts without keeping their tokens.

    size: (d,) distinct tokens. same: (d,) uint64, hash of the token set. digits: (d,) uint64, hash of the tokens
    that hold a digit. sketch: (d,) uint64, each token flips one bit, so that the bits in which two sketches
    differ never outnumber the tokens in which two sets differ.
    """

    size: Ints
    same: AnyArray
    digits: AnyArray
    sketch: AnyArray


def shapes_of(texts: Distinct) -> Shapes:
    """Return the shapes of d distinct texts; one pass in Python, about 10 µs a title."""
    count = len(texts.values)
    size = np.zeros(count, np.int64)
    same, digits, sketch = (np.zeros(count, np.uint64) for _ in range(3))
    bit_of: dict[str, int] = {}
    row = 0
    for part in texts.slices():
        for text in part:
            found = sorted(set(tokens(text)))
            bits = 0
            for token in found:
                bit = bit_of.get(token)
                if bit is None:
                    bit = bit_of[token] = 1 << (text_hash(token) & 63)
                bits ^= bit
            size[row], sketch[row] = len(found), bits
            same[row] = text_hash("\x1f".join(found))
            digits[row] = text_hash("\x1f".join(t for t in found if any(map(str.isdigit, t))))
            row += 1
        if len(bit_of) > 4_000_000:
            bit_of.clear()
    return Shapes(size, same, digits, sketch)


def joined(query: AnyArray, text: Ints, texts: Distinct, shapes: Shapes) -> AnyArray:
    """Return (n,) uint64: rows of one query whose texts are near-identical share a number.

    query: (n,) uint64. text: (n,) positions in ``texts``, none empty. The number is the least token-set hash of
    the likeness component, so it depends on content only.
    """
    same = shapes.same[text]
    block = mixed(query, shapes.digits[text])
    order = np.lexsort((same, block))
    fresh = _changes(block[order], same[order])
    first = order[np.flatnonzero(fresh)]  # one row for each distinct (block, token set)
    item = np.empty(len(text), np.int64)
    item[order] = np.cumsum(fresh) - 1
    owner = _components(block[first], text[first], texts, shapes)
    least = np.full(len(first), np.iinfo(np.uint64).max, np.uint64)
    np.minimum.at(least, owner, same[first])
    return least[owner][item] if len(first) else same


def _components(block: AnyArray, text: Ints, texts: Distinct, shapes: Shapes) -> Ints:
    """Return (m,) component of each item; only items with company in their block are looked at."""
    several = np.zeros(len(block), bool)
    if len(block) > 1:
        next_to = block[1:] == block[:-1]
        several[1:] |= next_to
        several[:-1] |= next_to
    active = np.flatnonzero(several & (shapes.size[text] >= SMALLEST))
    if len(active) < 2:
        return np.arange(len(block))
    used, at = np.unique(text[active], return_inverse=True)
    start, token = _token_table(texts, used)
    pairs = [active[pair] for pair in _alike(block[active], at, start, token, shapes.sketch[used], shapes.same[used])]
    links = np.concatenate(pairs) if pairs else np.zeros((0, 2), np.int64)
    graph = coo_matrix((np.ones(len(links), np.int8), (links[:, 0], links[:, 1])), (len(block), len(block)))
    return connected_components(graph, directed=False)[1]


def _token_table(texts: Distinct, used: Ints) -> tuple[Ints, Ints]:
    """Return (start (u + 1,), token): the tokens of each used text as ranks, rarest first.

    Ties of frequency are broken by the token's hash, so that the order depends on content only.
    """
    number: dict[str, int] = {}
    sizes, found = [], []
    for begin in range(0, len(used), SLICE):
        part = texts.values.take(used[begin : begin + SLICE]).to_pylist()
        sets = [set(tokens(text)) for text in part]
        sizes.append(np.fromiter(map(len, sets), np.int64, len(sets)))
        ids = (number.setdefault(t, len(number)) for t in chain.from_iterable(sets))
        found.append(np.fromiter(ids, np.int32, int(sizes[-1].sum())))
    start = np.concatenate([[0], np.cumsum(np.concatenate(sizes))])
    token = np.concatenate(found)
    hashes = np.fromiter(map(text_hash, number), np.uint64, len(number))
    rank = np.empty(len(number), np.int64)
    rank[np.lexsort((hashes, np.bincount(token, minlength=len(number))))] = np.arange(len(number))
    owner = np.repeat(np.arange(len(used)), np.diff(start))
    key = owner * len(number) + rank[token]
    key.sort()
    return start, key - owner * len(number)


def _alike(block: AnyArray, at: Ints, start: Ints, token: Ints, sketch: AnyArray, same: AnyArray) -> Iterator[Ints]:
    """Yield (k, 2) pairs of items whose token sets are alike.

    Two sets that are alike share a token among the first ``size - ceil(0.9 size) + 1`` of each.
    Source: Chaudhuri, Ganti and Kaushik 2006; Bayardo, Ma and Srikant 2007 (prefix filtering), length filter too.
    """
    size = np.diff(start)[at]
    prefix = size - (LIKE * size + OF - 1) // OF + 1
    item = np.repeat(np.arange(len(at)), prefix)
    place = np.arange(len(item)) - np.repeat(np.cumsum(prefix) - prefix, prefix) + np.repeat(start[at], prefix)
    bucket = mixed(block[item], token[place])
    order = np.lexsort((same[at[item]], sketch[at[item]], size[item], bucket))
    bucket, item = bucket[order], item[order]
    left = np.flatnonzero(bucket[1:] == bucket[:-1]) if len(item) else np.zeros(0, np.int64)
    for shift in range(1, WINDOW + 1):
        left = left[left + shift < len(item)]
        left = left[bucket[left] == bucket[left + shift]]
        if not len(left):
            return
        a, b = item[left], item[left + shift]
        total = size[a] + size[b]
        # J >= 9/10  <=>  19 * |difference| <= |a| + |b|; sizes and sketches bound the difference from below
        differ = np.maximum(np.abs(size[a] - size[b]), np.bitwise_count(sketch[at[a]] ^ sketch[at[b]]))
        maybe = (LIKE + OF) * differ.astype(np.int64) <= (OF - LIKE) * total
        if maybe.any():
            pair = np.unique(np.stack([a[maybe], b[maybe]], axis=1), axis=0)
            yield pair[_verified(at[pair], start, token)]


def _verified(pair: Ints, start: Ints, token: Ints) -> AnyArray:
    """Return (k,) bool: do the token sets of each pair of texts really reach the likeness."""
    size = np.diff(start)
    total = size[pair[:, 0]] + size[pair[:, 1]]
    good = np.zeros(len(pair), bool)
    width = int(token.max()) + 1
    for rows in np.split(np.arange(len(pair)), np.flatnonzero(np.diff(np.cumsum(total) // BUDGET)) + 1):
        key = [np.repeat(np.arange(len(rows)), size[t]) * width + token[_spans(start, t)] for t in pair[rows].T]
        every = np.sort(np.concatenate(key), kind="stable")
        shared = np.bincount(every[1:][every[1:] == every[:-1]] // width, minlength=len(rows))
        good[rows] = (LIKE + OF) * shared >= LIKE * total[rows]
    return good


def _spans(start: Ints, text: Ints) -> Ints:
    """Return the positions of all tokens of the texts, one text after the other."""
    size = start[text + 1] - start[text]
    return np.arange(int(size.sum())) - np.repeat(np.cumsum(size) - size - start[text], size)


def _changes(*columns: AnyArray) -> AnyArray:
    """Return (n,) bool: True at each row that differs from the one before it (and at the first)."""
    fresh = np.ones(len(columns[0]), bool)
    if len(fresh):
        fresh[1:] = np.logical_or.reduce([c[1:] != c[:-1] for c in columns])
    return fresh
