"""The page on recommendation: its code runs, and it names what there is."""

import re
from pathlib import Path

from steelyard import parts, recommendation
from steelyard.acts import recommending
from steelyard.acts.dividing import at_random, by_user_time, leave_last_out

PAGE = (Path(__file__).parents[2] / "docs" / "recommendation.md").read_text(encoding="utf-8")


def test_its_code_runs(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.S)
    exec(compile(code, "docs/recommendation.md", "exec"), {})
    users, reason, order, quadrant, answer = capsys.readouterr().out.strip().splitlines()
    assert users == "240"
    assert "took it too" in reason
    assert order == "True"
    assert "'rows'" in quadrant
    assert answer in {"use_weights", "prune", "relabel_first", "keep_uniform", "cannot_tell"}
    assert "steelyard_marked" in (tmp_path / "visits-clean.csv").read_text(encoding="utf-8").splitlines()[0]
    assert "Two views" in (tmp_path / "visits.html").read_text(encoding="utf-8")


def test_it_names_every_reading_arm_and_split() -> None:
    named = [*recommendation.estimators(), *recommending.POLICIES, *recommending.BASELINES]
    named += [f"step_{name}" for name in recommending.ALPHAS]
    named += [n for n in ("recbole", "movielens") if n in parts.names("sources")]
    assert [n for n in named if f"`{n}`" not in PAGE] == []
    for way, word in ((leave_last_out, "last"), (by_user_time, "user_time"), (at_random, "random")):
        assert f"`{word}`" in PAGE, way
