"""Runs: one plan is one directory, writes are whole or not at all, stages resume."""

import multiprocessing
import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest

from steelyard.errors import EnvironmentProblem, UsageError
from steelyard.plan import Plan
from steelyard.run import Run, write_atomically

PLAN = Plan("score", {"table": "abc"}, {"seed": 7})


def test_the_same_plan_is_the_same_run(tmp_path: Path) -> None:
    assert Run.open(tmp_path, "pairs", PLAN).path == Run.open(tmp_path, "other name", PLAN).path
    assert (
        Run.open(tmp_path, "pairs", Plan("score", {"table": "abc"}, {"seed": 8})).path != tmp_path / f"pairs-{PLAN.id}"
    )


def test_plan_id_does_not_depend_on_the_order_of_options() -> None:
    assert Plan("s", {}, {"a": 1, "b": 2}).id == Plan("s", {}, {"b": 2, "a": 1}).id


def test_plan_reads_what_it_wrote(tmp_path: Path) -> None:
    assert Run.open(tmp_path, "pairs", PLAN).plan == PLAN


def test_find_takes_id_prefix_name_and_last(tmp_path: Path) -> None:
    run = Run.open(tmp_path, "pairs", PLAN)
    for asked in (run.path, run.id, run.id[:4], "pairs", "last"):
        assert Run.find(asked, tmp_path).path == run.path


def test_find_names_the_nearest_run(tmp_path: Path) -> None:
    run = Run.open(tmp_path, "pairs", PLAN)
    with pytest.raises(UsageError) as e:
        Run.find(run.path.name.replace("pairs", "piars"), tmp_path)
    assert run.path.name in e.value.say("en")
    assert run.path.name in e.value.say("zh")


def test_a_stage_is_computed_once(tmp_path: Path) -> None:
    run, calls = Run.open(tmp_path, "pairs", PLAN), []

    def compute() -> dict[str, np.ndarray]:
        calls.append(1)
        return {"x": np.arange(3)}

    np.testing.assert_array_equal(run.keep("a", compute)["x"], run.keep("a", compute)["x"])
    assert len(calls) == 1


def test_a_failed_write_leaves_the_old_file_whole(tmp_path: Path) -> None:
    target = tmp_path / "x.json"
    target.write_text("old")

    def fail(path: Path) -> None:
        path.write_text("half")
        raise OSError(28, "No space left on device")

    with pytest.raises(EnvironmentProblem) as e:
        write_atomically(target, fail)
    assert e.value.code == "E221"
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_two_processes_do_not_work_on_one_run(tmp_path: Path) -> None:
    run = Run.open(tmp_path, "pairs", PLAN)
    with run.locked(), pytest.raises(EnvironmentProblem) as e, Run(run.path).locked():
        pass
    assert e.value.code == "E231"


def _hold(path: Path, sign: Path) -> None:
    with Run(path).locked():
        sign.touch()
        time.sleep(60)


def test_a_killed_process_holds_nothing(tmp_path: Path) -> None:
    run, sign = Run.open(tmp_path, "pairs", PLAN), tmp_path / "holding"
    process = multiprocessing.get_context("spawn").Process(target=_hold, args=(run.path, sign))
    process.start()
    while not sign.exists() and process.is_alive():
        time.sleep(0.02)
    with pytest.raises(EnvironmentProblem), run.locked():
        pass
    os.kill(process.pid or 0, signal.SIGKILL)
    process.join()
    with run.locked():
        pass
