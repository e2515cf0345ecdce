"""A transformer that reads a history and an item as one sequence, step by step; the engine's learner underneath."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from steelyard import parts
from steelyard.values.arrays import Floats, Ints
from steelyard.values.recipe import Recipe
from steelyard.values.samples import Origin, Samples
from steelyard.values.scale import Scale

_GRADES = Scale(("no", "yes"), True)
#: ListNet's softmax of grades 0 and 1: so low a temperature that all of the target is on the item taken.
_COLD = 0.05
#: Pairs that are tokenised at once.
_BLOCK = 8192


class Reader:
    """model: a Transformer part. texts: of the items, (m,). negatives: items that a row shows beside its own.

    Rows are taken in pools (``take``), then looked at and moved by in parts of a pool.
    """

    def __init__(
        self, model: Any, recipe: Recipe, texts: tuple[str, ...], negatives: int, max_length: int, steps: int
    ) -> None:
        self.texts, self.shown = np.array(texts, dtype=object), 1 + negatives
        self.task = parts.make(
            "tasks",
            "relevance_listwise",
            temperature=_COLD,
            list_size=max(2, self.shown),
            max_length=max_length,
        )
        self.tokenizer = model.tokenizer()
        empty = self._encoded(np.full((1, 1), -1), np.zeros(1, np.int64), np.zeros(1, np.int64))
        self.learner = model.learner(self.task, empty, 1, recipe, steps)
        self.length = np.zeros(0, np.int64)

    def take(self, history: Ints, items: Ints) -> None:
        """Read a pool: ``items`` (b, 1 + negatives), the one taken first, after ``history`` (b, t), -1 for none.

        length: (b,) tokens of the longest pair of each row.
        """
        b = len(items)
        group = np.repeat(np.arange(b), self.shown)
        self.learner.encoded = self._encoded(history[group], items.ravel(), group)
        self.length = self.learner.encoded.length.reshape(b, self.shown).max(axis=1)

    def look(self, places: Ints) -> Floats:
        """Return (b,) losses of rows of the pool, nats: -log softmax of the item taken among those shown."""
        rows = (places[:, None] * self.shown + np.arange(self.shown)).ravel()
        shares = self.learner.look(rows, ("loss",))["loss"]
        return shares.reshape(-1, self.shown).mean(axis=1).astype(np.float32)

    def move(self, alpha: Floats, rate: float) -> None:
        """Take the step of the rows looked at: theta <- theta - rate * mean(alpha_i g_i), by AdamW."""
        self.learner.move(np.repeat(alpha, self.shown), rate)

    def relevance(self, history: Ints, items: Ints) -> Floats:
        """Return (n,) float32 what the network says of each item (n,) after its history (n, t)."""
        out = np.empty(len(items), np.float32)
        for start in range(0, len(items), _BLOCK):
            part = slice(start, start + _BLOCK)
            self.learner.encoded = self._encoded(history[part], items[part], np.arange(len(items[part])))
            out[part] = self.learner.predict(np.arange(len(items[part])))
        return out

    def _encoded(self, history: Ints, items: Ints, group: Ints) -> Any:
        """Return the pairs as token ids; newest first, so that what is too long loses the oldest."""
        said = ["; ".join(t for t in self.texts[own[own >= 0]] if t) for own in history[:, ::-1]]
        label = np.zeros(len(items), np.int32)
        label[np.unique(group, return_index=True)[1]] = 1
        keys = np.arange(len(items)).astype(str)
        table = pa.table({"row_key": keys, "query": said, "title": list(self.texts[items])})
        samples = Samples(table, "relevance", _GRADES, label, group, Origin((), "", "pairs"))
        return self.task.encode(samples, self.tokenizer)
