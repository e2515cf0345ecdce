"""Tokens as arrays: words, n-grams, numbers and model codes of many texts at once, hashed, without a loop.

The texts of a chunk become one array of code points; every stream of tokens is arithmetic on that array. Chinese
needs no special case: each CJK character is a token of its own, and two of them make the ``cjk2`` stream.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from steelyard.values.arrays import AnyArray, Floats, Ints, Mask

SEP, LETTER, DIGIT, CJK = 0, 1, 2, 3
NEWLINE, POINT, SMALL_S = 10, 46, 115
GOLDEN = np.uint64(0x9E3779B97F4A7C15)

#: A stream: (k,) index of the text, (k,) 64-bit hash of the token; texts in rising order.
Stream = tuple[Ints, AnyArray]


@dataclass(frozen=True)
class Tokens:
    """Token streams of m texts. chars (m,) lengths; first, last (m,) hash of the first and last word, 0 if none."""

    n: int
    streams: dict[str, Stream]
    chars: Floats
    first: AnyArray
    last: AnyArray


@cache
def _classes() -> AnyArray:
    """Return the class of every code point below 0x30000: separator, letter, digit or CJK character."""
    table = np.zeros(0x30000, np.uint8)
    for code in (*range(0x3100), *range(0xAC00, 0xD7B0), *range(0xFF00, 0xFFF0)):
        char = chr(code)
        table[code] = DIGIT if char.isdecimal() else LETTER if char.isalpha() else SEP
    for start, stop in ((0x3040, 0x3100), (0x3400, 0xA000), (0xF900, 0xFB00), (0x20000, 0x30000)):
        table[start:stop] = CJK
    table[0x3100:0x3130] = table[0xA000:0xA4D0] = LETTER
    return table


def mix(x: AnyArray) -> AnyArray:
    """Return 64-bit hashes of 64-bit numbers (the splitmix64 finaliser, Steele et al. 2014)."""
    x = x.astype(np.uint64, copy=True)
    x ^= x >> np.uint64(30)
    x *= np.uint64(0xBF58476D1CE4E5B9)
    x ^= x >> np.uint64(27)
    x *= np.uint64(0x94D049BB133111EB)
    x ^= x >> np.uint64(31)
    return x


def ngrams(hashes: AnyArray, of: Ints, n: int) -> tuple[Ints, AnyArray, Mask]:
    """Return the n-grams of a token sequence that stay inside one text, and which positions start them."""
    m = max(len(hashes) - n + 1, 0)
    out = np.zeros(m, np.uint64)
    for j in range(n):
        out = out * GOLDEN + hashes[j : j + m]
    keep = of[:m] == of[n - 1 : n - 1 + m]
    return of[:m][keep], mix(out[keep]), keep


@dataclass(frozen=True)
class _Characters:
    """The characters of all texts on one line: code point, class and text of each."""

    codes: AnyArray
    cls: AnyArray
    doc: Ints
    space: Mask

    def runs(self, start: Mask, inside: Mask) -> tuple[Ints, AnyArray, Ints, Ints]:
        """Return text, hash, first position and length of every run; a plural s at a run's end hashes as nothing."""
        idx = np.flatnonzero(inside)
        heads = np.flatnonzero(start[idx])
        if not len(heads):
            none = np.zeros(0, np.int64)
            return none, none.astype(np.uint64), none, none
        run = np.cumsum(start[idx]) - 1
        place = (np.arange(len(idx)) - heads[run]).astype(np.uint64)
        codes, cls = self.codes[idx], self.cls[idx]
        value = mix(codes.astype(np.uint64) * GOLDEN + (place + np.uint64(1)) * np.uint64(0xD1B54A32D192ED03))
        length = np.diff(np.append(heads, len(idx)))
        end = heads + length - 1
        before = np.maximum(end - 1, 0)
        plural = (codes[end] == SMALL_S) & (length > 3) & (codes[before] != SMALL_S) & (cls[before] == LETTER)
        value[end[plural]] = 0
        return self.doc[idx][heads], mix(np.add.reduceat(value, heads)), idx[heads], length


