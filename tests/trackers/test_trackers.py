"""Every tracker keeps its contract, read back by the library it writes for; nothing but numbers goes through it."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from steelyard import parts
from steelyard.acts.finetuning import Step
from steelyard.acts.tracking import follow
from steelyard.errors import EnvironmentProblem, UsageError
from steelyard.parts import trackers
from steelyard.parts.trackers.jsonl import Jsonl
from steelyard.testing import check_tracker


def lines(folder: str, run: str) -> list[dict]:
    text = (Path(folder) / f"{run}.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def from_jsonl(tracker, run: str) -> dict:
    return {
        (line["step"], name): value
        for line in lines(tracker.folder, run)[1:]
        for name, value in line.items()
        if name != "step"
    }


def from_tensorboard(tracker, run: str) -> dict:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(Path(tracker.folder) / run)).Reload()
    read = lambda tag: [e.tensor_proto for e in events.Tensors(tag)]  # noqa: E731
    assert "保温杯" in read("config/text_summary")[0].string_val[0].decode() if "config/text_summary" in events.Tags()["tensors"] else True
    return {(e.step, tag): e.value for tag in events.Tags()["scalars"] for e in events.Scalars(tag)}


READ = {"jsonl": from_jsonl, "tensorboard": from_tensorboard}


@pytest.mark.parametrize("name", parts.names("trackers"))
def test_trackers(name: str, tmp_path: Path) -> None:
    pass
