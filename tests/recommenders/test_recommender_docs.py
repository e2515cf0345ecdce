"""The code of docs/recommenders.md runs, and its table names every recommender."""

import re
from pathlib import Path

from steelyard import parts

PAGE = (Path(__file__).parents[2] / "docs" / "recommenders.md").read_text(encoding="utf-8")


def test_the_code_runs(capsys) -> None:
    scope: dict = {}
    for code in re.findall(r"```python\n(.*?)```", PAGE, re.S):
        exec(compile(code, "docs/recommenders.md", "exec"), scope)
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("(3, 24)")
    assert [line.split()[0] for line in said[1:4]] == ["1", "2", "3"]
    assert said[4].endswith("(1, 3)")


def test_the_table_names_every_recommender() -> None:
    assert set(re.findall(r"^\| `(\w+)` \|", PAGE, re.M)) == set(parts.names("recommenders"))
