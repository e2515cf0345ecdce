"""The code of docs/training.md runs."""

import re
from pathlib import Path

import numpy as np
from tiny import texts

from steelyard import parts

PAGE = (Path(__file__).parents[2] / "docs" / "training.md").read_text(encoding="utf-8")


def test_the_page_runs(bert: str, folder: Path, capsys) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.S)
    names: dict = {"samples": texts(), "folder": bert, "work": folder}
    exec(code, names)
    assert np.isfinite(names["ledger"].columns()["aum"]).all()
    assert len(capsys.readouterr().out.splitlines()) > 12


def test_the_page_knows_every_alpha_and_task() -> None:
    for name in (*parts.names("alphas"), *parts.names("tasks")):
        assert f"`{name}`" in PAGE, name
