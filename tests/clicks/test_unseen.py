"""Clicks without a position are ranked by doubt; none is called mislabelled (C140)."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import steelyard as sy
from steelyard.apps import draw
from steelyard.demonstration import catalogue


def log(position: bool) -> pa.Table:
    made = catalogue.make(5, 600)
    rng = np.random.default_rng(0)
    click = np.array([v == made["category"][0].as_py() for v in made["category"].to_pylist()])
    click ^= rng.random(len(click)) < 0.08
    table = pa.table({"text": made["title"], "click": click.astype(int)})
    return table.append_column("position", pa.array(rng.integers(1, 9, len(click)))) if position else table


@pytest.mark.parametrize("position", [False, True])
def test_flags_need_a_position(position: bool, tmp_path: Path) -> None:
    run = sy.score(log(position), columns={"label": "click"}, task="classification", run_dir=tmp_path)
    given, suggested = run.column("given"), run.column("suggested")
    assert run.info["flagged"] == run.column("flagged").sum()
    assert bool(run.column("flagged").any()) is position
    assert bool((given != suggested).any()) is position
    assert (run.info["error_rate"] is None) is not position
    assert np.isfinite(run.column("suspicion")).all()
    for lang in ("en", "zh"):
        assert ("LM14" in draw.scored(run, lang)) is not position
    page = sy.report(run, tmp_path / "page.md").read_text(encoding="utf-8")
    assert ("No row is flagged and no label suggested" in page) is not position
    sy.report(run, tmp_path / "page.html")
