"""Memory that truly runs out: the parts of a batch are halved, and the weights are those of a roomy machine."""

import os
import subprocess
import sys
import weakref
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tiny import RECIPE, WORDS, Setup, apart, texts

import steelyard as sy
from steelyard import parts
from steelyard.acts.finetuning import Reference
from steelyard.errors import EnvironmentProblem
from steelyard.parts.models import _memory
from steelyard.parts.models._pooled import Pooled
from steelyard.values.arrays import Ints

TIGHT = """
import resource, sys
sys.path.insert(0, sys.argv[2])
from dataclasses import replace
import torch
torch.set_num_threads(1)
from tiny import RECIPE, Setup, apart, texts
from steelyard import parts

recipe = replace(RECIPE, epochs=1, batch_size=8192)
tight, roomy = (Setup(sys.argv[1], texts(8192), parts.make("tasks", "classification"), recipe) for _ in range(2))
taken = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmSize")) * 1024
_, most = resource.getrlimit(resource.RLIMIT_AS)
resource.setrlimit(resource.RLIMIT_AS, (taken + 100 * 2**20, most))
tight.run()
resource.setrlimit(resource.RLIMIT_AS, (most, most))
roomy.run()
print(tight.learner.halved, roomy.learner.halved, apart(tight.weights(), roomy.weights()) < 1e-4)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits the address space, which Linux does")
def test_real_memory_runs_out_and_the_step_is_the_same(bert: str) -> None:
    command = [sys.executable, "-c", TIGHT, bert, str(Path(__file__).parent)]
    # freed blocks leave the address space at once: a heap with holes fills it, and oneDNN finds no page for its code
    given_back = {**os.environ, "MALLOC_MMAP_THRESHOLD_": "65536"}
    told = subprocess.run(command, capture_output=True, text=True, timeout=300, env=given_back)
    assert told.returncode == 0, told.stderr[-2000:]
    halved, whole, alike = told.stdout.split()[-3:]
    assert int(halved) >= 1
    assert (int(whole), alike) == (0, "True")


def test_what_a_failed_part_had_made_is_gone_before_memory_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[weakref.ref[torch.Tensor]] = []

    def work(rows: Ints) -> None:
        held = torch.zeros(len(rows))
        made.append(weakref.ref(held))
        if len(rows) > 2:
            raise MemoryError

    living: list[int] = []
    monkeypatch.setattr(_memory, "give_back", lambda _: living.append(sum(ref() is not None for ref in made)))
    _memory.Room(8, torch.device("cpu")).each(np.arange(8), work)
    assert living == [0, 0]  # 8 and 4 rows failed


def tight(module: torch.nn.Module, most: int) -> None:
    """Let a network have no memory for more than ``most`` rows."""

    def refuse(_module: Any, _args: Any, batch: dict[str, torch.Tensor]) -> None:
        if len(batch["input_ids"]) > most:
            raise torch.OutOfMemoryError("not enough memory")

    module.register_forward_pre_hook(refuse, with_kwargs=True)


def two(bert: str) -> tuple[Setup, Setup]:
    """Return a training on a roomy machine, and one on a machine that holds four rows."""
    task, recipe = parts.make("tasks", "classification"), replace(RECIPE, batch_size=16)
    roomy, short = (Setup(bert, texts(), task, recipe, double=True) for _ in range(2))
    tight(short.learner.module, 4)
    return roomy, short


def test_predictions_are_read_in_halves(bert: str) -> None:
    roomy, short = two(bert)
    rows = np.random.default_rng(0).permutation(48)
    np.testing.assert_allclose(short.learner.predict(rows), roomy.learner.predict(rows), rtol=1e-9)
    assert short.learner.rows_a_part == 3  # 48, 24, 12, 6, 3
    assert short.learner.micro == 16
    assert roomy.learner.rows_a_part == 0


def test_the_reference_is_read_in_halves(bert: str) -> None:
    roomy, short = two(bert)
    for s in (roomy, short):
        s.learner.gradients.refresh(np.arange(12))
    assert apart(roomy.learner.gradients.mean, short.learner.gradients.mean) < 1e-12
    assert short.learner.micro == 3  # 12, 6, 3
    for s in (roomy, short):
        s.run("alignment", reference=Reference(np.arange(12), 12, 8))
    assert apart(roomy.weights(), short.weights()) < 1e-8


def test_gradients_are_read_in_halves(bert: str) -> None:
    roomy, short = two(bert)
    for a, b in zip(*(s.learner.gradients.alignments(np.arange(40), sample=20) for s in (roomy, short)), strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-6, atol=1e-9)
    assert short.learner.rows_a_part == 4


def test_a_resumed_training_knows_that_memory_ran_out(bert: str) -> None:
    roomy, short = two(bert)
    short.learner.predict(np.arange(48))
    roomy.learner.resume(short.learner.state())
    assert roomy.learner.rows_a_part == 3


def test_vectors_are_made_in_halves_and_that_is_told(bert: str, tmp_path: Path, monkeypatch) -> None:
    part = parts.make("models", "transformer", pretrained=bert)
    roomy, short = (part.encoder(16) for _ in range(2))
    tight(short.module, 4)
    given = [" ".join(WORDS[: 1 + i % 15]) for i in range(30)]
    np.testing.assert_allclose(short.embed(given)[0], roomy.embed(given)[0], atol=1e-6)
    assert short.room.rows == 3
    real = Pooled.forward

    def forward(self, input_ids, attention_mask, **more):
        if len(input_ids) > 4:
            raise MemoryError
        return real(self, input_ids, attention_mask, **more)

    monkeypatch.setattr(Pooled, "forward", forward)
    rows = texts(45).table.select(["text", "label"]).to_pylist()
    scored = sy.score(rows, tier="embed", model=bert, run_dir=tmp_path)
    assert scored.info["encoder"]["rows_a_part"] <= 4
    assert "T121" in (scored.run.path / "log.jsonl").read_text()


def test_memory_that_does_not_hold_one_row_has_a_code(bert: str) -> None:
    _, short = two(bert)
    tight(short.learner.module, 0)
    for read in (short.learner.predict, short.learner.gradients.refresh, short.learner.gradients.read):
        with pytest.raises(EnvironmentProblem, match="E224"):
            read(np.arange(8))


def test_what_is_no_lack_of_memory_is_raised(bert: str) -> None:
    roomy, _ = two(bert)
    roomy.learner.module.register_forward_pre_hook(lambda *_: (_ for _ in ()).throw(RuntimeError("a fault")))
    with pytest.raises(RuntimeError, match="a fault"):
        roomy.learner.predict(np.arange(8))
    assert roomy.learner.rows_a_part == 0
