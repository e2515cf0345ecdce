"""Grade a product for a query by two vectors and their cosine: products can be stored, and a search is a product."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from steelyard.parts.tasks._encoding import encode
from steelyard.parts.tasks._graded import Graded, targets
from steelyard.parts.tasks._texts import render
from steelyard.values.arrays import AnyArray, Ints
from steelyard.values.encoded import Encoded, interleaved
from steelyard.values.samples import Samples


@dataclass(frozen=True)
class RelevanceDual(Graded):
    """The losses of ``Graded``, of logits that are linear in the cosine of query and product.

    Both texts go through the same encoder, one row of the batch each, so that g_i is the sum of what the two leave;
    no other pair has a part in it. ``max_length`` counts for each text. Source: Reimers & Gurevych 2019, §3.
    """

    head = "cosine"

    @property
    def texts_a_sample(self) -> int:
        return 2

    def encode(self, samples: Samples, tokenizer: Any) -> Encoded:
        def texts(template: str) -> Any:
            return lambda start, stop: render(samples, template, start, stop)

        first, cut, lost = encode(tokenizer, len(samples), texts(self.query), None, self.reads(tokenizer))
        second, cut2, lost2 = encode(tokenizer, len(samples), texts(self.product), None, self.reads(tokenizer))
        rows = np.flatnonzero(samples.label >= 0)
        return Encoded((first, second), rows, samples.group, cut | cut2, lost + lost2, targets(samples))

    def batch(self, encoded: Encoded, rows: Ints, pad: int) -> dict[str, AnyArray]:
        """Return 2 n padded texts, each query before its product, and the targets of ``rows`` (n,)."""
        texts = interleaved([(side, rows) for side in encoded.sides], pad)
        return {**texts, **{k: v[rows] for k, v in encoded.target.items()}}
