"""Tiers that read meaning are measured on the rows of the quick tier, their cost in trainings of the network."""

from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("torch")

from benchmarks.evidence import cells, deep, summing, writing
from benchmarks.evidence.cells import Cell
from benchmarks.evidence.detectors import BASE, DEFAULT
from benchmarks.evidence.page import render
from steelyard.testing.networks import tiny_bert


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> list[dict]:
    folder = tmp_path_factory.mktemp("deep")
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


def test_networks_leave_nothing_behind(found: list[dict], tmp_path: Path) -> None:
    assert not list(tmp_path.rglob("*.work"))
    assert found[2]["cell"]["tier"] == "full"
    assert 0.5 < found[2]["scores"][DEFAULT]["auc"] <= 1


def test_scores_of_other_tiers_stand_beside_where_rows_and_noise_are_the_same(found: list[dict]) -> None:
    quick, embed, full = found
    (both,) = summing.beside(found, ("instance_20",), "embed", ("quick",))
    assert both["scores"][f"quick {BASE}"] == quick["scores"][BASE]
    assert both["scores"][BASE] == embed["scores"][BASE]
    lead = summing.lead([both], DEFAULT, f"quick {BASE}")
    assert lead.value == pytest.approx(embed["scores"][DEFAULT]["ap"] - quick["scores"][BASE]["ap"])
    (every,) = summing.beside(found, ("instance_20",), "full", ("quick", "embed"))
    assert {f"quick {DEFAULT}", f"embed {DEFAULT}", "network_loss"} <= set(every["scores"])
    other = {**quick, "cell": {**quick["cell"], "rows": 900}}
    assert not summing.beside([other, embed, full], ("instance_20",), "embed", ("quick",))


def test_the_table_and_the_page_tell_of_it(found: list[dict]) -> None:
    table, _ = writing.meaning(found)
    lines = [line.split(" | ") for line in table.splitlines()[2:]]
    assert {line[0].strip("| ") for line in lines} == {"embed", "full"}
    assert all(float(line[5]) >= 1 for line in lines)
    assert writing.meaning(found[:1]) == ("", writing.meaning(found[:1])[1])
    page = render(found, "again")
    assert "What reading meaning finds" in page
    assert "读懂含义能多找出什么" in page
    assert "What reading meaning finds" not in render(found[:1], "again")
