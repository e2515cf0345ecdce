"""Every tracker keeps its contract, read back by the library it writes for; nothing but numbers goes through it."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from steelyard import parts
from steelyard.acts import tracking
from steelyard.acts.finetuning import Step
from steelyard.acts.tracking import follow
from steelyard.errors import EnvironmentProblem, UsageError
from steelyard.parts import trackers
from steelyard.parts.trackers.jsonl import Jsonl
from steelyard.testing import check_tracker

Found = dict[tuple[int, str], float]


def lines(tracker: Any, run: str) -> list[dict]:
    text = (Path(tracker.folder) / f"{run}.jsonl").read_text(encoding="utf-8")
    return [json.loads(line, parse_constant=pytest.fail) for line in text.splitlines()]


def from_jsonl(tracker: Any, run: str) -> Found:
    first, *rest = lines(tracker, run)
    assert first["run"] == run
    assert first["config"]["recipe.rate"] == 0.001
    return {(line["step"], name): value for line in rest for name, value in line.items() if name != "step"}


def from_tensorboard(tracker: Any, run: str) -> Found:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(Path(tracker.folder) / run)).Reload()
    (said,) = [event.tensor_proto.string_val[0].decode() for event in events.Tensors("config")]
    assert "保温杯" in said
    scalars = events.Tags()["scalars"]
    return {(event.step, tag): event.value for tag in scalars for event in events.Scalars(tag)}


def wandb_records(path: Path) -> list[bytes]:
    """Return the records of an offline file: LevelDB's log format behind 7 bytes, records cut at blocks of 32 KiB."""
    data, place, parts_, out = path.read_bytes(), 7, b"", []
    while place + 7 <= len(data):
        left = 32768 - place % 32768
        if left < 7:
            place += left
            continue
        length, kind = int.from_bytes(data[place + 4 : place + 6], "little"), data[place + 6]
        parts_ += data[place + 7 : place + 7 + length]
        place += 7 + length
        if kind in (1, 4):  # whole, or the last piece
            out.append(parts_)
            parts_ = b""
    return out


def from_wandb(tracker: Any, run: str) -> Found:
    from wandb.proto.wandb_internal_pb2 import Record

    for path in Path(tracker.folder).glob("wandb/offline-*/*.wandb"):
        records = [Record.FromString(data) for data in wandb_records(path)]
        if run in {record.run.display_name for record in records}:
            configs = [
                u.value_json for r in records for u in r.run.config.update if (u.key or u.nested_key[0]) == "model"
            ]
            assert json.loads(configs[0]) == "保温杯"
            steps = [{(i.key or i.nested_key[0]): i.value_json for i in r.history.item} for r in records]
            found = {(s["_step"], k): v for s in steps if "_step" in s for k, v in s.items() if k[0] != "_"}
            return {(int(s), k): json.loads(v) for (s, k), v in found.items() if v not in ('"NaN"', '"Infinity"')}
    pytest.fail(f"no offline file of {run} among {sorted(Path(tracker.folder).rglob('*.wandb'))}")


def from_mlflow(tracker: Any, run: str) -> Found:
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{Path(tracker.folder).resolve()}/mlflow.db")
    home = client.get_experiment_by_name(tracker.experiment).experiment_id
    (found,) = client.search_runs([home], f"attributes.run_name = '{run}'")
    assert found.data.params["model"] == "保温杯"
    assert found.info.status == "FINISHED"
    histories = {
        name.replace("_at_", "@"): client.get_metric_history(found.info.run_id, name) for name in found.data.metrics
    }
    return {(metric.step, name): metric.value for name, history in histories.items() for metric in history}


def from_swanlab(tracker: Any, run: str) -> Found:
    """Read the offline file of the run, as ``swanlab sync`` does; nothing of the machine is in it."""
    from swanlab.proto.swanlab.record.v1.record_pb2 import Record
    from swanlab.sdk.internal.core_python.store import DataStoreReader

    for path in Path(tracker.folder).glob("swanlab/run-*/*.swanlab"):
        reader = DataStoreReader()
        reader.open(path)
        records = [Record.FromString(data) for data in reader]
        if run in {record.start.name for record in records}:
            assert "保温杯" in (path.parent / "files" / "config.yaml").read_text(encoding="utf-8")
            said = json.loads((path.parent / "files" / "swanlab-metadata.json").read_text())
            assert {name for name, value in said.items() if value is not None} == {"_version"}
            assert not (path.parent / "files" / "requirements.txt").exists()
            return {(r.scalar.step, r.scalar.key): r.scalar.value.number for r in records if r.scalar.key}
    pytest.fail(f"no offline file of {run}")


READ = {
    "jsonl": from_jsonl,
    "tensorboard": from_tensorboard,
    "wandb": from_wandb,
    "mlflow": from_mlflow,
    "swanlab": from_swanlab,
}


