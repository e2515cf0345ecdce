"""Clicks without a position are ranked by doubt; none is called mislabelled (C140)."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import steelyard as sy
from steelyard.acts.checks.labels import clicks, unseen_clicks
from steelyard.apps import draw
from steelyard.demonstration import catalogue
from steelyard.errors import UsageError
from steelyard.wording import say


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


def impressions(name: str, position: bool = False, labels=(0, 1), n: int = 240) -> list[dict]:
    """Return a log of fields; every row stands three times, and some are outvoted by their twins."""
    rng = np.random.default_rng(0)
    rows = []
    for k in range(n // 3):
        site, device = (int(v) for v in rng.integers(4, size=2))
        row = {"site": f"s{site}", "device": f"d{device}", "shop_id": f"x{k}"}
        row |= {"position": int(rng.integers(1, 9))} if position else {}
        told = int(site % 2 == 0)
        rows += [{**row, name: labels[told ^ odd]} for odd in (0, 0, int(rng.random() < 0.3))]
    return rows


@pytest.mark.parametrize(
    ("name", "labels", "task"),
    [
        ("purchased", (0, 1), None),
        ("isConversion", (0, 1), None),
        ("是否购买", ("否", "是"), None),
        ("label", (0, 1), "click"),
        ("converted", ("no", "yes"), None),
    ],
)
def test_clicks_by_any_name_need_a_position(name: str, labels: tuple, task: str | None) -> None:
    rows = sy.read(impressions(name, labels=labels), task=task)
    assert clicks(rows) == unseen_clicks(rows) == name
    (found,) = sy.check(rows).find("C140")
    assert name in found.say("zh")
    shown = sy.read(impressions(name, position=True, labels=labels), task=task)
    assert unseen_clicks(shown) is None
    assert sy.check(shown).find("C140.ok")


def test_labels_that_are_no_clicks_stay_labels() -> None:
    rows = [{"text": f"word{k % 7} of {k}", "label": k % 2} for k in range(40)]
    assert clicks(sy.read(rows)) is None
    grades = [{**r, "purchased": k % 4} for k, r in enumerate(impressions("purchased"))]
    assert clicks(sy.read(grades)) is None


@pytest.mark.parametrize("name", ["purchased", "label"])
def test_no_arm_changes_clicks_that_nobody_may_have_seen(name: str, tmp_path: Path) -> None:
    few = {"seeds": 1, "repairs": 1, "inner_folds": 2, "processes": 1, "run_dir": tmp_path}
    run = sy.score(impressions(name), task="click", run_dir=tmp_path, processes=1)
    assert run.info["unseen_clicks"] == name
    assert not run.column("flagged").any()
    assert (run.column("given") == run.column("suggested")).all()
    found = sy.compare(run, model="linear", **few)
    arms = {a.name for a in found.arms}
    assert {"gate", "prune", "shuffled", "uniform"} <= arms
    assert not arms & {"relabel", "soft_label", "majority_fix"}
    (told,) = (facts for code, facts in found.limits if code == "VL08")
    assert told["column"] == name
    assert set(told["arms"].split(", ")) == {"relabel", "soft_label", "majority_fix"}
    gate = sy.compare(run, model="linear", arms=["gate"], **few)
    assert "VL08" not in dict(gate.limits)
    with pytest.raises(UsageError) as error:
        sy.compare(run, model="linear", arms=["relabel", "soft_label"], **few)
    assert error.value.code == "U223"
    for lang in ("en", "zh"):
        assert "prune" in error.value.say(lang)
        assert "majority_fix" in say("VL08", lang, **told)


def test_clicks_with_a_position_may_be_repaired(tmp_path: Path) -> None:
    run = sy.score(impressions("purchased", position=True), run_dir=tmp_path, processes=1)
    few = {"seeds": 1, "repairs": 1, "inner_folds": 2, "processes": 1, "run_dir": tmp_path}
    found = sy.compare(run, model="linear", arms=["relabel"], **few)
    assert "relabel" in {a.name for a in found.arms}
    assert "VL08" not in dict(found.limits)
