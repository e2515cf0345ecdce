"""Give a text one of the table's classes: cross entropy, a loss a text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from steelyard.parts.tasks import Task, checked, observed_classes
from steelyard.parts.tasks._encoding import encode
from steelyard.parts.tasks._texts import render
from steelyard.values.encoded import Encoded
from steelyard.values.samples import Samples


@dataclass(frozen=True)
class Classification(Task):
    """Softmax cross entropy of the given class, nats. first: template of the text."""

    kind = "classification"
    columns = ("text",)
    measures = ("acc", "macro_f1", "log_loss")

    first: str = "{text}"

    def texts(self, samples: Samples) -> tuple[list[str], list[str] | None]:
        return render(samples, self.first), None

    def encode(self, samples: Samples, tokenizer: Any) -> Encoded:
        def text(start: int, stop: int) -> list[str]:
            return render(samples, self.first, start, stop)

        side, cut, dropped = encode(tokenizer, len(samples), text, None, self.reads(tokenizer))
        label = checked(samples.label, self.outputs(samples), samples)
        return Encoded((side,), np.flatnonzero(label >= 0), samples.group, cut, dropped, {"label": label})

    def losses(self, output: Any, batch: dict[str, Any]) -> Any:
        from torch.nn.functional import cross_entropy

        target = batch["soft"] if "soft" in batch else batch["label"]
        return cross_entropy(output, target, reduction="none")

    def observed(self, output: Any, batch: dict[str, Any], losses: Any) -> dict[str, Any]:
        return observed_classes(output, batch["label"])

    def predict(self, output: Any, batch: dict[str, Any]) -> Any:
        return output.softmax(1)
