"""The loop against training written by hand, and everything that must not change a result."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny import RECIPE, Setup, apart, pairs, same, texts

from steelyard import parts
from steelyard.acts.checkpointing import Keeper
from steelyard.acts.finetuning import Reference
from steelyard.errors import DataError
from steelyard.values.recipe import Recipe


def classification() -> object:
    return parts.make("tasks", "classification", max_length=16)


def by_hand(s: Setup, weight: np.ndarray | None = None) -> dict:
    """Train as anybody would write it: no watching, no weighing, no parts."""
    module = s.part.network(s.task.head, s.task.outputs(s.samples), s.recipe.seed, len(s.batches)).train()
    matrices = [p for p in module.parameters() if p.ndim > 1]
    vectors = [p for p in module.parameters() if p.ndim <= 1]
    decay = [{"params": matrices, "weight_decay": 0.01}, {"params": vectors, "weight_decay": 0.0}]
    optimiser = torch.optim.AdamW(decay, lr=s.recipe.learning_rate)
    for number, rows in enumerate(s.batches.steps):
        batch = {k: torch.from_numpy(v) for k, v in s.task.batch(s.encoded, rows, 0).items()}
        losses = s.task.loss(module, batch)
        if weight is not None:
            losses = losses * torch.from_numpy(weight[rows]).float()
        losses.mean().backward()
        torch.nn.utils.clip_grad_norm_(module.parameters(), 1.0)
        for group in optimiser.param_groups:
            group["lr"] = s.recipe.rate(number, len(s.batches))
        optimiser.step()
        optimiser.zero_grad()
    return {n: p.detach() for n, p in module.named_parameters()}


def test_uniform_is_untouched_training_bit_for_bit(bert: str) -> None:
    s = Setup(bert, texts(), classification())
    s.run("uniform")
    assert same(s.weights(), by_hand(s))


def test_weighting_the_step_is_weighting_the_loss(bert: str) -> None:
    s = Setup(bert, texts(), classification())
    weight = np.random.default_rng(0).uniform(0.1, 2.0, 48)
    s.run(fixed=weight)
    assert same(s.weights(), by_hand(s, weight))
    assert not same(s.weights(), by_hand(s))


@pytest.mark.parametrize("needs", [(), ("norm",)], ids=["bare", "watched"])
def test_a_weight_of_one_for_every_row_is_untouched_training_bit_for_bit(bert: str, needs: tuple[str, ...]) -> None:
    plain, ones = (Setup(bert, texts(), classification()) for _ in range(2))
    plain.run("uniform")
    for number, rows in enumerate(ones.batches.steps):
        ones.learner.look(rows, needs)
        ones.learner.move(np.ones(len(rows)), RECIPE.rate(number, len(ones.batches)))
    assert same(plain.weights(), ones.weights())


@pytest.mark.parametrize("micro", [1, 3])
def test_accumulation_does_not_matter(bert: str, micro: int) -> None:
    whole, parted = (
        Setup(bert, texts(), classification(), replace(RECIPE, micro_batch=m), double=True) for m in (None, micro)
    )
    whole.run(), parted.run()
    assert apart(whole.weights(), parted.weights()) < 1e-9
    for name in ("aum", "confidence", "loss_ema"):
        np.testing.assert_allclose(whole.ledger.columns()[name], parted.ledger.columns()[name], rtol=1e-8)


@pytest.mark.parametrize("task", ["relevance_pairwise", "relevance_listwise", "relevance_pointwise", "retrieval"])
def test_accumulation_does_not_matter_for_any_task(bert: str, task: str) -> None:
    made = parts.make("tasks", task)
    recipe = replace(RECIPE, epochs=1, learning_rate=1e-4)
    whole, parted = (Setup(bert, pairs(), made, replace(recipe, micro_batch=m), double=True) for m in (None, 6))
    whole.run(), parted.run()
    assert apart(whole.weights(), parted.weights()) < 1e-9
    assert apart(whole.weights(), Setup(bert, pairs(), made, recipe, double=True).weights()) > 1e-4


def test_memory_that_runs_out_halves_the_parts_and_changes_nothing_else(bert: str, monkeypatch) -> None:
    whole, short = (Setup(bert, texts(), classification(), double=True) for _ in range(2))
    whole.run()
    real = type(short.learner)._output

    def tight(self, rows, part):
        if len(rows) > 4:
            raise torch.OutOfMemoryError("not enough memory")
        return real(self, rows, part)

    monkeypatch.setattr(type(short.learner), "_output", tight)
    steps = short.run()
    assert steps[-1].halved == 1
    assert short.learner.micro == 4
    assert apart(whole.weights(), short.weights()) < 1e-9


@pytest.mark.parametrize(
    ("alpha", "transfers"), [("uniform", 1), ("r_ce", 2), ("alignment", 2), ("grad_norm_proportional", 2)]
)
def test_a_step_brings_its_numbers_over_together(bert: str, monkeypatch, alpha: str, transfers: int) -> None:
    s = Setup(bert, texts(), classification())
    count, real = [0], torch.Tensor.cpu

    def counted(self, *how):
        count[0] += 1
        return real(self, *how)

    monkeypatch.setattr(torch.Tensor, "cpu", counted)
    steps = s.run(alpha, reference=Reference(np.arange(8), 8, 8))
    assert count[0] == transfers * len(steps)


def test_memory_that_runs_out_when_weights_are_fixed_keeps_what_was_seen(bert: str, monkeypatch) -> None:
    """Rows of weight 0 do not pass again in smaller parts; what the first pass showed of them stays."""
    weight = np.tile([0.0, 1.0], 24)
    whole, short = (Setup(bert, texts(), classification(), double=True) for _ in range(2))
    whole.run(fixed=weight, stop_after=1)
    real = torch.Tensor.backward

    def backward(self, *how, **more):
        if short.learner.micro > 4:
            raise torch.OutOfMemoryError("not enough memory")
        return real(self, *how, **more)

    monkeypatch.setattr(torch.Tensor, "backward", backward)
    short.run(fixed=weight, stop_after=1)
    assert short.learner.halved == 1
    assert apart(whole.weights(), short.weights()) < 1e-9
    assert (short.ledger.columns()["visits"][short.batches.steps[0]] == 1).all()
    np.testing.assert_allclose(whole.ledger.columns()["aum"], short.ledger.columns()["aum"], rtol=1e-9)


def test_memory_that_never_suffices_is_an_error_with_a_code(bert: str, monkeypatch) -> None:
    s = Setup(bert, texts(), classification())
    monkeypatch.setattr(type(s.learner), "_output", lambda *_: (_ for _ in ()).throw(MemoryError()))
    with pytest.raises(Exception, match="E224"):
        s.run()


@pytest.mark.parametrize("killed_after", [1, 5, 6, 9])
def test_resume_is_uninterrupted_bit_for_bit(bert: str, folder: Path, killed_after: int) -> None:
    def setup() -> Setup:
        return Setup(bert, texts(), classification(), dropout=0.1)

    def judge_of(s: Setup):
        return lambda: float(-np.nanmean(s.ledger.columns()["loss_ema"]))

    whole = setup()
    whole.run(judge=judge_of(whole))
    killed = setup()
    killed.run(judge=judge_of(killed), keeper=Keeper(folder, every=2), stop_after=killed_after)
    again = setup()
    steps = again.run(judge=judge_of(again), keeper=Keeper(folder, every=2))
    assert steps[0].step == {1: 0, 5: 4, 6: 6, 9: 8}[killed_after]
    assert same(whole.weights(), again.weights())
    for name, column in whole.ledger.columns().items():
        np.testing.assert_array_equal(column, again.ledger.columns()[name])


def test_another_recipe_does_not_resume(bert: str, folder: Path) -> None:
    Setup(bert, texts(), classification()).run(keeper=Keeper(folder, 2, {"seed": 1}), stop_after=5)
    assert Setup(bert, texts(), classification()).run(keeper=Keeper(folder, 2, {"seed": 2}))[0].step == 0


def test_a_loss_that_is_no_number_names_the_rows_and_keeps_the_last_checkpoint(bert: str, folder: Path) -> None:
    s = Setup(bert, texts(), classification())
    bad = s.batches.steps[4][2]
    real = s.task.losses

    class Broken(type(s.task)):
        def losses(self, output, batch):
            out = real(output, batch)
            hit = (s.learner._rows == bad).nonzero()[0]
            return out if not len(hit) else out.index_fill(0, torch.tensor(hit), float("nan"))

    s.learner.task = Broken(**vars(s.task))
    with pytest.raises(DataError, match="T101") as e:
        s.run(keeper=Keeper(folder, 2))
    assert str(s.samples.row_key[bad]) in str(e.value)
    assert e.value.facts["step"] == 4
    assert (folder / "step-4").is_dir()


def test_early_stopping_keeps_the_best_epoch(bert: str) -> None:
    s = Setup(bert, texts(), classification(), replace(RECIPE, epochs=6, patience=2))
    values, kept = iter([0.1, 0.9, 0.5, 0.4]), []

    def judge() -> float:
        kept.append(s.weights())
        return next(values)

    steps = s.run(judge=judge)
    assert steps[-1].epoch == 3
    assert steps[-1].last
    assert same(s.weights(), kept[1])


def test_training_learns(bert: str) -> None:
    s = Setup(bert, texts(), classification(), replace(RECIPE, epochs=10, learning_rate=5e-3))
    steps = s.run()
    assert steps[-1].loss < 0.5 * steps[0].loss
    assert (s.learner.predict(np.arange(48)).argmax(1) == s.samples.label).mean() > 0.8


def test_precision_and_checkpointing_stay_near(bert: str) -> None:
    plain = Setup(bert, texts(), classification(), double=True)
    plain.run()
    again = Setup(bert, texts(), classification(), checkpointing=True, double=True)
    again.run()
    assert apart(plain.weights(), again.weights()) < 1e-9
    narrow = Setup(bert, texts(), classification(), replace(RECIPE, precision="bf16"))
    steps = narrow.run()
    assert 0 < apart(plain.weights(), narrow.weights()) < 0.05
    assert np.isfinite([s.loss for s in steps]).all()


def test_rate_rises_and_falls() -> None:
    for schedule in ("linear", "cosine"):
        rates = [Recipe(schedule=schedule, warmup=0.1, learning_rate=1.0).rate(i, 100) for i in range(100)]
        assert np.all(np.diff(rates[:11]) > 0)
        assert rates[10] == 1.0
        assert np.all(np.diff(rates[10:]) < 0)
        assert 0 < rates[-1] < 0.02
