"""Arms of a network: the same head, order and stopping for all; weights decide alone; every arm is a stage."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny import texts

import steelyard as sy
from steelyard import parts
from steelyard.acts import batching
from steelyard.acts.arming import Networks
from steelyard.acts.cells import control_of
from steelyard.acts.deciding import answer_of
from steelyard.acts.encoding import encode
from steelyard.acts.finetuning import train
from steelyard.acts.ledger import Ledger
from steelyard.acts.proxying import Proxy
from steelyard.acts.stages import keep_nothing
from steelyard.acts.training import Trained, Way
from steelyard.acts.weighing import Weighing
from steelyard.errors import UsageError
from steelyard.tiers import step_arms
from steelyard.values.recipe import Recipe
from steelyard.values.samples import Samples

RECIPE = Recipe(epochs=2, batch_size=8, learning_rate=2e-3)
LEARN, STOP, TEST = np.arange(0, 32), np.arange(32, 44), np.arange(44, 60)


@pytest.fixture(scope="module")
def samples() -> Samples:
    return texts(60)


def networks(bert: str, samples: Samples, **more: Any) -> Networks:
    model = parts.make("models", "transformer", pretrained=bert)
    task = parts.make("tasks", "classification")
    alphas = {name: parts.make("alphas", name) for name in ("alignment", "gate")}
    encoded = task.encode(samples, model.tokenizer())
    uniform = parts.make("alphas", "uniform")
    return Networks(task, model, encoded, 3, RECIPE, samples.row_key, uniform, **{"alphas": alphas, **more})


def fitted(
    found: Networks, samples: Samples, ways: list[Way], judge: Any = None, proxy: Proxy | None = None
) -> list[Trained]:
    table = encode(samples)
    judge = judge or (lambda p, rows: float((p.argmax(1) == samples.label[rows]).mean()))
    return found.train(table, ways, LEARN, STOP, TEST, 3, judge, keep_nothing, proxy)


def test_any_alpha_can_be_an_arm_and_its_control_never_wins() -> None:
    assert {"step_l2rw", "step_importance_sampling"} <= set(step_arms())
    assert control_of("step_l2rw") == "step_l2rw_shuffled"
    assert answer_of("step_l2rw") == "use_weights"
    for name in ("step_l2rw_shuffled", "shuffled", "uniform", "majority_fix"):
        assert answer_of(name) is None, name


def test_uniform_is_untouched_training_bit_for_bit(bert: str, samples: Samples) -> None:
    found = networks(bert, samples)
    last, _ = fitted(found, samples, [Way("uniform", np.ones(32), None, early=False), Way("u", np.ones(32), None)])
    recipe = Recipe(epochs=2, batch_size=8, learning_rate=2e-3, seed=3)
    batches = batching.plan(LEARN, found.encoded.length, None, 2, 8, 3)
    learner = found.model.learner(found.task, found.encoded, 3, recipe, len(batches))
    for _ in train(learner, batches, Weighing(60, found.uniform), Ledger(60, 2), recipe, samples.row_key):
        pass
    np.testing.assert_array_equal(last.probability, learner.predict(TEST).astype(np.float32))


def test_a_weight_of_two_and_of_one_train_alike_after_scaling(bert: str, samples: Samples) -> None:
    way = Way("w", np.full(32, 2.0), None, early=False)
    one = Way("uniform", np.ones(32), None, early=False)
    a, b = fitted(networks(bert, samples), samples, [way, one])
    np.testing.assert_array_equal(a.probability, b.probability)


def test_pruned_rows_are_never_seen_and_soft_labels_teach(bert: str, samples: Samples) -> None:
    weight = np.ones(32)
    weight[:8] = 0
    flipped = np.eye(3)[(samples.label[:32] + 1) % 3]
    pruned, taught = fitted(
        networks(bert, samples), samples, [Way("prune", weight, None), Way("soft_label", np.ones(32), flipped)]
    )
    assert pruned.rows == 24
    assert pruned.ess == 1.0
    right = taught.probability.argmax(1) == (samples.label[TEST] + 1) % 3
    assert right.mean() > 0.5


def test_rows_that_weigh_are_not_rows_that_stop(bert: str, samples: Samples) -> None:
    asked: list[np.ndarray] = []

    def judge(p: np.ndarray, rows: np.ndarray) -> float:
        asked.append(rows)
        return 0.0

    found = networks(bert, samples)
    ways = [Way("uniform_early_stop", np.ones(32), None), *found.ways(32)]
    done = fitted(found, samples, ways, judge)
    assert all(set(rows) == set(asked[0]) for rows in asked)
    assert 0 < len(asked[0]) < len(STOP)
    assert [d.name for d in done] == [
        "uniform_early_stop", "step_alignment", "step_alignment_shuffled", "step_gate", "step_gate_shuffled",
    ]  # fmt: skip


def test_what_an_arm_costs_counts_every_row_that_passes(bert: str, samples: Samples, monkeypatch) -> None:
    """Reference rows pass forwards and backwards as training rows do: they are part of the cost."""
    from steelyard.parts.models._gradients import Gradients

    passed: list[int] = []
    real = Gradients.refresh
    monkeypatch.setattr(
        Gradients, "refresh", lambda self, rows, *needs: (passed.append(len(rows)), real(self, rows, *needs))[1]
    )
    found = networks(bert, samples)
    aligned, gated = fitted(found, samples, [w for w in found.ways(32) if not w.shuffled])
    assert len(passed) == 1  # of 8 steps in two epochs
    assert aligned.rows == 32 + sum(passed) // 2
    assert gated.rows == 32


@pytest.mark.slow
def test_a_full_run_is_compared_by_its_network(bert: str, samples: Samples, tmp_path: Path) -> None:
    run = sy.score(samples, tier="full", model=bert, epochs=1, batch_size=16, folds=2, run_dir=tmp_path)
    asked = {"seeds": 3, "repairs": 1, "inner_folds": 2, "model": "network", "arms": ["soft_label", "step_l2rw"]}
    found = sy.compare(run, run_dir=tmp_path, **asked)
    names = {a.name for a in found.arms}
    assert names == {
        "uniform", "uniform_early_stop", "soft_label", "shuffled", "step_l2rw", "step_l2rw_shuffled",
    }  # fmt: skip
    assert {a.name for a in found.arms if a.control} >= {"shuffled", "step_l2rw_shuffled"}
    assert found.model == "network"
    assert found.answer in {"use_weights", "prune", "relabel_first", "keep_uniform", "cannot_tell"}
    with pytest.raises(UsageError, match="soft_lable"):
        sy.compare(run, run_dir=tmp_path, arms=["soft_lable"])


def test_a_quick_run_has_no_network(samples: Samples, tmp_path: Path) -> None:
    run = sy.score(samples, run_dir=tmp_path)
    with pytest.raises(UsageError, match="U158"):
        sy.compare(run, model="network", run_dir=tmp_path)
