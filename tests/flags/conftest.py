"""A finished run of the generated catalogue, whose truth is known."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pacsv
import pytest

import steelyard as sy
from steelyard.demonstration import catalogue

from .people import ROWS


@pytest.fixture(scope="module")
def truth() -> pa.Table:
    return catalogue.make(3, ROWS)


@pytest.fixture(scope="module")
def finished(truth: pa.Table, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("finished")
    pacsv.write_csv(truth.drop_columns(["gold", "planted"]), root / "pairs.csv")
    return sy.score(root / "pairs.csv", run_dir=root).run.path


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    """Return a run of its own for each test: what was scored, nothing picked or merged."""
    copy = tmp_path / finished.name
    copy.mkdir()
    for file in finished.iterdir():
        if file.is_file() and not file.name.startswith("."):
            (copy / file.name).write_bytes(file.read_bytes())
    table = tmp_path / "pairs.csv"
    table.write_bytes((finished.parent / "pairs.csv").read_bytes())
    info = json.loads((copy / "run.json").read_text(encoding="utf-8"))
    info |= {"paths": [str(table)], "origin": {**info["origin"], "paths": [str(table)]}}
    (copy / "run.json").write_text(json.dumps(info), encoding="utf-8")
    return copy
