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
from steelyard.values.encoded import Encoded, Side
from steelyard.values.samples import Samples


@dataclass(frozen=True)
class Retrieval(Task):
    """Loss of a relevant pair: -ln softmax over it and its ``negatives`` of cosine / temperature, nats.

    Negatives are explicit: products with a lower grade for the same query, drawn by ``seed`` once. In-batch negatives
    would make a row's gradient depend on its batch mates, so there are none. Rows without a lower-graded product and
    rows of the lowest grade have no loss of their own. Source: Karpukhin et al. 2020, DPR, eq. 2.
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

        first, cut, lost = encode(tokenizer, len(samples), texts(self.query), None, self.max_length)
        second, cut2, lost2 = encode(tokenizer, len(samples), texts(self.product), None, self.max_length)
        label = checked(samples.label, len(samples.scale), samples)
        against = drawn(samples.group, label, self.negatives, self.seed)
        rows = np.flatnonzero(against[:, 0] >= 0)
        return Encoded((first, second), rows, samples.group, cut | cut2, lost + lost2, {"against": against})

    def batch(self, encoded: Encoded, rows: Ints, pad: int) -> dict[str, AnyArray]:
        """Return padded queries and, n x (1 + negatives) rows, their product and its negatives."""
        against = encoded.target["against"][rows]
        products = np.concatenate([rows[:, None], np.maximum(against, 0)], 1)
        queries, shown = (_named(s, r, pad, p) for s, r, p in self._asked(encoded.sides, rows, products))
        return {**queries, **shown, "absent": np.concatenate([np.zeros((len(rows), 1), bool), against < 0], 1)}

    def _asked(self, sides: tuple[Side, ...], rows: Ints, products: Ints) -> Any:
        return (sides[0], rows, "query_"), (sides[1], products.ravel(), "product_")

    def output(self, model: Any, batch: dict[str, Any]) -> Any:
        """Return (n, 1 + negatives) cosines."""
        query, product = (
            super(Retrieval, self).output(model, {k[len(p) :]: v for k, v in batch.items() if k.startswith(p)})
            for p in ("query_", "product_")
        )
        return (query[:, None, :] * product.reshape(len(query), -1, query.shape[1])).sum(2)

    def losses(self, output: Any, batch: dict[str, Any]) -> Any:
        logits = (output / self.temperature).masked_fill(batch["absent"], float("-inf"))
        return -logits.log_softmax(1)[:, 0]

    def predict(self, output: Any, batch: dict[str, Any]) -> Any:
        """Return (n,) cosine of query and product."""
        return output[:, 0]


def _named(side: Side, rows: Ints, pad: int, prefix: str) -> dict[str, AnyArray]:
    return {prefix + name: value for name, value in side.padded(rows, pad).items()}


def drawn(group: Ints, label: Ints, count: int, seed: int) -> Ints:
    """Return (n, count) rows of the same query with a lower grade, -1 where there are no more; all -1 without any."""
    rng = np.random.default_rng(seed)
    out = np.full((len(group), count), -1, np.int64)
    order = np.argsort(group, kind="stable")
    bounds = np.flatnonzero(np.diff(group[order])) + 1
    for members in np.split(order, bounds):
        members = members[label[members] >= 0]
        for row in members:
            lower = members[label[members] < label[row]]
            if len(lower):
                picked = rng.permutation(lower)[:count]
                out[row, : len(picked)] = picked
    return out
