"""Tiers that read meaning are measured on the rows of the quick tier, their cost in trainings of the network."""

from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("torch")

from benchmarks.evidence import cells, deep, plan, summing, writing
from benchmarks.evidence.cells import Cell
from benchmarks.evidence.detectors import BASE, DEFAULT
from benchmarks.evidence.page import render
from steelyard.testing.networks import tiny_bert


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("deep")


@pytest.fixture(scope="module")
def found(folder: Path) -> list[dict]:
    with pytest.MonkeyPatch.context() as m:
        small = replace(deep.DEEP, model=tiny_bert(folder / "bert"), epochs=1)
        m.setattr(deep, "DEEP", small)
        tiers = ("quick", "embed", "full")
        return [cells.run(Cell("detection", "demo_texts", "instance_20", 1, t, 200), folder / "cells") for t in tiers]


def test_every_tier_tells_what_it_took_in_trainings(found: list[dict]) -> None:
    quick, embed, full = found
    assert quick["network"] is None
    assert "trainings" not in quick["scores"][DEFAULT]
    seconds = embed["network"]
    assert seconds["training"] > seconds["reading"] > 0
    read = 1 + seconds["reading"] / seconds["training"]
    assert embed["scores"]["shuffled"]["trainings"] == pytest.approx(read, abs=1e-3)
    trainings = {name: full["scores"][name]["trainings"] for name in (DEFAULT, "network_loss", "shuffled")}
    assert 1 < trainings["shuffled"] < trainings["network_loss"] < trainings[DEFAULT]


def test_networks_leave_nothing_behind(found: list[dict], folder: Path) -> None:
    assert list((folder / "cells").glob("*full*.json"))
    assert not list(folder.rglob("*.work"))
    assert found[2]["cell"]["tier"] == "full"
    assert 0.5 < found[2]["scores"][DEFAULT]["auc"] <= 1


def few(cells: list[dict], rows: int = plan.READ_ROWS) -> list[dict]:
    """The same cells, as if of so many rows."""
    return [{**c, "cell": {**c["cell"], "rows": rows}} for c in cells]


def test_scores_of_other_tiers_stand_beside_where_rows_and_noise_are_the_same(found: list[dict]) -> None:
    quick, embed, full = found
    (both,) = summing.beside(found, ("instance_20",), "embed", ("quick",))
    assert both["scores"][f"quick {BASE}"] == quick["scores"][BASE]
    assert both["scores"][BASE] == embed["scores"][BASE]
    lead = summing.lead([both], DEFAULT, f"quick {BASE}")
    assert lead.value == pytest.approx(embed["scores"][DEFAULT]["ap"] - quick["scores"][BASE]["ap"])
    (every,) = summing.beside(few(found), ("instance_20",), "full", ("quick", "embed"))
    assert {f"quick {DEFAULT}", f"embed {DEFAULT}", "network_loss"} <= set(every["scores"])
    assert not summing.beside([*few([quick], 900), embed, full], ("instance_20",), "embed", ("quick",))


def test_cells_of_few_rows_beside_the_full_tier_count_nowhere_else(found: list[dict]) -> None:
    assert summing.of(found + few(found), "detection") == found[:1]
    assert summing.of(few(found), "detection") == []
    assert not summing.beside(few(found), ("instance_20",), "embed", ("quick",))


def test_the_table_and_the_page_tell_of_it(found: list[dict]) -> None:
    table, _ = writing.meaning([*found, *few(found)])
    lines = [line.split(" | ") for line in table.splitlines()[2:]]
    assert {line[0].strip("| ") for line in lines} == {"embed", "full"}
    assert all(float(line[5]) >= 1 for line in lines)
    assert writing.meaning(found[:1])[0] == ""
    page = render(found, "again")
    assert "What reading meaning finds" in page
    assert "读懂含义能多找出什么" in page
    assert "What reading meaning finds" not in render(found[:1], "again")
