"""Find products by vectors: a dual encoder that tells each relevant product from its own explicit negatives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from steelyard.parts.tasks import Task, checked
from steelyard.parts.tasks._encoding import encode
from steelyard.parts.tasks._pairs import PRODUCT
from steelyard.parts.tasks._texts import render
from steelyard.values.arrays import AnyArray, Ints
from steelyard.values.encoded import Encoded, interleaved
from steelyard.values.samples import Samples


@dataclass(frozen=True)
class Retrieval(Task):
    """Loss of a relevant pair: -ln softmax over it and its ``negatives`` of cosine / temperature, nats.

    Negatives are explicit: products with a lower grade for the same query and in the same split (train, valid, test),
    drawn by ``seed`` once; so no label of a test row teaches. In-batch negatives would make a row's gradient depend on
    its batch mates, so there are none. Rows without a lower-graded product and rows of the lowest grade have no loss of
    their own. Source: Karpukhin et al. 2020, DPR, eq. 2.
    """

    kind = "relevance"
    head = "vector"
    columns = ("query", "title", "brand", "category", "description")
    measures = ("ndcg@10", "recall@10")

    query: str = "{query}"
    product: str = PRODUCT
    negatives: int = 3
    temperature: float = 0.05
    seed: int = 0

    def outputs(self, samples: Samples) -> int:
        return 0

    def texts(self, samples: Samples) -> tuple[list[str], list[str] | None]:
        return render(samples, self.query), render(samples, self.product)

    def encode(self, samples: Samples, tokenizer: Any) -> Encoded:
        def texts(template: str) -> Any:
            return lambda start, stop: render(samples, template, start, stop)

        first, cut, lost = encode(tokenizer, len(samples), texts(self.query), None, self.reads(tokenizer))
        second, cut2, lost2 = encode(tokenizer, len(samples), texts(self.product), None, self.reads(tokenizer))
        label = checked(samples.label, len(samples.scale), samples)
        split = np.unique(samples.split.astype(str), return_inverse=True)[1]
        apart = (samples.group.max(initial=0) + 1) * split + samples.group
        against = drawn(apart, label, self.negatives, self.seed)
        rows = np.flatnonzero(against[:, 0] >= 0)
        return Encoded((first, second), rows, samples.group, cut | cut2, lost + lost2, {"against": against})

    @property
    def texts_a_sample(self) -> int:
        return 2 + self.negatives

    def batch(self, encoded: Encoded, rows: Ints, pad: int) -> dict[str, AnyArray]:
        """Return for each of n rows its query, its product and the negatives, n * (2 + negatives) padded texts."""
        against = encoded.target["against"][rows]
        query, product = encoded.sides
        shown = [(query, rows), (product, rows), *((product, np.maximum(a, 0)) for a in against.T)]
        absent = np.concatenate([np.zeros((len(rows), 1), bool), against < 0], 1)
        return {**interleaved(shown, pad), "absent": absent}

    def output(self, model: Any, batch: dict[str, Any]) -> Any:
        """Return (n, 1 + negatives) cosines."""
        vectors = super().output(model, batch).unflatten(0, (-1, self.texts_a_sample))
        return (vectors[:, :1] * vectors[:, 1:]).sum(2)

    def losses(self, output: Any, batch: dict[str, Any]) -> Any:
        logits = (output / self.temperature).masked_fill(batch["absent"], float("-inf"))
        return -logits.log_softmax(1)[:, 0]

    def predict(self, output: Any, batch: dict[str, Any]) -> Any:
        """Return (n,) cosine of query and product."""
        return output[:, 0]


def drawn(group: Ints, label: Ints, count: int, seed: int) -> Ints:
    """Return (n, count) rows of the same group with a lower grade, -1 where there are no more; all -1 without any.

    Each set of ``count`` lower rows is as likely as any other. Costs n log n and n count^2, however large a group is.
    """
    rng = np.random.default_rng(seed)
    known = np.flatnonzero(label >= 0)
    order = known[np.lexsort((label[known], group[known]))]
    of, grade = group[order], label[order]
    first = np.searchsorted(of, of, "left")
    alike = np.flatnonzero((np.diff(of, prepend=-1) != 0) | (np.diff(grade, prepend=-1) != 0))
    lower = np.repeat(alike, np.diff(np.append(alike, len(order)))) - first  # rows of the group below this grade
    out = np.full((len(group), count), -1, np.int64)
    place = _distinct(rng, lower, count)
    out[order] = np.where(place >= 0, order[np.maximum(first[:, None] + place, 0)], -1)
    return out


def _distinct(rng: np.random.Generator, below: Ints, count: int) -> Ints:
    """Return (n, count) distinct numbers 0 <= x < below (n,), -1 where fewer are left. Source: Floyd (Bentley 1987)."""
    out = np.full((len(below), count), -1, np.int64)
    size = np.minimum(below, count)
    for k in range(count):
        top = below - size + k  # the last number that this draw may hit
        x = rng.integers(0, np.maximum(top, 0) + 1)
        x = np.where((out[:, :k] == x[:, None]).any(1), top, x)
        out[:, k] = np.where(k < size, x, -1)
    return out
