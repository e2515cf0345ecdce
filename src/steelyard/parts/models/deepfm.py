"""DeepFM: a factorisation machine and a network over the same vectors of the fields; needs torch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np

from steelyard.errors import EnvironmentProblem
from steelyard.parts.models import ByEpochs
from steelyard.parts.models._classes import asked, log_prior
from steelyard.values.arrays import Floats, Ints
from steelyard.values.fields import Fields, of_numbers


@dataclass
class Fitted:
    """network: of ``_deepfm``. columns: (w,) codes that training saw, rising."""

    network: Any
    columns: Ints

    def predict(self, encoded: Fields | Floats) -> Floats:
        """Return (n, c) probabilities."""
        import torch

        rows = encoded if isinstance(encoded, Fields) else of_numbers(encoded)
        out = []
        with torch.inference_mode():
            for start in range(0, len(rows), 4096):
                logits = self.network(*shown(rows, slice(start, start + 4096), self.columns))
                out.append(torch.softmax(logits, 1).numpy())
        return np.concatenate(out) if out else np.zeros((0, self.network.classes), np.float32)


@dataclass(frozen=True)
class DeepFm(ByEpochs):
    """Reads ``Fields`` (hashed categories) or dense features; trained by Adam, few epochs: more learn rows by heart.

    size: numbers of a field's vector. layers: widths. reg: Adam's weight decay on weights and vectors.
    Raises EnvironmentProblem E242 when torch is not installed.
    """

    size: int = 8
    layers: tuple[int, ...] = (64, 32)
    epochs: int = 3
    batch_size: int = 256
    learning_rate: float = 2e-3
    reg: float = 1e-5

    def ready(self) -> None:
        """Raise EnvironmentProblem E242 when torch is not installed."""
        if find_spec("torch") is None:
            raise EnvironmentProblem("E242", part="deepfm")

    def epochs_of(
        self,
        encoded: Fields | Floats,
        label: Ints,
        classes: int,
        sample_weight: Floats | None = None,
        target: Floats | None = None,
        seed: int = 0,
    ) -> Iterator[Fitted]:
        self.ready()
        import torch

        from steelyard.parts.models._deepfm import DeepFmNetwork

        weight, target = asked(label, classes, sample_weight, target)
        rows = encoded if isinstance(encoded, Fields) else of_numbers(encoded)
        kept = np.flatnonzero(weight > 0)
        columns = np.unique(rows.code[kept])
        prior = torch.from_numpy(log_prior(target, weight))
        network = DeepFmNetwork(len(columns), rows.code.shape[1], classes, self.size, self.layers, prior, seed)
        optimizer = torch.optim.Adam(network.parameters(), lr=self.learning_rate, weight_decay=self.reg)
        rng = np.random.default_rng(seed)
        wanted, alpha = torch.from_numpy(target), torch.from_numpy(weight.astype(np.float32))
        for _ in range(self.epochs):
            order = rng.permutation(kept)
            for start in range(0, len(order), self.batch_size):
                batch = order[start : start + self.batch_size]
                log_p = torch.log_softmax(network(*shown(rows, batch, columns)), 1)
                optimizer.zero_grad()
                (-(wanted[batch] * log_p).sum(1) * alpha[batch]).mean().backward()
                optimizer.step()
            yield Fitted(network, columns)


def shown(rows: Fields, of: Any, columns: Ints) -> tuple[Any, Any]:
    """Return tensors (b, f) of places among the known columns, len(columns) for an unknown one, and of values."""
    import torch

    code = rows.code[of]
    place = np.minimum(np.searchsorted(columns, code), len(columns) - 1)
    place = np.where(columns[place] == code, place, len(columns))
    return torch.from_numpy(place), torch.from_numpy(np.ascontiguousarray(rows.value[of], np.float32))
