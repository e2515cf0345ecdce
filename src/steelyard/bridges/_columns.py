"""Columns that must reach a training step: added to a data set, kept by a collator, taken from the batch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from steelyard.errors import UsageError
from steelyard.values.arrays import AnyArray

ROW, WEIGHT, GIVEN = "steelyard_row", "sample_weight", "steelyard_given"
OURS = (ROW, WEIGHT, GIVEN)


class WithColumns(torch.utils.data.Dataset):
    """Any data set of dicts, with more columns. columns: name -> (n,) values."""

    def __init__(self, dataset: Any, columns: Mapping[str, AnyArray]) -> None:
        self.dataset, self.columns = dataset, columns

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, row: int) -> dict[str, Any]:
        return {**self.dataset[row], **{name: values[row].item() for name, values in self.columns.items()}}


def with_columns(dataset: Any, **columns: AnyArray) -> Any:
    """Return the data set with these columns; a ``datasets.Dataset`` stays one. Raises UsageError U167."""
    if not (hasattr(dataset, "__len__") and hasattr(dataset, "__getitem__")):
        raise UsageError("U167", type=type(dataset).__name__)
    if not hasattr(dataset, "add_column"):
        return WithColumns(dataset, columns)
    for name, values in columns.items():
        if name in dataset.column_names:
            dataset = dataset.remove_columns(name)
        dataset = dataset.add_column(name, values)
    return dataset


def with_rows(dataset: Any) -> Any:
    """Return the data set with the number of each row, so that a batch says which rows it holds."""
    if not hasattr(dataset, "__len__"):
        raise UsageError("U167", type=type(dataset).__name__)
    return with_columns(dataset, **{ROW: np.arange(len(dataset))})


def column_of(dataset: Any, name: str) -> AnyArray | None:
    """Return (n,) a column of the data set, or None where it has none; a set without columns is read through."""
    names = getattr(dataset, "column_names", None)
    if names is not None:
        return np.asarray(dataset[name][:]) if name in names else None
    if not len(dataset) or not isinstance(dataset[0], Mapping) or name not in dataset[0]:
        return None
    return np.array([dataset[row][name] for row in range(len(dataset))])


class KeepColumns:
    """A collator around another: our columns pass by it untouched, and it sees what the model's forward takes.

    takes: names of columns the inner collator sees; None: all. The Trainer drops the others by itself unless
    ``remove_unused_columns`` is off, and then this does.
    """

    def __init__(self, inner: Callable[[list[Any]], Any], takes: Sequence[str] | None = None) -> None:
        self.inner, self.takes = inner, takes

    def __call__(self, features: list[Any]) -> Any:
        if not features or not isinstance(features[0], Mapping):
            return self.inner(features)
        kept = {name: torch.tensor([f[name] for f in features]) for name in OURS if all(name in f for f in features)}
        batch = self.inner([{k: v for k, v in f.items() if self._passes(k)} for f in features])
        if ROW in kept and "labels" in batch:
            kept[GIVEN] = batch["labels"]  # a Trainer that smooths labels takes them away before the model runs
        batch.update(kept)
        return batch

    def _passes(self, name: str) -> bool:
        return name not in OURS and (self.takes is None or name in self.takes)


def take(inputs: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return (what the model takes, our columns) of a batch."""
    ours = {name: inputs[name] for name in OURS if name in inputs}
    return {name: value for name, value in inputs.items() if name not in OURS}, ours
