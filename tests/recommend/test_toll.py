"""What a table of interactions will take: grows with what is asked, and is said before the work."""

import json
from dataclasses import replace

import pytest

import steelyard as sy
from steelyard.acts.checks.cost import Machine
from steelyard.acts.checks.toll import tolls
from steelyard.apps.cli import main

from .test_viewing import rows

HERE = Machine(cores=2, memory=8e9, torch=False)


def test_it_grows_with_rows_and_views_and_a_comparison_costs_more() -> None:
    small, large = rows(users=60)[0], rows(users=600)[0]
    a, b = tolls(small, HERE), tolls(large, HERE)
    for verb in ("score", "compare"):
        assert b[verb]["seconds"] > a[verb]["seconds"]
        assert b[verb]["memory_bytes"] > a[verb]["memory_bytes"]
    assert b["compare"]["seconds"] > b["score"]["seconds"]
    assert tolls(replace(large, titles=None), HERE)["score"]["seconds"] < b["score"]["seconds"]


@pytest.mark.parametrize("command", [["check"], ["score", "--dry-run"]])
def test_the_command_line_says_it_before_the_work(tmp_path, capsys, command) -> None:
    of, _ = rows(users=30)
    path = tmp_path / "t.csv"
    lines = [f"{of.user_ids[u]},{of.item_ids[i]}" for u, i in zip(of.user, of.item, strict=True)]
    path.write_text("\n".join(["user,item", *lines]))
    assert main([command[0], str(path), *command[1:]]) == 0
    said = capsys.readouterr().out
    assert "score: about" in said
    assert "compare: about" in said
    assert main([command[0], str(path), *command[1:], "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["estimates"]
    assert set(told) == {"score", "compare"}
    assert told["score"] == dict(sy.check(path).estimates["score"])
