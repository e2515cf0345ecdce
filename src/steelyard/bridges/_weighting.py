"""The weighted Trainer: theta <- theta - rate * mean(alpha_i g_i), through the loss that the Trainer differentiates."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from transformers import Trainer

from steelyard.bridges._columns import GIVEN, ROW, WEIGHT, KeepColumns, column_of, take, with_columns
from steelyard.bridges._row_losses import items, logits_of, row_losses
from steelyard.bridges._watching import ImportanceCallback, predicts_next
from steelyard.bridges.sample_weight import per_row
from steelyard.errors import UsageError
from steelyard.values.arrays import AnyArray, Floats
from steelyard.values.weights import effective_sample_size

RowLosses = Callable[[Any, torch.Tensor], torch.Tensor]
REMEDY = "Do not override get_train_dataloader or the collator behind WeightedTrainer's back."


class WeightedTrainer(Trainer):
    """A ``Trainer`` whose loss is mean(alpha_i loss_i) over the rows of a step, whatever the accumulation.

    weights: (n,) in the order of the training set, or a Weights; None: the training set's column ``sample_weight``, and
        without one the plain Trainer, bit for bit, as with weights that are all equal. They are brought to mean 1 over
        the run. row_losses: (outputs, labels) -> (n,) losses, for models whose loss is none of: cross-entropy of rows
        or tokens (with label smoothing), squared error, several labels at once.

    The mean is over all rows (or, for tokens, all labelled tokens) of the accumulated step. The weight of every row is
    checked to reach the loss: the Trainer drops columns that a model does not take without a word.
    Raises DataError D180 or D185 for weights that cannot be, UsageError U163 to U167.
    """

    train_dataset: Any
    data_collator: Any

    def __init__(self, *args: Any, weights: Any = None, row_losses: RowLosses | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.row_losses = row_losses
        self.alpha: Floats | None = None
        self._checked, self._items, self._seen = False, 0, [np.zeros(0)]
        if self.train_dataset is None:
            return
        if self.args.world_size > 1 or self.args.n_gpu > 1:
            raise UsageError("U164", processes=self.args.world_size, devices=max(self.args.n_gpu, 1))
        if not hasattr(self.train_dataset, "__len__"):
            raise UsageError("U167", type=type(self.train_dataset).__name__)
        rows = len(self.train_dataset)
        weights = column_of(self.train_dataset, WEIGHT) if weights is None else weights
        own: dict[str, AnyArray] = {ROW: np.arange(rows)}
        if weights is not None:
            alpha = per_row(weights, rows)
            self.alpha = None if np.all(alpha == alpha[:1]) else alpha
            own[WEIGHT] = alpha
        if self.alpha is not None and self.compute_loss_func is not None and row_losses is None:
            raise UsageError("U165", reason="compute_loss_func gives one number a batch")
        self.train_dataset = with_columns(self.train_dataset, **own)
        if not isinstance(self.data_collator, KeepColumns):
            self.data_collator = KeepColumns(self.data_collator)
        if self.alpha is not None:
            self.loss_is_scaled_for_ga = True  # our mean is over the whole step already

    @property
    def effective_size(self) -> float:
        """How many equally weighted rows the weighted rows are worth; all of them without weights."""
        return float(len(self.train_dataset)) if self.alpha is None else effective_sample_size(self.alpha)

    def compute_loss(
        self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """Return sum_i alpha_i loss_i over this batch's rows, divided by the items of the whole step."""
        plain, ours = take(inputs)
        passed = {**plain, **self._for_the_callback(ours)}
        if not model.training or self.alpha is None:
            return super().compute_loss(model, passed, return_outputs, num_items_in_batch)
        if WEIGHT not in ours:
            raise UsageError("U163", column=WEIGHT, known=", ".join(plain), remedy=REMEDY)
        if "labels" not in plain:
            raise UsageError("U165", reason=f"the batch has no labels, only {', '.join(plain)}")
        outputs = model(**passed)
        labels, alpha = plain["labels"], ours[WEIGHT]
        losses, count = self._row_losses(model, outputs, labels)
        if not self._checked:
            self._check(outputs, losses, count)
        self._seen.append(alpha.cpu().numpy())
        loss = (losses * alpha.to(losses)).sum() / max(self._items, 1)
        return (loss, outputs) if return_outputs else loss

    def get_batch_samples(self, epoch_iterator: Any, num_batches: int, device: Any) -> Any:
        """Count what the mean of the coming step is over, before its first part."""
        batches, number = super().get_batch_samples(epoch_iterator, num_batches, device)
        labels = [batch["labels"] for batch in batches if "labels" in batch]
        own = self.row_losses is not None
        self._items = sum(len(y) if own else items(y, predicts_next(self.model)) for y in labels)
        return batches, number

    def prediction_step(self, model: Any, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        return super().prediction_step(model, take(inputs)[0], *args, **kwargs)

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Log, beside the loss, the effective share of the rows since the last time: 1 = all alike."""
        seen, rows = np.concatenate(self._seen), sum(map(len, self._seen))
        if "loss" in logs and rows:
            logs["effective_share"] = effective_sample_size(seen) / rows
            self._seen = [np.zeros(0)]
        super().log(logs, start_time)

    def _set_signature_columns_if_needed(self) -> None:
        super()._set_signature_columns_if_needed()
        self._signature_columns += [name for name in (ROW, WEIGHT) if name not in self._signature_columns]

    def _for_the_callback(self, ours: dict[str, Any]) -> dict[str, Any]:
        """Return what an ImportanceCallback takes back out before the model sees it; nothing where none watches."""
        watching = any(isinstance(c, ImportanceCallback) and c.watches for c in self.callback_handler.callbacks)
        return {name: ours[name] for name in (ROW, GIVEN) if name in ours} if watching else {}

    def _row_losses(self, model: Any, outputs: Any, labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        if self.row_losses is not None:
            losses = self.row_losses(outputs, labels)
            if losses.shape != (len(labels),):
                raise UsageError("U165", reason=f"row_losses gave {tuple(losses.shape)} for {len(labels)} rows")
            return losses, torch.ones_like(losses)
        smoothing = self.args.label_smoothing_factor if self.label_smoother is not None else 0.0
        return row_losses(logits_of(outputs), labels, shift=predicts_next(model), smoothing=smoothing)

    def _check(self, outputs: Any, losses: torch.Tensor, count: torch.Tensor) -> None:
        """Compare with the model's own loss, once: the mean of the rows' losses must be what it would have trained."""
        self._checked = True
        own = outputs.get("loss") if hasattr(outputs, "get") else None
        if own is None or self.row_losses is not None or self.label_smoother is not None:
            return
        mean, said = (losses.sum() / count.sum()).item(), own.item()
        if abs(said - mean) > 1e-2 * max(abs(mean), 1e-3):
            raise UsageError("U166", own=said, mean=mean)
