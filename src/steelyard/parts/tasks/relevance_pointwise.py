"""Grade a product for a query, pair by pair: classes by cross entropy, or the grade's place by regression."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from steelyard.parts.tasks._graded import Graded, targets
from steelyard.parts.tasks._pairs import encode_pairs
from steelyard.values.encoded import Encoded
from steelyard.values.samples import Samples


@dataclass(frozen=True)
class RelevancePointwise(Graded):
    """Query and product pass through the network as one sequence (a cross-encoder)."""

    def encode(self, samples: Samples, tokenizer: Any) -> Encoded:
        side, cut, dropped = encode_pairs(samples, tokenizer, self.query, self.product, self.reads(tokenizer))
        rows = np.flatnonzero(samples.label >= 0)
        return Encoded((side,), rows, samples.group, cut, dropped, targets(samples))
