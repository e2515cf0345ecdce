"""ImportanceCallback: what it notes is what the training's passes showed, whatever else the Trainer does."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="the Hugging Face bridge needs torch")
pytest.importorskip("transformers", reason="the Hugging Face bridge needs transformers")
pytest.importorskip("accelerate", reason="the Hugging Face bridge needs accelerate")

import torch
from rows import arguments, network, rows, same, weights_of
from transformers import Trainer, TrainerCallback, default_data_collator

from steelyard.bridges._row_losses import observed
from steelyard.bridges.hf import ImportanceCallback, WeightedTrainer, with_rows
from steelyard.errors import DataError, UsageError
from steelyard.values.readings import Readings
from steelyard.values.signals import Signals


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def watched(
    folder: Path, data: Any = None, model: Any = None, *, out: Any = None, how: Any = None, resume: bool = False,
    more_callbacks: tuple = (), **more: Any,
) -> tuple[ImportanceCallback, Any]:  # fmt: skip
    watch, data = ImportanceCallback(out), data or rows()
    trainer = Trainer(
        model or network(), arguments(folder, **more), train_dataset=with_rows(data),
        data_collator=watch.collator(default_data_collator), callbacks=[watch, *more_callbacks], **(how or {}),
    )  # fmt: skip
    trainer.train(resume_from_checkpoint=resume)
    return watch, trainer


def equal(a: ImportanceCallback, b: ImportanceCallback) -> bool:
    keys = a.row_key
    x, y = (w.watched.signals(keys) for w in (a, b))
    return all(np.array_equal(x[name], y[name], equal_nan=True) for name in {*x, *y})


def test_watching_changes_nothing(tmp_path: Path) -> None:
    alone = Trainer(network(dropout=0.2), arguments(tmp_path), train_dataset=rows())
    alone.train()
    _, trainer = watched(tmp_path, model=network(dropout=0.2))
    assert same(weights_of(trainer.model), weights_of(alone.model))
    assert trainer.state.log_history[0]["loss"] == alone.state.log_history[0]["loss"]


def test_it_notes_what_the_model_said(tmp_path: Path) -> None:
    """With a learning rate of 0 every visit shows the same model: all numbers are those of one pass by hand."""
    data = rows()
    watch, _ = watched(tmp_path, data, learning_rate=0.0)
    with torch.no_grad():
        logits = network()(input_ids=torch.tensor([r["input_ids"] for r in data])).logits.double().numpy()
    y, n = np.array([r["labels"] for r in data]), np.arange(24)
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    others = np.where(np.eye(3)[y] > 0, -np.inf, logits).max(1)
    signals, readings = watch.watched.signals(watch.row_key), watch.readings()
    assert (signals["visits"] == 2).all()
    for name, expected in {
        "aum": logits[n, y] - others,
        "confidence": p[n, y],
        "variability": np.zeros(24),
        "suspicion": 1 - p[n, y],
        "loss": -np.log(p[n, y]),
        "forgetting": np.zeros(24),
        "never_learned": p.argmax(1) != y,
        "difficulty": np.linalg.norm(p - np.eye(3)[y], axis=1) / 2**0.5,
    }.items():
        assert np.allclose(readings[name], expected, atol=1e-3 if name == "variability" else 1e-6), name
    assert np.allclose(signals["loss_by_epoch"], -np.log(p[n, y])[:, None], atol=1e-6)
    assert np.allclose(signals["margin_by_epoch"], (logits[n, y] - others)[:, None], atol=1e-5)
    assert np.array_equal(signals["learned"], np.stack([p.argmax(1) == y] * 2, 1))


@pytest.mark.parametrize("more", [
    {"gradient_accumulation_steps": 3},
    {"per_device_train_batch_size": 24},
    {"dataloader_drop_last": True, "per_device_train_batch_size": 5, "learning_rate": 0.0},
    {"max_steps": 9},
    {"label_smoothing_factor": 0.2},
    {"activation_checkpointing": True},
])  # fmt: skip
def test_every_row_is_noted_once_an_epoch(tmp_path: Path, more: dict) -> None:
    watch, trainer = watched(tmp_path, **more)
    visits = watch.watched.ledger.columns()["visits"]
    seen = trainer.state.global_step * more.get("gradient_accumulation_steps", 1) * trainer.args.train_batch_size
    assert visits.sum() == seen
    assert visits.max() == 2
    assert np.isfinite(watch.watched.epochs["loss"]).sum() == seen


def test_evaluation_in_between_changes_nothing(tmp_path: Path) -> None:
    alone, _ = watched(tmp_path)
    own = [{**row, "steelyard_row": 3} for row in rows(8, 9)]
    for data in (rows(8, 9), own):
        both, trainer = watched(tmp_path, eval_strategy="steps", eval_steps=2, how={"eval_dataset": data})
        assert equal(both, alone)
        assert len([log for log in trainer.state.log_history if "eval_loss" in log]) == 6


def test_the_order_of_the_rows_does_not_matter_to_who_is_who(tmp_path: Path) -> None:
    """Two orders of shuffling, one frozen model: the same numbers for the same rows."""
    a, b = (watched(tmp_path, learning_rate=0.0, seed=s)[0].readings() for s in (1, 2))
    assert np.allclose(a["aum"], b["aum"], atol=1e-6)
    assert np.std(a["aum"]) > 0.1


class StopAt(TrainerCallback):
    def __init__(self, step: int) -> None:
        self.step = step

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        control.should_training_stop = state.global_step == self.step


@pytest.mark.parametrize("step", [4, 6])
def test_resumed_is_uninterrupted(tmp_path: Path, step: int) -> None:
    """In the middle of an epoch, and at its end."""
    more = {"save_strategy": "steps", "save_steps": 2, "num_train_epochs": 3}
    whole, trainer = watched(tmp_path / "whole", model=network(dropout=0.2), **more)
    watched(tmp_path / "cut", model=network(dropout=0.2), more_callbacks=(StopAt(step),), **more)
    cut, again = watched(tmp_path / "cut", model=network(dropout=0.2), resume=True, **more)
    assert same(weights_of(again.model), weights_of(trainer.model))
    assert equal(cut, whole)


def test_resuming_from_a_checkpoint_that_was_not_watched_is_refused(tmp_path: Path) -> None:
    more = {"save_strategy": "steps", "save_steps": 2}
    Trainer(network(), arguments(tmp_path, max_steps=2, **more), train_dataset=rows()).train()
    with pytest.raises(DataError, match="S311"):
        watched(tmp_path, resume=True, **more)


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    watch, _ = watched(tmp_path, out=tmp_path / "runs" / "watched")
    ledger, readings = Signals.read(watch.out / "ledger.parquet"), Readings.read(watch.out / "readings.parquet")
    assert ledger.row_key.tolist() == [str(i) for i in range(24)]
    assert ledger["trajectory"].shape == (24, 2)
    for name, values in watch.readings().items():
        assert np.array_equal(readings[name], values, equal_nan=True), name


def test_a_datasets_table_is_watched_too(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets", reason="datasets is not installed")
    table, _ = watched(tmp_path, datasets.Dataset.from_list(rows()))
    assert equal(table, watched(tmp_path)[0])


def test_planted_errors_are_more_suspicious_than_chance(tmp_path: Path) -> None:
    """24 of 240 labels are wrong: the share of pairs (wrong, right) in the right order, before they are memorised."""
    watch, _ = watched(tmp_path, rows(240, wrong=24), num_train_epochs=3, per_device_train_batch_size=8)
    for name, sign in (("suspicion", 1), ("aum", -1)):
        value = sign * watch.readings()[name]
        assert (value[:24, None] > value[None, 24:]).mean() > 0.9, name


def test_tokens_are_means_over_a_row() -> None:
    torch.manual_seed(0)
    logits, labels = torch.randn(3, 5, 4), torch.randint(0, 4, (3, 5))
    labels[0, 2:], labels[2] = -100, -100
    seen = observed(logits, labels)
    one = observed(logits[0, :2], labels[0, :2])
    for name in ("loss", "margin", "confidence", "el2n"):
        assert seen[name][0].item() == pytest.approx(one[name].mean().item(), rel=1e-5)
    assert seen["right"][0].item() == float(one["right"].all())
    assert all(torch.isnan(values[2]) for values in seen.values())
    shifted = observed(logits, labels, shift=True)
    assert shifted["loss"][1].item() == pytest.approx(
        observed(logits[1, :-1], labels[1, 1:])["loss"].mean().item(), rel=1e-5
    )


def test_a_row_that_comes_twice_in_a_batch_counts_twice() -> None:
    from steelyard.bridges._watched import Watched

    watch = Watched(3, 1)
    names = ("loss", "margin", "confidence", "right", "el2n")
    watch.add(np.array([1, 0, 1]), 0, {name: np.array([0.5, 0.25, 1.0]) for name in names})
    assert watch.ledger.columns()["visits"].tolist() == [1, 2, 0]
    assert watch.ledger.columns()["aum"].tolist()[:2] == [0.25, 0.75]


def test_row_numbers_that_do_not_arrive_are_an_error_with_its_remedy(tmp_path: Path) -> None:
    for data, collator in ((rows(), True), (with_rows(rows()), False)):
        watch = ImportanceCallback()
        how = {"data_collator": watch.collator(default_data_collator)} if collator else {}
        trainer = Trainer(network(), arguments(tmp_path), train_dataset=data, callbacks=[watch], **how)
        with pytest.raises(UsageError, match=r"U163.*with_rows"):
            trainer.train()


def test_refusals(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="U168"):
        ImportanceCallback().readings()
    with pytest.raises(UsageError, match="U167"):
        with_rows(iter(rows()))
    numbers = [{**r, "labels": float(r["labels"])} for r in rows()]
    with pytest.raises(UsageError, match="U165"):
        watched(tmp_path, numbers, network(num_labels=1))
    watch = ImportanceCallback(row_key=["a", "b"])
    with pytest.raises(DataError, match="D186"):
        WeightedTrainer(network(), arguments(tmp_path), train_dataset=rows(), callbacks=[watch]).train()
