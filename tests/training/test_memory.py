"""Memory that truly runs out: the parts of a batch are halved, and the weights are those of a roomy machine."""

import subprocess
import sys
from pathlib import Path

import pytest

TIGHT = """
import resource, sys
sys.path.insert(0, sys.argv[2])
from dataclasses import replace
import torch
torch.set_num_threads(1)
from tiny import RECIPE, Setup, apart, texts
from steelyard import parts

recipe = replace(RECIPE, epochs=1, batch_size=4096)
tight, roomy = (Setup(sys.argv[1], texts(4096), parts.make("tasks", "classification"), recipe) for _ in range(2))
taken = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmSize")) * 1024
_, most = resource.getrlimit(resource.RLIMIT_AS)
resource.setrlimit(resource.RLIMIT_AS, (taken + 150 * 2**20, most))
tight.run()
resource.setrlimit(resource.RLIMIT_AS, (most, most))
roomy.run()
print(tight.learner.halved, roomy.learner.halved, apart(tight.weights(), roomy.weights()) < 1e-4)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits the address space, which Linux does")
def test_real_memory_runs_out_and_the_step_is_the_same(bert: str) -> None:
    told = subprocess.run(
        [sys.executable, "-c", TIGHT, bert, str(Path(__file__).parent)], capture_output=True, text=True, timeout=300
    )
    assert told.returncode == 0, told.stderr[-2000:]
    halved, whole, alike = told.stdout.split()[-3:]
    assert int(halved) >= 1
    assert (int(whole), alike) == (0, "True")
