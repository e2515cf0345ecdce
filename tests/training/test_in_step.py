"""Weights decided inside the step: one pass, by signals of this very pass, against two passes by hand."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny import NEVER, RECIPE, Setup, apart, pairs, same, sentences, texts, without_rule

from steelyard import parts
from steelyard.acts.checkpointing import Keeper
from steelyard.acts.finetuning import Reference
from steelyard.gradients import Uncovered

ALPHAS = ["grad_norm_proportional", "alignment", "l2rw", "importance_sampling", "gate"]


def setup(bert: str, recipe=RECIPE, **how) -> Setup:
    return Setup(bert, texts(), parts.make("tasks", "classification"), recipe, double=True, **how)


def reference() -> Reference:
    return Reference(np.arange(8), 8, 4)


def by_autograd(s: Setup, rows: np.ndarray) -> torch.Tensor:
    """Return (n, p) gradients, one sample at a time."""
    out = []
    for row in rows:
        loss = s.learner.losses_of(np.array([row])).sum()
        found = torch.autograd.grad(loss, list(s.learner.trained.values()), allow_unused=True)
        out.append(torch.cat([g.ravel() for g in found if g is not None]))
    return torch.stack(out)


def test_norms_and_products_are_those_of_one_sample_at_a_time(bert: str) -> None:
    s = setup(bert)
    s.learner.gradients.rank = 64  # exact: no matrix here has a higher rank
    s.learner.gradients.alike = 3  # the reference passes in parts
    s.learner.look(np.arange(20, 28))
    s.learner.move(None, 1e-3)
    s.learner.gradients.refresh(np.arange(8))
    rows = np.arange(8, 20)
    g = by_autograd(s, rows)
    seen = s.learner.look(rows, ("norm", "dot", "dot_adam"))
    mean = by_autograd(s, np.arange(8)).mean(0)
    scale = torch.cat(
        [
            1 / ((s.learner.optimiser.state[p]["exp_avg_sq"] / 0.001).sqrt() + 1e-8).ravel()
            for p in s.learner.trained.values()
        ]
    )
    np.testing.assert_allclose(seen["norm"], g.norm(dim=1).numpy(), rtol=1e-6)
    np.testing.assert_allclose(seen["dot"], (g @ mean).numpy(), rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(seen["dot_adam"], (g @ (scale * mean)).numpy(), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("alpha", ALPHAS)
def test_the_step_is_the_weighted_loss(bert: str, alpha: str) -> None:
    """Train in one pass, note the weights, and train again with those weights on the loss."""
    told: list[np.ndarray | None] = []
    one, two = setup(bert), setup(bert)
    move = one.learner.move
    one.learner.move = lambda a, rate: (told.append(a), move(a, rate))[1]  # type: ignore[method-assign]
    one.run(alpha, reference=reference())
    for number, rows in enumerate(two.batches.steps):
        two.learner.look(rows)
        two.learner.move(told[number], RECIPE.rate(number, len(two.batches)))
    assert apart(one.weights(), two.weights()) < 1e-9
    assert any(a is not None and np.std(a) > 0.1 for a in told)


@pytest.mark.parametrize("alpha", ALPHAS)
def test_parts_do_not_matter_to_weights_or_signals(bert: str, alpha: str) -> None:
    whole, parted = (setup(bert, replace(RECIPE, micro_batch=m)) for m in (None, 3))
    a, b = (s.run(alpha, reference=reference()) for s in (whole, parted))
    np.testing.assert_allclose([s.ess for s in a], [s.ess for s in b], rtol=1e-6)
    assert apart(whole.weights(), parted.weights()) < 1e-8
    for name in ("aum", "alpha", "norm", "benefit"):
        np.testing.assert_allclose(whole.ledger.columns()[name], parted.ledger.columns()[name], rtol=1e-5, atol=1e-9)


def test_alpha_of_ones_inside_the_step_is_untouched_bit_for_bit(bert: str) -> None:
    plain, watched = (Setup(bert, texts(), parts.make("tasks", "classification")) for _ in range(2))
    plain.run()
    for number, rows in enumerate(watched.batches.steps):
        watched.learner.look(rows, ("norm",))
        watched.learner.move(None, RECIPE.rate(number, len(watched.batches)))
    assert same(plain.weights(), watched.weights())


@pytest.mark.parametrize(
    "name",
    ["relevance_pairwise", "relevance_listwise", "relevance_pointwise", "relevance_dual", "retrieval", "tagging"],
)
def test_gradients_by_row_work_for_every_task(bert: str, name: str) -> None:
    s = Setup(bert, sentences() if name == "tagging" else pairs(), parts.make("tasks", name), double=True)
    rows = s.batches.steps[0]
    seen = s.learner.look(rows, ("norm",))
    s.learner.gradients.pause()
    losses = s.learner.losses_of(rows)
    parameters = list(s.learner.trained.values())
    for i in range(len(rows)):
        g = torch.autograd.grad(losses[i], parameters, retain_graph=True, allow_unused=True)
        length = torch.cat([x.ravel() for x in g if x is not None]).norm()
        assert seen["norm"][i] == pytest.approx(float(length), rel=1e-6, abs=1e-12)


@pytest.mark.parametrize("name", ["relevance_dual", "retrieval", "classification"])
def test_a_batch_of_one_row_has_the_same_gradient(bert: str, name: str) -> None:
    s = Setup(bert, texts() if name == "classification" else pairs(), parts.make("tasks", name), double=True)
    rows = s.batches.steps[0]
    whole = s.learner.look(rows, ("norm",))["norm"]
    alone = [s.learner.look(rows[i : i + 1], ("norm",))["norm"][0] for i in range(len(rows))]
    np.testing.assert_allclose(alone, whole, rtol=1e-6)


@pytest.mark.parametrize("name", ["relevance_dual", "retrieval"])
def test_two_texts_a_sample_train_and_score_by_weighted_gradients(bert: str, name: str) -> None:
    """Alignment inside the step is the weighted loss; scoring without padding reads the same lengths."""
    one, parted = (
        Setup(bert, pairs(20), parts.make("tasks", name), replace(RECIPE, micro_batch=m), double=True)
        for m in (None, 3)
    )
    ref = Reference(one.encoded.rows[:6], 6, 4)
    for s in (one, parted):
        s.run("alignment", reference=ref)
    assert apart(one.weights(), parted.weights()) < 1e-8
    assert one.ledger.columns()["alpha"][one.encoded.rows].std() > 0.05
    rows = one.encoded.rows[:9]
    norm, _ = one.learner.gradients.read(rows)
    np.testing.assert_allclose(norm, by_autograd(one, rows).norm(dim=1).numpy(), rtol=1e-6)


@pytest.mark.parametrize("tuning", ["lora", "adapters", "frozen"])
def test_weights_inside_the_step_for_every_tuning(bert: str, tuning: str) -> None:
    plain, parted = (setup(bert, replace(RECIPE, micro_batch=m), tuning=tuning, rank=2) for m in (None, 4))
    for s in (plain, parted):
        s.run("alignment", reference=reference())
    assert apart(plain.weights(), parted.weights()) < 1e-8
    assert plain.ledger.columns()["alpha"].std() > 0.05


@pytest.mark.parametrize(
    "stop", [5, 6, 8, 10]
)  # the reference is refreshed before steps 1, 5 and 9 (alignment), 0, 4 and 8 (l2rw)
@pytest.mark.parametrize("alpha", ["alignment", "l2rw"])
def test_resume_with_weights_inside_the_step_is_bit_for_bit(bert: str, folder: Path, alpha: str, stop: int) -> None:
    whole, killed, again = (setup(bert) for _ in range(3))
    whole.run(alpha, reference=reference())
    killed.run(alpha, reference=reference(), keeper=Keeper(folder, every=1), stop_after=stop)
    steps = again.run(alpha, reference=reference(), keeper=Keeper(folder, every=1))
    assert steps[0].step == stop
    assert same(whole.weights(), again.weights())
    for name in ("alpha", "benefit"):
        np.testing.assert_array_equal(whole.ledger.columns()[name], again.ledger.columns()[name])


def test_secants_are_products_with_the_mean_gradient_of_other_rows(bert: str) -> None:
    s = setup(bert)
    without_rule(s.learner.module).double()
    s.learner.trained = dict(s.learner.module.named_parameters())
    rows = np.arange(4, 40)
    with pytest.raises(Uncovered, match=r"bert\.pooler\.activation\.scale"):
        s.learner.gradients.alignments(rows)
    before = s.weights()
    found = s.learner.gradients.secants(rows, sample=12, seed=3)
    assert same(before, s.weights())
    g = by_autograd(s, rows)
    inside = np.sort(np.random.default_rng(3).permutation(36)[:12])
    outside = np.setdiff1d(np.arange(36), inside)
    expected = np.zeros(36)
    for read, by in ((outside, inside), (inside[::2], inside[1::2]), (inside[1::2], inside[::2])):
        mean = g[by].mean(0)
        expected[read] = (g[read] @ mean / mean.norm()).numpy()
    np.testing.assert_allclose(found, expected, atol=0.01 * np.abs(expected).max())


def test_planted_errors_end_lighter(bert: str) -> None:
    samples = texts(120)
    wrong = np.arange(0, 120, 10)
    label = samples.label.copy()
    label[wrong] = (label[wrong] + 1) % 3
    noisy = replace(samples, label=label)
    s = Setup(bert, noisy, parts.make("tasks", "classification"), replace(RECIPE, epochs=8, learning_rate=5e-3))
    s.run("gate", stages=replace(NEVER, warm=0.25))
    columns = s.ledger.columns()
    right = np.setdiff1d(np.arange(120), wrong)
    assert columns["alpha"][wrong].mean() < 0.6 * columns["alpha"][right].mean()
    assert np.median(columns["aum"][wrong]) < np.quantile(columns["aum"][right], 0.1)
