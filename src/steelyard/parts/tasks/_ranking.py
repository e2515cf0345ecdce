"""What the ranking tasks share: one score a row, whole queries in a batch, long queries dealt into lists."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from steelyard.errors import UsageError
from steelyard.parts.tasks import Task, checked
from steelyard.parts.tasks._pairs import PRODUCT, encode_pairs
from steelyard.parts.tasks._texts import render
from steelyard.values.arrays import AnyArray, Ints
from steelyard.values.encoded import Encoded
from steelyard.values.samples import Samples


@dataclass(frozen=True)
class RankingTask(Task):
    """A score a row; the rows of a query (or of a part of it, ``list_size`` rows at most) stay in one batch.

    query, product: templates of the two texts. seed: of the dealing of long queries.
    """

    kind = "relevance"
    unit = "query"
    columns = ("query", "title", "brand", "category", "description")
    measures = ("ndcg@10",)

    query: str = "{query}"
    product: str = PRODUCT
    list_size: int = 16
    seed: int = 0

    def __post_init__(self) -> None:
        if self.list_size < 2:
            raise UsageError("U150", option="list_size", value=str(self.list_size), known="2, 3, 4 ...")

    def outputs(self, samples: Samples) -> int:
        return 1

    def texts(self, samples: Samples) -> tuple[list[str], list[str] | None]:
        return render(samples, self.query), render(samples, self.product)

    def encode(self, samples: Samples, tokenizer: Any) -> Encoded:
        side, cut, dropped = encode_pairs(samples, tokenizer, self.query, self.product, self.reads(tokenizer))
        label = checked(samples.label, len(samples.scale), samples)
        rows = np.flatnonzero(label >= 0)
        place = samples.scale.positions[np.maximum(label, 0)].astype(np.float32)
        lists = np.full(len(samples), -1, np.int64)
        lists[rows] = dealt(samples.group[rows], self.list_size, self.seed)
        return Encoded((side,), rows, lists, cut, dropped, {"label": label, "place": place, "list": lists})

    def predict(self, output: Any, batch: dict[str, AnyArray]) -> Any:
        return output[:, 0]


def dealt(group: Ints, size: int, seed: int) -> Ints:
    """Return (n,) list of every row: queries of more than ``size`` rows are dealt into lists of nearly equal size."""
    code = np.unique(group, return_inverse=True)[1]
    order = np.lexsort((np.random.default_rng(seed).random(len(group)), code))
    count = np.bincount(code)
    lists = -(-count // size)
    place = np.arange(len(group)) - np.repeat(np.cumsum(count) - count, count)
    first = np.cumsum(lists) - lists
    out = np.empty(len(group), np.int64)
    out[order] = first[code[order]] + place % lists[code[order]]
    return out
