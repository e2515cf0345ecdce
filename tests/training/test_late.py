"""Steps whose numbers are fetched together, as of a GPU, are the same steps, and the same training, as one by one."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tiny import RECIPE, Setup, same, texts

from steelyard import parts
from steelyard.acts.checkpointing import Keeper
from steelyard.acts.finetuning import Reference
from steelyard.errors import DataError

REF = Reference(np.arange(8), 8, 4)


def setup(bert: str, late: int, **how) -> Setup:
    s = Setup(bert, texts(), parts.make("tasks", "classification"), how.pop("recipe", RECIPE), **how)
    s.learner.late = late
    return s


@pytest.mark.parametrize("alpha", ["uniform", "gate", "alignment", "r_ce"])
@pytest.mark.parametrize("micro", [None, 3])
def test_what_is_told_late_is_the_same_bit_for_bit(bert: str, alpha: str, micro: int | None) -> None:
    at_once, late = (setup(bert, n, recipe=replace(RECIPE, micro_batch=micro)) for n in (1, 5))
    a, b = (s.run(alpha, reference=REF) for s in (at_once, late))
    assert a == b
    assert same(at_once.weights(), late.weights())
    for name, column in at_once.ledger.columns().items():
        np.testing.assert_array_equal(column, late.ledger.columns()[name])


def test_numbers_come_over_once_in_so_many_steps_and_at_the_end_of_an_epoch(bert: str, monkeypatch) -> None:
    s = setup(bert, 4)
    told, note = [], s.learner.note
    monkeypatch.setattr(s.learner, "note", lambda: (told.append(s.learner.moves), note())[1])
    s.run()
    assert told == [3, 6, 9, 12]  # within the fourth step, and after the sixth, where the epoch ends


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
