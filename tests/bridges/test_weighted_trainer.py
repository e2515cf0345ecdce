"""WeightedTrainer: untouched without weights, the written formula with them, and no weight is lost on the way."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="the Hugging Face bridge needs torch")
pytest.importorskip("transformers", reason="the Hugging Face bridge needs transformers")
pytest.importorskip("accelerate", reason="the Hugging Face bridge needs accelerate")

import torch
from rows import apart, arguments, network, rows, same, weights_of
from transformers import Trainer, default_data_collator

from steelyard.bridges.hf import ImportanceCallback, WeightedTrainer
from steelyard.errors import DataError, UsageError
from steelyard.values.weights import Weights, effective_sample_size

W = np.array([0.25, 3.0, 1.0, 0.0, 2.0, 0.5] * 4)


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def plain(folder: Path, model: Any, data: Any, **more: Any) -> dict[str, Any]:
    Trainer(model, arguments(folder, **more), train_dataset=data).train()
    return weights_of(model)


def weighted(folder: Path, model: Any, data: Any, weights: Any, *, how: dict | None = None, **more: Any) -> Any:
    trainer = WeightedTrainer(model, arguments(folder, **more), train_dataset=data, weights=weights, **(how or {}))
    trainer.train()
    return trainer


@pytest.mark.parametrize(("weights", "accumulate"), [(None, 1), (np.ones(24), 3), (np.full(24, 7.0), 1)])
def test_without_weights_it_is_the_plain_trainer_bit_for_bit(tmp_path: Path, weights: Any, accumulate: int) -> None:
    more = {"gradient_accumulation_steps": accumulate}
    before = plain(tmp_path, network(dropout=0.2), rows(), **more)
    trainer = weighted(tmp_path, network(dropout=0.2), rows(), weights, **more)
    assert same(weights_of(trainer.model), before)
    assert trainer.effective_size == 24
    assert "effective_share" not in trainer.state.log_history[0]


def by_hand(model: Any, steps: list[list[dict]], alpha: dict[int, float], rate: float) -> dict[str, Any]:
    """Take plain SGD steps of the mean of alpha_i loss_i over the rows of each step."""
    model.train()
    for step in steps:
        ids = torch.tensor([r["input_ids"] for r in step])
        y = torch.tensor([r["labels"] for r in step])
        a = torch.tensor([alpha[r["number"]] for r in step])
        loss = (torch.nn.functional.cross_entropy(model(input_ids=ids).logits, y, reduction="none") * a).sum() / len(y)
        model.zero_grad()
        loss.backward()
        with torch.no_grad():
            for p in model.parameters():
                if p.grad is not None:
                    p -= rate * p.grad
    return weights_of(model)


class Recorder(WeightedTrainer):
    """Notes which rows a step held."""

    def get_batch_samples(self, *args: Any) -> Any:
        batches, number = super().get_batch_samples(*args)
        self.__dict__.setdefault("steps", []).append([int(r) for b in batches for r in b["steelyard_row"]])
        return batches, number


@pytest.mark.parametrize(("size", "accumulate", "counts"), [(4, 1, True), (4, 3, True), (5, 2, True), (4, 3, False)])
def test_the_step_is_the_mean_of_weighted_gradients(tmp_path: Path, size: int, accumulate: int, counts: bool) -> None:
    """Also where the last parts of a step are shorter, 24 rows in fives; counts: the model takes num_items_in_batch."""
    data, rate = rows(), 0.05
    args = arguments(
        tmp_path, optim="sgd", lr_scheduler_type="constant", learning_rate=rate, max_grad_norm=0.0,
        gradient_accumulation_steps=accumulate, per_device_train_batch_size=size,
    )  # fmt: skip
    model = network()
    model.accepts_loss_kwargs = counts
    trainer = Recorder(model, args, train_dataset=data, weights=W)
    trainer.train()
    numbered = [{**row, "number": i} for i, row in enumerate(data)]
    alpha = dict(enumerate(W / W.mean()))
    expected = by_hand(network(), [[numbered[i] for i in step] for step in trainer.steps], alpha, rate)
    assert sorted(row for step in trainer.steps[: len(trainer.steps) // 2] for row in step) == list(range(24))
    assert apart(weights_of(trainer.model), expected) < 1e-6
    assert apart(weights_of(trainer.model), weights_of(network())) > 1e-3


def test_weight_2_is_the_row_twice(tmp_path: Path) -> None:
    """In one step over all rows; before normalising, mean 1 makes both the same mean."""
    data, more = rows(6), {"per_device_train_batch_size": 8, "optim": "sgd", "max_grad_norm": 0.0}
    once = weighted(tmp_path, network(), data, [2, 1, 1, 3, 0, 1], **more)
    twice = plain(tmp_path, network(), [*data[:4], data[0], data[3], data[3], data[5]], **more)
    assert apart(weights_of(once.model), twice) < 1e-6
    assert apart(twice, plain(tmp_path, network(), data, **more)) > 1e-4


def test_a_column_does_what_the_argument_does(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets", reason="datasets is not installed")
    column = [{**row, "sample_weight": float(w)} for row, w in zip(rows(), W, strict=True)]
    by_argument = weights_of(weighted(tmp_path, network(), rows(), W).model)
    assert same(weights_of(weighted(tmp_path, network(), column, None).model), by_argument)
    table = datasets.Dataset.from_list(column)
    assert same(weights_of(weighted(tmp_path, network(), table, None).model), by_argument)
    table, value = datasets.Dataset.from_list(rows()), Weights(np.arange(24).astype(object), {"weight": W})
    assert same(weights_of(weighted(tmp_path, network(), table, value).model), by_argument)


def test_scale_of_the_weights_does_not_matter(tmp_path: Path) -> None:
    a, b = (weights_of(weighted(tmp_path, network(), rows(), w).model) for w in (W, 1024 * W))
    assert same(a, b)


@pytest.mark.parametrize("accumulate", [1, 3])
def test_tokens_are_weighed_by_their_row(tmp_path: Path, accumulate: int) -> None:
    """Nearly equal weights train as the plain Trainer of a model whose loss is a mean over the step's tokens."""
    data = [
        {"input_ids": r["input_ids"], "labels": [-100 if j > 2 + i % 4 else t for j, t in enumerate(r["input_ids"])]}
        for i, r in enumerate(rows())
    ]
    more = {"gradient_accumulation_steps": accumulate, "optim": "sgd", "max_grad_norm": 0.0}
    before = plain(tmp_path, network("llama"), data, **more)
    nearly = np.ones(24)
    nearly[0] += 1e-7
    assert apart(weights_of(weighted(tmp_path, network("llama"), data, nearly, **more).model), before) < 1e-6
    only = np.zeros(24)
    only[:12] = 1
    assert apart(weights_of(weighted(tmp_path, network("llama"), data, only, **more).model), before) > 1e-4
    weighted(tmp_path, network("gpt2"), data, only, **more)  # would be refused (U166) if its tokens were not shifted


