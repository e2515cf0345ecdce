"""Engines: a function over shards gives the same results in a loop and in processes, in order, and stops at errors."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest

import steelyard as sy
from steelyard import engine, parts
from steelyard.acts import scoring
from steelyard.acts.encoding import InMemory, OnDisk, encode
from steelyard.demonstration import catalogue
from steelyard.engine.processes import Processes
from steelyard.errors import DataError, UsageError
from steelyard.features import blocks
from steelyard.plan import Plan
from steelyard.run import Run
from steelyard.values.samples import Samples

ENGINES = {"here": map, "processes": Processes(2)}


def squared(shard: np.ndarray) -> float:
    return float(np.square(shard).sum())


def refuse(shard: int) -> int:
    if shard == 2:
        raise DataError("D128", column="id", count=1, example="1E+12")
    return shard


@pytest.fixture(scope="module")
def samples() -> Samples:
    return sy.read(catalogue.make(5, 300), columns={"label": "label"})


@pytest.mark.parametrize("each", ENGINES.values(), ids=ENGINES)
def test_results_come_in_the_order_of_the_shards(each: Callable) -> None:
    big = [np.full(300_000, i, np.float32) for i in range(5)]
    assert list(each(squared, big)) == [squared(b) for b in big]
    assert list(each(squared, [])) == []


@pytest.mark.parametrize("each", ENGINES.values(), ids=ENGINES)
def test_an_error_arrives_as_it_was_raised(each: Callable) -> None:
    with pytest.raises(DataError) as e:
        list(each(refuse, range(5)))
    assert e.value.code == "D128"
    assert e.value.facts["column"] == "id"
    assert "表格软件" in e.value.say("zh")


def test_processes_change_no_number(samples: Samples) -> None:
    linear, boosted = parts.make("models", "linear", epochs=2), parts.make("models", "boosted", rounds=8)
    found = []
    for each in ENGINES.values():
        table = encode(samples, each=each)
        found.append(scoring.measure(table, linear, boosted, seed=3, each=each))
    one, other = found
    assert set(one) == set(other)
    for name in one:
        np.testing.assert_array_equal(one[name], other[name], err_msg=name)


def test_text_on_disk_equals_text_in_memory(samples: Samples, tmp_path: Path, monkeypatch) -> None:
    small = 64
    for module in ("features.blocks", "acts.encoding", "features.table", "acts.passes"):
        monkeypatch.setattr(f"steelyard.{module}.ROWS_AT_ONCE", small)
    monkeypatch.setattr(blocks.spans, "__defaults__", (small,))
    memory = encode(samples)
    monkeypatch.setattr("steelyard.acts.encoding.KEEP_ROWS", 10)
    disk = encode(samples, keep=partial(Run.open(tmp_path, "x", Plan("score", {}, {})).keep))
    assert isinstance(memory.text, InMemory)
    assert isinstance(disk.text, OnDisk)
    for start, stop in [(0, 300), (0, small), (50, 130), (256, 300), (7, 7)]:
        a, b = memory.text(start, stop), disk.text(start, stop)
        assert a.shape == b.shape
        assert abs(a - b).max() < 1e-6 if a.nnz else b.nnz == 0
    rows = np.array([1, 63, 64, 200, 299])
    assert abs(memory.rows(rows) - disk.rows(rows)).max() < 1e-6


def test_small_tables_stay_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STEELYARD_PROCESSES", raising=False)
    assert engine.choose(10, 8) is map
    assert engine.choose(10**6, 1) is map
    assert engine.choose(10**6, 3) == Processes(3)
    monkeypatch.setenv("STEELYARD_PROCESSES", "5")
    assert engine.choose(10**6) == Processes(5)
    monkeypatch.setenv("STEELYARD_PROCESSES", "many")
    with pytest.raises(UsageError, match="STEELYARD_PROCESSES"):
        engine.choose(10**6)
