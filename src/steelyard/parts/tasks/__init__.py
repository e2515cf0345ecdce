"""Task: what a network learns from samples - which texts it reads, and one loss a sample."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from steelyard.errors import DataError
from steelyard.values.arrays import AnyArray, Ints
from steelyard.values.encoded import Encoded
from steelyard.values.samples import Samples


@dataclass(frozen=True)
class Task:
    """Contract of a task. torch is imported by the methods that get tensors, never before.

    kind: the ``Samples.task`` that it takes. head: ``sequence`` (an output a row), ``token`` (an output a token),
    ``vector`` (a vector a text) or ``cosine`` (an output a pair of texts). unit: ``row``, or ``query`` when the loss
    of a row reads the other rows of its query, which then stay together in every batch. columns: columns it can read;
    measures: what it is judged by.
    max_length: tokens kept of a row, see ``reads``; what is cut is counted (``Encoded.truncated``).
    """

    kind: ClassVar[str]
    head: ClassVar[Literal["sequence", "token", "vector", "cosine"]] = "sequence"
    unit: ClassVar[Literal["row", "query"]] = "row"
    columns: ClassVar[tuple[str, ...]] = ()
    measures: ClassVar[tuple[str, ...]] = ()

    max_length: int = 128

    @property
    def texts_a_sample(self) -> int:
        """Texts that pass through the encoder for one sample, one after the other in the batch."""
        return 1

    def outputs(self, samples: Samples) -> int:
        """Return how many numbers the head gives a row (a token, a text)."""
        return len(samples.scale)

    def texts(self, samples: Samples) -> tuple[list[str], list[str] | None]:
        """Return the texts that are read of every row: the text and None, or query and product."""
        raise NotImplementedError

    def reads(self, tokenizer: Any) -> int:
        """Return how many tokens of a row are kept: ``max_length``, and no more than the network has places for."""
        return min(self.max_length, int(tokenizer.model_max_length))

    def encode(self, samples: Samples, tokenizer: Any) -> Encoded:
        """Return token ids and targets of all samples; over-long text is cut by rule and counted."""
        raise NotImplementedError

    def batch(self, encoded: Encoded, rows: Ints, pad: int) -> dict[str, AnyArray]:
        """Return the arrays of one batch: padded token ids and the targets of ``rows``."""
        return {**encoded.sides[0].padded(rows, pad), **{k: v[rows] for k, v in encoded.target.items()}}

    def output(self, model: Any, batch: dict[str, Any]) -> Any:
        """Return what the model says of a batch, in float32 at least."""
        names = ("input_ids", "attention_mask", "token_type_ids")
        logits = model(**{k: batch[k] for k in names if k in batch}).logits
        return logits if logits.dtype.itemsize > 4 else logits.float()

    def losses(self, output: Any, batch: dict[str, Any]) -> Any:
        """Return (n,) one loss a sample, never reduced; g_i is its gradient."""
        raise NotImplementedError

    def loss(self, model: Any, batch: dict[str, Any]) -> Any:
        """Return (n,) one loss a sample, the same in any batch, padding and order."""
        return self.losses(self.output(model, batch), batch)

    def observed(self, output: Any, batch: dict[str, Any], losses: Any) -> dict[str, Any]:
        """Return what the ledger keeps of a pass, each (n,): margin, confidence, right, el2n.

        Without classes: margin is -loss, confidence exp(-loss), right where that is above 1/2.
        """
        confidence = (-losses).exp()
        return {"margin": -losses, "confidence": confidence, "right": confidence > 0.5, "el2n": 1 - confidence}

    def predict(self, output: Any, batch: dict[str, Any]) -> Any:
        """Return (n, c) probabilities or (n,) relevance, for measuring."""
        raise NotImplementedError


def checked(label: Ints, outputs: int, samples: Samples) -> AnyArray:
    """Return labels as int64. Raises DataError M203 naming rows whose label the head cannot express."""
    outside = np.flatnonzero((label >= outputs) | (label < -1))
    if len(outside):
        keys = ", ".join(str(k) for k in samples.row_key[outside[:5]])
        raise DataError("M203", count=len(outside), outputs=outputs, value=int(label[outside[0]]), keys=keys)
    return label.astype(np.int64)


def observed_classes(output: Any, label: Any) -> dict[str, Any]:
    """Return margin z_y - max z_other, confidence p_y, right, EL2N |p - e_y| of logits (n, c) and labels (n,).

    Source: Pleiss et al. 2020 (AUM, eq. 1); Swayamdipta et al. 2020 (confidence); Paul et al. 2021 (EL2N, eq. 2).
    """
    import torch

    given = label.clamp(min=0)[:, None]
    own = output.gather(1, given)[:, 0]
    other = output.scatter(1, given, float("-inf")).max(1).values
    p = output.softmax(1)
    away = p.scatter_add(1, given, -torch.ones_like(own)[:, None])
    return {
        "margin": own - other,
        "confidence": p.gather(1, given)[:, 0],
        "right": own > other,
        "el2n": away.square().sum(1).sqrt(),
    }