def _characters(texts: Sequence[str]) -> _Characters:
    joined = "\n".join(t.replace("\n", " ") for t in texts) + "\n"
    codes = np.frombuffer(joined.encode("utf-32-le", "replace"), np.uint32)
    newline = codes == NEWLINE
    cls = _classes()[np.minimum(codes, 0x2FFFF)].copy()
    decimal = np.flatnonzero((codes[1:-1] == POINT) & (cls[:-2] == DIGIT) & (cls[2:] == DIGIT)) + 1
    cls[decimal] = DIGIT
    space = (codes == 32) | newline | (codes == 9) | (codes == 0x3000)
    return _Characters(codes, cls, (np.cumsum(newline) - newline).astype(np.int64), space)


def _word_streams(c: _Characters, streams: dict[str, Stream]) -> None:
    """Words change where the class changes (``x710`` is ``x``, ``710``); numbers keep the word behind them as unit."""
    before = np.concatenate([[SEP], c.cls[:-1]])
    of, hashes, pos, _ = c.runs((c.cls != SEP) & ((c.cls != before) | (c.cls == CJK)), c.cls != SEP)
    number = c.cls[pos] == DIGIT
    streams["word"] = (of, hashes)
    for k in (2, 3, 4):
        streams[f"word{k}"] = ngrams(hashes, of, k)[:2]
    streams["number"] = (of[number], hashes[number])
    unit = np.flatnonzero(number[:-1] & ~number[1:] & (of[:-1] == of[1:]))
    streams["unit"] = (of[unit], mix(hashes[unit] * np.uint64(31) + hashes[np.minimum(unit + 1, len(hashes) - 1)]))


def _chunk_streams(c: _Characters, streams: dict[str, Stream]) -> None:
    """Chunks lie between white space (``HT-X710`` is ``htx710``); codes are chunks with digits and letters."""
    idx = np.flatnonzero(c.cls != SEP)
    cls, doc = c.cls[idx], c.doc[idx]
    start = np.zeros(len(c.codes), bool)
    blank = np.cumsum(c.space)[idx]
    start[idx] = np.concatenate([[True], blank[1:] != blank[:-1]])[: len(idx)] | (cls == CJK)
    of, hashes, _, length = c.runs(start, c.cls != SEP)
    run = np.cumsum(start[idx]) - 1
    digits = np.bincount(run, cls == DIGIT, minlength=len(of))
    letters = np.bincount(run, cls == LETTER, minlength=len(of))
    code = ((digits > 0) & (letters > 0) & (length >= 4)) | (digits >= 5)
    streams["chunk"] = (of, hashes)
    streams["code"] = (of[code], hashes[code])
    chars = c.codes[idx].astype(np.uint64)
    _, pairs, inside = ngrams(chars, doc, 2)
    both = ((cls[:-1] == CJK) & (cls[1:] == CJK))[inside]
    streams["cjk2"] = (doc[: len(inside)][inside][both], pairs[both])
    seen = np.concatenate([[0], np.cumsum(cls == DIGIT)])
    for k in (3, 4):
        of, hashes, inside = ngrams(chars, doc, k)
        m = len(inside)
        same_run = (run[:m] == run[k - 1 : k - 1 + m])[inside]
        keep = same_run | (cls[:m] == CJK)[inside]
        streams[f"char{k}"] = (of[keep], hashes[keep])
        if k == 4:
            has_digit = ((seen[k : k + m] - seen[:m]) > 0)[inside]
            in_code = code[run[:m]][inside] if len(code) else np.zeros(0, bool)
            streams["codegram"] = (of[same_run & has_digit & in_code], hashes[same_run & has_digit & in_code])
            streams["squash"] = (of[has_digit], hashes[has_digit])


def tokenise(texts: Sequence[str]) -> Tokens:
    """Return all token streams of ``texts`` (m lower-case strings, normalised by the caller).

    Streams: word, word2..word4 (n-grams), number, unit (number with the next word), chunk, code, char3, char4
    (inside chunks), cjk2, codegram (4-grams with a digit inside codes), squash (the same over the text without
    spaces, so that ``ht x710`` meets ``htx710``).
    """
    n = len(texts)
    chars = _characters(texts)
    streams: dict[str, Stream] = {}
    _word_streams(chars, streams)
    _chunk_streams(chars, streams)
    of, hashes = streams["word"]
    first = np.zeros(n, np.uint64)
    last = np.zeros(n, np.uint64)
    last[of] = hashes
    first[of[::-1]] = hashes[::-1]
    lengths = (np.bincount(chars.doc, minlength=n)[:n] - 1).astype(np.float32)
    return Tokens(n, streams, lengths, first, last)
