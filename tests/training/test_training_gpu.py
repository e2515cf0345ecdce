"""Training on a GPU is the training on a processor, and the processor waits for it as seldom as can be."""

import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny import RECIPE, Setup, apart, pairs, sentences, texts

from steelyard import parts
from steelyard.acts.checkpointing import Keeper
from steelyard.acts.finetuning import Reference
from steelyard.parts.models._learner import LATE

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU, named by CUDA_VISIBLE_DEVICES"),
]
ALPHAS = parts.names("alphas")


def setup(bert: str, device: str, recipe=RECIPE, task: str = "classification", **how) -> Setup:
    samples = {"classification": texts, "tagging": sentences}.get(task, pairs)()
    return Setup(bert, samples, parts.make("tasks", task), recipe, device=device, **how)


def reference() -> Reference:
    return Reference(np.arange(8), 8, 4)


@pytest.mark.parametrize("alpha", ALPHAS)
def test_training_is_that_of_the_processor(bert: str, alpha: str) -> None:
    """In float64, where a rank of 64 leaves nothing of the reference out: random factors differ between devices."""
    both = [setup(bert, device, double=True) for device in ("cpu", "cuda")]
    steps = []
    for s in both:
        s.learner.gradients.rank = 64
        steps.append(s.run(alpha, reference=reference()))
    cpu, gpu = both
    assert apart(cpu.weights(), gpu.weights()) < 1e-7
    for name in ("loss", "ess", "length", "rate"):
        np.testing.assert_allclose(*([getattr(x, name) for x in run] for run in steps), rtol=1e-6, atol=1e-9)
    for name in ("aum", "alpha"):
        np.testing.assert_allclose(cpu.ledger.columns()[name], gpu.ledger.columns()[name], rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(cpu.learner.predict(np.arange(48)), gpu.learner.predict(np.arange(48)), rtol=1e-6)


@pytest.mark.parametrize(
    "task",
    ["relevance_pairwise", "relevance_listwise", "relevance_pointwise", "relevance_dual", "retrieval", "tagging"],
)
def test_every_task_trains_as_on_the_processor(bert: str, task: str) -> None:
    cpu, gpu = (setup(bert, device, task=task, double=True) for device in ("cpu", "cuda"))
    for s in (cpu, gpu):
        s.run("grad_norm_proportional")
    assert apart(cpu.weights(), gpu.weights()) < 1e-7


@pytest.mark.parametrize("alpha", ["uniform", "alignment", "gate"])
def test_a_resumed_training_ends_where_one_in_one_go_does(bert: str, alpha: str, tmp_path: Path) -> None:
    whole, broken, resumed = (setup(bert, "cuda", double=True) for _ in range(3))
    whole.run(alpha, reference=reference())
    broken.run(alpha, reference=reference(), keeper=Keeper(tmp_path, every=5), stop_after=6)
    steps = resumed.run(alpha, reference=reference(), keeper=Keeper(tmp_path, every=5))
    assert 0 < steps[0].step <= 6
    assert apart(whole.weights(), resumed.weights()) < 1e-9


def waits(s: Setup, alpha: str) -> list[str]:
    """Return where our own lines waited for the GPU in a training; torch's and transformers' lines are not ours."""
    torch.cuda.synchronize()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        torch.cuda.set_sync_debug_mode("warn")
        try:
            s.run(alpha, reference=reference())
        finally:
            torch.cuda.set_sync_debug_mode("default")
    ours = [w for w in caught if "synchronizing CUDA" in str(w.message) and "steelyard" in w.filename]
    return [f"{Path(w.filename).name}:{w.lineno}" for w in ours]


@pytest.mark.parametrize("alpha", ["uniform", "gate"])
def test_nobody_waits_but_once_in_many_steps(bert: str, alpha: str) -> None:
    s = setup(bert, "cuda", replace(RECIPE, epochs=4))
    found = waits(s, alpha)
    epochs, steps = 4, len(s.batches)
    assert epochs <= len(found) <= epochs + steps / LATE, found


def test_alpha_by_the_step_waits_once_a_step(bert: str) -> None:
    s = setup(bert, "cuda", replace(RECIPE, epochs=4))
    found = waits(s, "alignment")
    looks = [f for f in found if not f.startswith("_telling.py")]
    steps = len(s.batches)
    assert steps <= len(found) - len(looks) <= steps + 4, found
    assert len(looks) <= 40 * (steps // reference().every + 1), looks


@pytest.mark.parametrize("alpha", ["uniform", "alignment"])
def test_memory_that_runs_out_changes_nothing(bert: str, alpha: str) -> None:
    recipe = replace(RECIPE, epochs=1, batch_size=4096)
    tight, roomy = (
        Setup(bert, texts(4096), parts.make("tasks", "classification"), recipe, device="cuda") for _ in range(2)
    )
    torch.cuda.synchronize()
    torch.cuda.empty_cache()
    total = torch.cuda.get_device_properties(0).total_memory
    try:
        torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_reserved() + 60 * 2**20) / total)
        tight.run(alpha, reference=reference())
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    roomy.run(alpha, reference=reference())
    assert tight.learner.halved >= 1
    assert roomy.learner.halved == 0
    assert apart(tight.weights(), roomy.weights()) < 1e-4


def test_bf16_learns_what_fp32_learns(bert: str) -> None:
    said = []
    for precision in ("fp32", "bf16"):
        s = setup(bert, "cuda", replace(RECIPE, epochs=12, precision=precision))
        steps = s.run("alignment", reference=reference())
        assert all(np.isfinite(step.loss) for step in steps)
        said.append(s.learner.predict(np.arange(48)).argmax(1))
    assert np.mean(said[0] == said[1]) >= 0.9
