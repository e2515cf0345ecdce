"""Tag the tokens of a text (BIO, BIOES or a type a token): cross entropy, a loss a sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from steelyard.errors import DataError
from steelyard.parts.tasks import Task, observed_classes
from steelyard.parts.tasks._encoding import ROWS_AT_ONCE, side
from steelyard.parts.tasks._entities import OUTSIDE, report
from steelyard.values.arrays import AnyArray, Ints
from steelyard.values.encoded import Encoded
from steelyard.values.samples import Samples

NONE = -100  # no tag is asked here: special token, later piece of a word, padding


@dataclass(frozen=True)
class Tagging(Task):
    """The loss of a sentence is the mean cross entropy of its own tagged tokens, nats; g_i is its gradient.

    The first piece of a token carries its tag. Tokens that give no piece (blanks) or lie behind the cut have none:
    they are counted in ``Encoded.dropped`` and are said to be outside.
    """

    kind = "tagging"
    head = "token"
    columns = ("tokens", "tags")
    measures = ("entity_f1",)

    def texts(self, samples: Samples) -> tuple[list[str], list[str] | None]:
        return [" ".join(words) for words in _lists(samples, "tokens", 0, len(samples))], None

    def encode(self, samples: Samples, tokenizer: Any) -> Encoded:
        """Return pieces, and per sentence (n, w) at which piece token j begins (-1: nowhere) and its tag's code.

        Raises DataError M203 for a tag that the scale does not know.
        """
        code = {name: i for i, name in enumerate(samples.scale.names)}
        most = self.reads(tokenizer)
        ids: list[list[int]] = []
        types: list[list[int]] = []
        places: list[list[int]] = []
        for start in range(0, len(samples), ROWS_AT_ONCE):
            words = _lists(samples, "tokens", start, start + ROWS_AT_ONCE)
            found = tokenizer(
                words,
                is_split_into_words=True,
                truncation=True,
                max_length=most,
                return_attention_mask=False,
            )
            ids += found["input_ids"]
            types += found.get("token_type_ids", [])
            places += [_first_pieces(found.word_ids(i), len(row)) for i, row in enumerate(words)]
        tags = _lists(samples, "tags", 0, len(samples)) if samples.has("tags") else [[] for _ in places]
        tag = _codes(tags, code, samples)
        width = max((len(p) for p in places), default=0)
        place = np.array([p + [-1] * (width - len(p)) for p in places], np.int64).reshape(len(places), width)
        target = np.array([t + [NONE] * (width - len(t)) for t in tag], np.int64).reshape(len(places), width)
        target[place < 0] = NONE
        lost = np.array([sum(p < 0 for p in row) for row in places], np.int64)
        cut = np.array([bool(p) and p[-1] < 0 and len(i) >= most for p, i in zip(places, ids, strict=True)])
        rows = np.flatnonzero((target != NONE).any(1))
        return Encoded((side(ids, types or None),), rows, samples.group, cut, lost, {"place": place, "tag": target})

    def batch(self, encoded: Encoded, rows: Ints, pad: int) -> dict[str, AnyArray]:
        """Return token ids and, moved to the pieces that carry them, the tags: ``label`` (b, t), NONE elsewhere."""
        out = encoded.sides[0].padded(rows, pad)
        label = np.full(out["input_ids"].shape, NONE, np.int64)
        place, tag = encoded.target["place"][rows], encoded.target["tag"][rows]
        asked = (place >= 0) & (tag != NONE)
        label[np.nonzero(asked)[0], place[asked]] = tag[asked]
        return {**out, "label": label}

    def losses(self, output: Any, batch: dict[str, Any]) -> Any:
        from torch.nn.functional import cross_entropy

        label = batch["label"]
        each = cross_entropy(output.transpose(1, 2), label, reduction="none", ignore_index=NONE)
        return each.sum(1) / (label != NONE).sum(1).clamp(min=1)

    def observed(self, output: Any, batch: dict[str, Any], losses: Any) -> dict[str, Any]:
        """Return the token facts of a sentence's weakest token: the one with the least margin."""
        label = batch["label"]
        n, t, c = output.shape
        token = observed_classes(output.reshape(n * t, c), label.reshape(n * t).clamp(min=0))
        margin = token["margin"].reshape(n, t).masked_fill(label == NONE, float("inf"))
        weakest = margin.argmin(1, keepdim=True)
        return {name: value.reshape(n, t).gather(1, weakest)[:, 0] for name, value in token.items()}

    def predict(self, output: Any, batch: dict[str, Any]) -> Any:
        """Return (n, t, c) probabilities of the pieces."""
        return output.softmax(2)


def read_tags(encoded: Encoded, rows: Ints, said: Sequence[AnyArray], names: Sequence[str]) -> list[list[str]]:
    """Return the predicted tag of every token of ``rows``; ``said`` holds (t, c) probabilities of each row's pieces."""
    out = []
    for row, p in zip(rows, said, strict=True):
        place = encoded.target["place"][row]
        best = p.argmax(1)
        out.append([names[best[i]] if i >= 0 else OUTSIDE for i in place])
    return out


def judged(samples: Samples, rows: Ints, said: list[list[str]]) -> dict[str, dict[str, float]]:
    """Return the classification report of predicted tags (longer rows are cut to the sentence); see ``_entities``."""
    given = [_lists(samples, "tags", int(r), int(r) + 1)[0] for r in rows]
    return report(given, [s[: len(g)] for g, s in zip(given, said, strict=True)])


def _lists(samples: Samples, name: str, start: int, stop: int) -> list[list[str]]:
    return [[str(v) for v in row or []] for row in samples.table[name].slice(start, stop - start).to_pylist()]


def _first_pieces(words: list[int | None], count: int) -> list[int]:
    """Return at which piece each of ``count`` words begins, -1 for a word without pieces."""
    first = [-1] * count
    for piece, word in enumerate(words):
        if word is not None and first[word] < 0:
            first[word] = piece
    return first


def _codes(tags: list[list[str]], code: dict[str, int], samples: Samples) -> list[list[int]]:
    unknown = [(row, tag) for row, sentence in enumerate(tags) for tag in sentence if tag not in code]
    if unknown:
        keys = ", ".join(str(samples.row_key[row]) for row, _ in unknown[:5])
        raise DataError("M203", count=len(unknown), outputs=len(code), value=unknown[0][1], keys=keys)
    return [[code[tag] for tag in sentence] for sentence in tags]