@pytest.mark.parametrize("name", parts.names("trackers"))
@pytest.mark.filterwarnings("default")  # what other libraries say of each other
def test_trackers(name: str, tmp_path: Path) -> None:
    needs = parts.find("trackers", name).needs
    if needs:
        pytest.importorskip(needs, reason=f"{needs} is not installed")
    check_tracker(parts.make("trackers", name, folder=str(tmp_path / "here")), READ[name])


def test_mlflow_spells_names_that_it_does_not_take() -> None:
    from steelyard.parts.trackers.mlflow import spelled

    assert spelled("stop/ndcg@10[gain=esci]") == "stop/ndcg_at_10_gain_esci_"
    assert spelled("train/loss") == "train/loss"


def test_listing_and_starting_the_light_one_imports_none_of_them(tmp_path: Path) -> None:
    code = (
        "import sys; from steelyard import parts\n"
        "for name in parts.names('trackers'): parts.describe('trackers', name); parts.find('trackers', name)\n"
        f"parts.make('trackers', 'jsonl', folder={str(tmp_path)!r}).start('r', {{}})\n"
        "sys.exit(bool({'tensorboard', 'wandb', 'mlflow', 'swanlab', 'torch'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_missing_package_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(trackers, "find_spec", lambda name: None)
    assert trackers.by_default() == ("jsonl",)
    with pytest.raises(EnvironmentProblem, match=r"E213.*pip install 'steelyard\[wandb\]'"):
        parts.make("trackers", "wandb", folder=str(tmp_path)).start("r", {})
    monkeypatch.setattr(trackers, "find_spec", lambda name: object())
    assert trackers.by_default() == ("jsonl", "tensorboard")


def test_jsonl_goes_on_where_a_run_was_cut_off(tmp_path: Path) -> None:
    for start in (0, 3):
        with Jsonl(str(tmp_path)) as tracker:
            tracker.start("r", {"a": [1]})
            tracker.log(start, {"loss": float("nan")})
    assert [line.get("step") for line in lines(tracker, "r")] == [None, 0, None, 3]
    assert lines(tracker, "r")[1]["loss"] is None


def step(number: int, value: float | None = None, last: bool = False) -> Step:
    return Step(0, number, 6, 0.5 + number, 0.75, 0.01, 2.0, 8, value, last=last)


def test_steps_of_a_training_are_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(tracking, "time", SimpleNamespace(monotonic=lambda: now))
    monkeypatch.setattr(tracking, "memory_peak", lambda: 2_000_000)
    tracker = Jsonl(str(tmp_path))
    tracker.start("r", {})
    steps = [step(0), step(1), step(2, 0.25), step(3), step(4), step(5, last=True)]

    def taken() -> Iterator[Step]:
        nonlocal now
        for each in steps:
            now += 1.0 + each.step  # of eight rows
            yield each

    for given, followed in zip(steps, follow(taken(), [tracker], every=4), strict=True):
        assert given is followed
        now += 100.0  # what the caller does with a step
    tracker.finish()
    found = {line["step"]: line for line in lines(tracker, "r")[1:]}
    assert list(found) == [0, 2, 4, 5]
    assert found[2] == {
        "step": 2, "train/loss": 2.5, "train/effective_share": 0.75, "train/learning_rate": 0.01,
        "train/gradient_length": 2.0, "stop/value": 0.25,
        "train/rows_per_second": 16 / 5, "machine/peak_memory_mb": 2.0,
    }  # fmt: skip
    assert [line["train/rows_per_second"] for line in found.values()] == [8 / 1, 16 / 5, 16 / 9, 8 / 6]
    assert "stop/value" not in found[5]


def test_the_speed_of_steps_that_came_together_is_told_with_the_last(tmp_path: Path, monkeypatch) -> None:
    now = 0.0
    monkeypatch.setattr(tracking, "time", SimpleNamespace(monotonic=lambda: now))
    tracker = Jsonl(str(tmp_path))
    tracker.start("r", {})

    def taken() -> Iterator[Step]:
        nonlocal now
        for number in range(6):
            now += 12.0 * (number % 3 == 0)  # three of eight rows come at once
            yield replace(step(number), more=number % 3 < 2)

    assert len(list(follow(taken(), [tracker]))) == 6
    tracker.finish()
    speeds = {line["step"]: line.get("train/rows_per_second") for line in lines(tracker, "r")[1:]}
    assert speeds == {0: None, 1: None, 2: 2.0, 3: None, 4: None, 5: 2.0}


class Forgetful(Jsonl):
    """Loses the last name of a step."""

    def write(self, opened: Any, step: int, values: Any) -> None:
        super().write(opened, step, dict(list(values.items())[:1]))


def test_a_broken_tracker_is_told_what_it_breaks(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="Forgetful must keep what was logged"):
        check_tracker(Forgetful(str(tmp_path)), from_jsonl)


def test_a_command_lists_them(capsys: pytest.CaptureFixture) -> None:
    from steelyard.apps.cli import main

    assert main(["list", "trackers"]) == 0
    out = capsys.readouterr().out
    assert all(name in out for name in READ)
    with pytest.raises(UsageError, match=r"U105.*wandb"):
        parts.find("trackers", "wandbb")
