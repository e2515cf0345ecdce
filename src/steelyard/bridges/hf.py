"""Hugging Face: a callback that watches every row of a ``Trainer``, and a ``Trainer`` that weighs every row.

watch = ImportanceCallback("runs/watched")
Trainer(..., train_dataset=with_rows(rows), data_collator=watch.collator(collator), callbacks=[watch]).train()
WeightedTrainer(..., train_dataset=rows, weights=weights).train()
"""

from __future__ import annotations

from steelyard.errors import EnvironmentProblem

try:
    import accelerate  # noqa: F401
    import torch  # noqa: F401
    import transformers  # noqa: F401
except ImportError as e:
    raise EnvironmentProblem("E214", package=e.name) from e

from steelyard.bridges._columns import KeepColumns, with_rows
from steelyard.bridges._watching import ImportanceCallback
from steelyard.bridges._weighting import WeightedTrainer

__all__ = ["ImportanceCallback", "KeepColumns", "WeightedTrainer", "with_rows"]