@pytest.mark.parametrize("kind", ["regression", "several", "smoothed", "tokens"])
def test_losses_of_rows_are_those_of_the_model(tmp_path: Path, kind: str) -> None:
    """Nearly equal weights train as the plain Trainer does, for every kind of loss."""
    data, more, labels = rows(), {"optim": "sgd", "max_grad_norm": 0.0}, 3
    if kind == "regression":
        data, labels = [{**r, "labels": float(r["labels"])} for r in data], 1
    if kind == "several":
        data = [{**r, "labels": np.eye(3, dtype=np.float32)[r["labels"]].tolist()} for r in data]
    if kind == "smoothed":
        more["label_smoothing_factor"] = 0.1
    if kind == "tokens":
        data = [{**r, "labels": [t % 3 for t in r["input_ids"]]} for r in data]
    made = lambda: network("tokens" if kind == "tokens" else "bert", num_labels=labels)  # noqa: E731
    before = plain(tmp_path, made(), data, **more)
    nearly = np.ones(24)
    nearly[0] += 1e-7
    assert apart(weights_of(weighted(tmp_path, made(), data, nearly, **more).model), before) < 1e-6
    assert apart(before, weights_of(made())) > 1e-4


def test_the_effective_share_is_logged(tmp_path: Path) -> None:
    trainer = weighted(tmp_path, network(), rows(), W, per_device_train_batch_size=24, num_train_epochs=1)
    share = effective_sample_size(W) / 24
    assert trainer.state.log_history[0]["effective_share"] == pytest.approx(share, rel=1e-6)
    assert trainer.effective_size == pytest.approx(share * 24)


