"""Graded: the losses of a pair's own grade, whatever network reads the pair."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from steelyard.errors import UsageError
from steelyard.parts.tasks import Task, checked, observed_classes
from steelyard.parts.tasks._pairs import PRODUCT
from steelyard.parts.tasks._texts import render
from steelyard.values.arrays import AnyArray
from steelyard.values.samples import Samples

WAYS = ("classes", "regression")


@dataclass(frozen=True)
class Graded(Task):
    """way ``classes``: cross entropy of the given grade, nats. way ``regression``: squared distance of sigmoid(z) from
    the grade's place on the scale, 0..1. g_i is the gradient of the pair's own loss; no other pair has a part in it.

    query, product: templates of the two texts.
    """

    kind = "relevance"
    columns = ("query", "title", "brand", "category", "description")
    measures = ("ndcg@10", "qwk", "acc")

    way: str = "classes"
    query: str = "{query}"
    product: str = PRODUCT

    def __post_init__(self) -> None:
        if self.way not in WAYS:
            raise UsageError("U150", option="way", value=self.way, known=", ".join(WAYS))

    def outputs(self, samples: Samples) -> int:
        return 1 if self.way == "regression" else len(samples.scale)

    def texts(self, samples: Samples) -> tuple[list[str], list[str] | None]:
        return render(samples, self.query), render(samples, self.product)

    def losses(self, output: Any, batch: dict[str, Any]) -> Any:
        from torch.nn.functional import cross_entropy

        if self.way == "regression":
            return (output[:, 0].sigmoid() - batch["place"].to(output.dtype)).square()
        return cross_entropy(output, batch["soft"] if "soft" in batch else batch["label"], reduction="none")

    def observed(self, output: Any, batch: dict[str, Any], losses: Any) -> dict[str, Any]:
        if self.way == "classes":
            return observed_classes(output, batch["label"])
        away = losses.sqrt()
        return {"margin": 0.5 - away, "confidence": 1 - away, "right": away < 0.5, "el2n": away}

    def predict(self, output: Any, batch: dict[str, Any]) -> Any:
        return output[:, 0].sigmoid() if self.way == "regression" else output.softmax(1)


def targets(samples: Samples) -> dict[str, AnyArray]:
    """Return what a graded loss compares with: label (n,), place (n,) of the grade on the scale, 0..1.

    Raises DataError M203 for a label that the scale does not have.
    """
    label = checked(samples.label, len(samples.scale), samples)
    return {"label": label, "place": samples.scale.positions[np.maximum(label, 0)].astype(np.float32)}
