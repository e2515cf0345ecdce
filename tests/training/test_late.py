"""Steps whose numbers are fetched together, as of a GPU, are the same steps, and the same training, as one by one."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tiny import NEVER, RECIPE, Setup, apart, same, texts

from steelyard import parts
from steelyard.acts.checkpointing import Keeper
from steelyard.acts.finetuning import Reference, Step, train
from steelyard.acts.weighing import Weighing
from steelyard.errors import DataError

REF = Reference(np.arange(8), 8, 4)


def setup(bert: str, late: int, **how) -> Setup:
    s = Setup(bert, texts(), parts.make("tasks", "classification"), how.pop("recipe", RECIPE), **how)
    s.learner.late = late
    return s


def known(steps: list[Step]) -> list[Step]:
    return [replace(step, more=False) for step in steps]


@pytest.mark.parametrize("alpha", ["uniform", "gate", "alignment", "r_ce"])
@pytest.mark.parametrize("micro", [None, 3])
def test_what_is_told_late_is_the_same_bit_for_bit(bert: str, alpha: str, micro: int | None) -> None:
    at_once, late = (setup(bert, n, recipe=replace(RECIPE, micro_batch=micro)) for n in (1, 5))
    a, b = (s.run(alpha, reference=REF, judge=lambda s=s: -float(s.learner.moves)) for s in (at_once, late))
    assert a == known(b)
    assert not any(step.more for step in a)
    assert [step.step for step in b if step.value is not None] == [5, 11]
    assert same(at_once.weights(), late.weights())
    for name, column in at_once.ledger.columns().items():
        np.testing.assert_array_equal(column, late.ledger.columns()[name])


def test_numbers_come_over_once_in_so_many_steps_and_at_the_end_of_an_epoch(bert: str, monkeypatch) -> None:
    s = setup(bert, 4)
    told, note = [], s.learner.note
    monkeypatch.setattr(s.learner, "note", lambda: (told.append(s.learner.moves), note())[1])
    s.run()
    assert told == [3, 6, 9, 12]  # within the fourth step, and after the sixth, where the epoch ends


@pytest.mark.parametrize("alpha", parts.names("alphas"))
def test_nothing_is_told_later_than_that(bert: str, alpha: str) -> None:
    """Where alpha reads the step, its numbers are known when the next step is looked at."""
    s = setup(bert, 5, recipe=replace(RECIPE, epochs=3, batch_size=4))
    weighing = Weighing(len(s.samples), parts.make("alphas", alpha), stages=NEVER)
    behind = []
    for step in train(
        s.learner,
        s.batches,
        weighing,
        s.ledger,
        s.recipe,
        s.samples.row_key,
        reference=REF if weighing.alpha.reference else None,
    ):
        behind.append(s.learner.moves - step.step)
        assert s.ledger.sums["visits"].sum() >= sum(len(rows) for rows in s.batches.steps[: step.step + 1])
    assert len(behind) == len(s.batches)
    assert max(behind) <= (2 if weighing.mean else 5)


def test_training_that_stops_early_stops_behind_what_was_told(bert: str) -> None:
    recipe = replace(RECIPE, epochs=4, patience=1)
    at_once, late = (setup(bert, n, recipe=recipe) for n in (1, 5))
    a, b = (s.run(judge=lambda s=s: -float(s.learner.moves)) for s in (at_once, late))
    assert a == known(b)
    assert [step.last for step in b] == [False] * 11 + [True]
    assert same(at_once.weights(), late.weights())


@pytest.mark.parametrize("alpha", ["uniform", "alignment"])
@pytest.mark.parametrize("fixed", [False, True])
def test_memory_that_runs_out_while_steps_wait_loses_nothing(bert: str, alpha: str, fixed: bool) -> None:
    """In the eighth step, others being on their way; rows of weight 0 do not pass in parts, nor are they seen."""
    weight = np.tile([0.0, 1.0], 24) if fixed else None
    roomy, short = (setup(bert, 5, double=True) for _ in range(2))

    def refuse(_module: Any, _args: Any, batch: dict[str, Any]) -> None:
        if short.learner.moves >= 7 and len(batch["input_ids"]) > 4:
            raise torch.OutOfMemoryError("not enough memory")

    short.learner.module.register_forward_pre_hook(refuse, with_kwargs=True)
    a, b = (s.run(alpha, fixed=weight, reference=REF) for s in (roomy, short))
    assert [step.halved for step in b] == [0] * 7 + [1] * 5
    np.testing.assert_allclose([step.length for step in a], [step.length for step in b], rtol=1e-9)
    assert apart(roomy.weights(), short.weights()) < 1e-8
    passed = np.ones(48, bool) if weight is None else weight > 0
    for name in ("visits", "aum", "loss_ema"):
        np.testing.assert_allclose(*(s.ledger.columns()[name][passed] for s in (roomy, short)), rtol=1e-9)


def test_a_checkpoint_waits_for_no_number(bert: str, tmp_path: Path) -> None:
    whole = setup(bert, 5)
    whole.run(reference=REF)
    killed = setup(bert, 5)
    killed.run(keeper=Keeper(tmp_path, every=3), stop_after=1)
    resumed = setup(bert, 5)
    steps = resumed.run(keeper=Keeper(tmp_path, every=3))
    assert steps[0].step == 3
    assert same(whole.weights(), resumed.weights())
    np.testing.assert_array_equal(whole.ledger.columns()["visits"], resumed.ledger.columns()["visits"])


def test_a_loss_that_is_no_number_is_told_of_the_step_it_was(bert: str, tmp_path: Path, monkeypatch) -> None:
    s = setup(bert, 5)
    bad, losses_of = s.batches.steps[7][2], type(s.task).losses

    def losses(task, output, batch):
        found = losses_of(task, output, batch)
        if s.learner.moves == 7:
            found = found.clone()
            found[2] = float("nan")
        return found

    monkeypatch.setattr(type(s.task), "losses", losses)
    with pytest.raises(DataError, match="T101") as e:
        s.run(keeper=Keeper(tmp_path, every=2))
    assert e.value.facts["step"] == 7
    assert str(s.samples.row_key[bad]) in e.value.facts["keys"]
    assert [p.name for p in tmp_path.glob("step-*")] == ["step-6"]
    before = sum(len(rows) for rows in s.batches.steps[:7])
    assert s.ledger.sums["visits"].sum() == before  # what was seen before it is known