def test_evaluation_is_not_weighted(tmp_path: Path) -> None:
    trainer = WeightedTrainer(network(), arguments(tmp_path), train_dataset=rows(), eval_dataset=rows(12, 5), weights=W)
    other = Trainer(network(), arguments(tmp_path), eval_dataset=rows(12, 5))
    assert trainer.evaluate()["eval_loss"] == other.evaluate()["eval_loss"]
    own = [{**row, "sample_weight": 9.0} for row in rows(12, 5)]
    assert trainer.evaluate(own)["eval_loss"] == other.evaluate()["eval_loss"]
    unlabelled = [{k: v for k, v in row.items() if k != "labels"} for row in own]
    assert np.array_equal(trainer.predict(unlabelled).predictions, other.predict(rows(12, 5)).predictions)


def test_a_weight_that_does_not_arrive_is_an_error_with_its_remedy(tmp_path: Path) -> None:
    class Overriding(WeightedTrainer):
        def get_train_dataloader(self) -> Any:
            return torch.utils.data.DataLoader(rows(), batch_size=4, collate_fn=lambda f: default_data_collator(
                [{k: v for k, v in row.items() if k != "text"} for row in f]))  # fmt: skip

    trainer = Overriding(network(), arguments(tmp_path), train_dataset=rows(), weights=W)
    with pytest.raises(UsageError, match=r"U163.*sample_weight.*input_ids"):
        trainer.train()


def test_a_model_whose_loss_is_another_is_refused(tmp_path: Path) -> None:
    class Doubled(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = network()
            self.config = self.inner.config

        def forward(self, input_ids: Any, labels: Any = None) -> Any:
            out = self.inner(input_ids=input_ids, labels=labels)
            return {"loss": 2 * out.loss, "logits": out.logits}

    trainer = WeightedTrainer(Doubled(), arguments(tmp_path), train_dataset=rows(), weights=W)
    with pytest.raises(UsageError, match="U166"):
        trainer.train()
    own = {
        "row_losses": lambda outputs, y: 2 * torch.nn.functional.cross_entropy(outputs["logits"], y, reduction="none")
    }
    assert len(weighted(tmp_path, Doubled(), rows(), W, how=own).state.log_history) > 2
    with pytest.raises(UsageError, match="U165"):
        weighted(tmp_path, Doubled(), rows(), W, how={"row_losses": lambda outputs, y: outputs["loss"]})


@pytest.mark.parametrize(
    ("weights", "code"),
    [(W[:5], "D180"), (-W, "D185"), (W * np.nan, "D185"), (np.zeros(24), "D185"), (np.r_[W[:23], np.inf], "D185")],
)
def test_weights_that_cannot_be_are_refused(tmp_path: Path, weights: Any, code: str) -> None:
    with pytest.raises(DataError, match=code):
        WeightedTrainer(network(), arguments(tmp_path), train_dataset=rows(), weights=weights)


def test_sets_and_losses_that_cannot_be_weighed_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="U167"):
        WeightedTrainer(network(), arguments(tmp_path, max_steps=2), train_dataset=iter(rows()), weights=W)
    mean = {"compute_loss_func": lambda outputs, labels, num_items_in_batch=None: outputs["loss"]}
    with pytest.raises(UsageError, match="U165"):
        WeightedTrainer(network(), arguments(tmp_path), train_dataset=rows(), weights=W, **mean)


def test_it_is_watched_without_any_preparation(tmp_path: Path) -> None:
    watch, alone = ImportanceCallback(), weights_of(weighted(tmp_path, network(), rows(), W).model)
    trainer = weighted(tmp_path, network(), rows(), W, how={"callbacks": [watch]})
    assert same(weights_of(trainer.model), alone)
    assert (watch.watched.ledger.columns()["visits"] == 2).all()
