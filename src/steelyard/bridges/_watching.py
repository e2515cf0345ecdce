"""The callback: reads loss, margin, p(given) and correctness of every row off the training's own forward passes."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from transformers import TrainerCallback
from transformers.loss.loss_utils import ForCausalLMLoss

from steelyard.bridges._columns import GIVEN, ROW, KeepColumns, take
from steelyard.bridges._row_losses import logits_of, observed
from steelyard.bridges._watched import Watched
from steelyard.errors import DataError, UsageError
from steelyard.values.arrays import Strings
from steelyard.values.readings import Readings

KEPT = "steelyard-ledger.npz"  # in every checkpoint
REMEDY = "Use train_dataset=with_rows(rows) and data_collator=watch.collator(collator)."


class ImportanceCallback(TrainerCallback):
    """Training dynamics (a data map) of any ``Trainer``, without a further pass.

    It reads the rows' numbers off the forward passes of training; evaluation in between, accumulation, shuffling and
    resuming change nothing. Each batch says which rows it holds by the column that ``with_rows`` adds and ``collator``
    keeps past the Trainer, which drops columns that the model does not take.

    out: folder for ``ledger.parquet`` and ``readings.parquet``, written at the end; None: nothing is written.
    row_key: (n,) stable ids in the order of the training set; by default the row's number.
    """

    def __init__(self, out: str | Path | None = None, row_key: Sequence[str] | None = None) -> None:
        self.out = None if out is None else Path(out)
        self.row_key: Strings | None = None if row_key is None else np.array(row_key, object)
        self.watched: Watched | None = None
        self._collators: list[KeepColumns] = []
        self._hooks: list[Any] = []
        self._ours: dict[str, Any] = {}
        self._epoch, self._shift = 0, False

    @property
    def watches(self) -> bool:
        """Whether a training runs that it watches."""
        return bool(self._hooks)

    def collator(self, inner: Callable[[list[Any]], Any]) -> KeepColumns:
        """Return a collator that keeps the row numbers past ``inner``."""
        self._collators.append(KeepColumns(inner))
        return self._collators[-1]

    def readings(self) -> Readings:
        """Return what was seen so far, by row: aum, confidence, variability, forgetting, suspicion, difficulty ..."""
        if self.watched is None or self.row_key is None:
            raise UsageError("U168")
        return self.watched.readings(self.row_key)

    def on_init_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Let the row numbers through: our collator then drops unused columns in the Trainer's place."""
        if self._collators and args.remove_unused_columns:
            args.remove_unused_columns = False
            takes = [*inspect.signature(kwargs["model"].forward).parameters, "label", "label_ids", "labels"]
            for collator in self._collators:
                collator.takes = [*takes, *(args.label_names or ())]

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Begin to watch, or go on from the checkpoint. Raises UsageError U164, DataError S311."""
        if args.world_size > 1 or args.n_gpu > 1:
            raise UsageError("U164", processes=args.world_size, devices=max(args.n_gpu, 1))
        model, rows = kwargs["model"], len(kwargs["train_dataloader"].dataset)
        if self.row_key is None:
            self.row_key = np.array([str(i) for i in range(rows)], object)
        if len(self.row_key) != rows:
            raise DataError("D186", count=len(self.row_key), rows=rows)
        self.watched = Watched(rows, int(state.num_train_epochs))
        if state.global_step:
            kept = _checkpoint(args, state) / KEPT
            if not kept.is_file():
                raise DataError("S311", step=state.global_step, path=kept)
            self.watched.load(kept)
        self._shift = predicts_next(model)
        self._hooks = [
            model.register_forward_pre_hook(self._before, with_kwargs=True),
            model.register_forward_hook(self._after),
        ]

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._epoch = _epoch(state)

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Keep what was seen beside the checkpoint."""
        folder = _checkpoint(args, state)
        if self.watched is not None and folder.is_dir():
            self.watched.save(folder / KEPT)

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Stop watching and write the two files."""
        for hook in self._hooks:
            hook.remove()
        self._hooks = []
        if self.out is not None and self.watched is not None and self.row_key is not None:
            self.watched.write(self.out, self.row_key)

    def _before(self, model: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple, dict[str, Any]]:
        """Take our columns from what the model is called with; they never reach its forward."""
        labels = kwargs.get("labels")
        kwargs, self._ours = take(kwargs)
        if model.training:
            if ROW not in self._ours:
                raise UsageError("U163", column=ROW, known=", ".join(kwargs), remedy=REMEDY)
            self._ours.setdefault(GIVEN, labels)
        return args, kwargs

    def _after(self, model: Any, _args: tuple[Any, ...], outputs: Any) -> None:
        if not model.training or self.watched is None:
            return
        given = self._ours[GIVEN]
        if given is None:
            raise UsageError("U163", column="labels", known=", ".join(self._ours), remedy=REMEDY)
        seen = observed(logits_of(outputs).detach(), given, self._shift)
        arrays = {name: values.double().cpu().numpy() for name, values in seen.items()}
        self.watched.add(self._ours[ROW].cpu().numpy(), self._epoch, arrays)


def predicts_next(model: Any) -> bool:
    """Say whether the labels are the model's own next tokens: its loss then shifts them by one."""
    inner = model.get_base_model() if hasattr(model, "get_base_model") else model
    decoder_only = not getattr(getattr(inner, "config", None), "is_encoder_decoder", False)
    return decoder_only and getattr(inner, "loss_function", None) is ForCausalLMLoss


def _epoch(state: Any) -> int:
    """Return the epoch that runs; the state counts in fractions of one."""
    return int((state.epoch or 0.0) + 1e-6)


def _checkpoint(args: Any, state: Any) -> Path:
    return Path(args.output_dir) / f"checkpoint-{state.global_step}"
