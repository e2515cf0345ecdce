"""The suite runs end to end on what the package brings along; a cell is computed once; nothing is claimed of it."""

import json
import re
from pathlib import Path

import pytest

from benchmarks.evidence import cells, plan, tables
from benchmarks.evidence.detectors import BASE, DEFAULT
from benchmarks.evidence.run import main


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("evidence")
    assert main(["--smoke", "--out", str(out)]) == 0
    return cells.store(out)


def read(folder: Path, kind: str) -> list[dict]:
    return [json.loads(p.read_text(encoding="utf-8")) for p in sorted(folder.glob(f"{kind}-*.json"))]


def test_every_cell_of_the_smoke_list_is_there(folder: Path) -> None:
    assert {p.stem for p in folder.glob("*.json")} == {c.name for c in plan.smoke()}


def test_planted_errors_are_found_better_than_by_chance(folder: Path) -> None:
    found = next(c for c in read(folder, "detection") if c["cell"]["rung"] == "instance_20")
    auc = {name: f["auc"] for name, f in found["scores"].items()}
    assert min(auc[DEFAULT], auc[BASE], auc["aum"], auc["neighbours"]) > 0.8
    assert auc["shuffled"] == pytest.approx(0.5, abs=0.1)
    assert found["scores"]["aum"]["cost"] < found["scores"][BASE]["cost"] < found["scores"][DEFAULT]["cost"]


def test_a_token_that_comes_with_the_errors_deceives_the_held_out_model(folder: Path) -> None:
    token = next(c for c in read(folder, "detection") if c["cell"]["rung"].startswith("artefact"))
    plain = next(c for c in read(folder, "detection") if c["cell"]["rung"] == "instance_20")
    assert token["scores"][BASE]["ap"] < plain["scores"][BASE]["ap"] - 0.2


def test_verdicts_of_clean_and_tiny_tables_do_not_act(folder: Path) -> None:
    answers = {(c["cell"]["rung"], c["rows"]): c["answer"] for c in read(folder, "weighting")}
    tiny = min(rows for _, rows in answers)
    assert answers["uniform_20", tiny] == "cannot_tell"
    assert answers["clean", 600] in ("keep_uniform", "cannot_tell")
    assert all("oracle" in c["arms"] and c["judged_on"] == "gold" for c in read(folder, "weighting"))


def test_leaving_out_the_least_suspicious_half_does_harm(folder: Path) -> None:
    (found,) = read(folder, "curves")
    arms = {name: a["delta"][0] for name, a in found["arms"].items()}
    assert arms["least_0.5"] < arms["random_0.5"] - 0.1


def test_a_second_call_computes_nothing(folder: Path, capsys: pytest.CaptureFixture) -> None:
    before = {p: p.stat().st_mtime_ns for p in folder.glob("*.json")}
    main(["--smoke", "--out", str(folder.parent)])
    assert {p: p.stat().st_mtime_ns for p in folder.glob("*.json")} == before
    said = capsys.readouterr().out
    assert f"{len(before)} cells, {len(before)} there" in said
    assert "## verdicts" in said


def test_the_page_holds_both_languages_and_no_row_of_a_table(folder: Path) -> None:
    page = (folder / "evidence.html").read_text(encoding="utf-8")
    assert "Does it find wrong labels?" in page
    assert "能否找出错误标签" in page
    assert not re.search(r'(?:src|href)="(?!#)', page)
    assert "nan" not in re.sub(r"<(style|script).*?</\1>", "", page, flags=re.S)
    texts = tables.truth("demo_texts", 600).texts("text")
    assert not any(t in page for t in texts if len(t) > 20)
    assert re.search(r"^python -m benchmarks.evidence --full", page, re.M)  # each command on a line of its own


def test_cells_of_a_list_have_names_of_their_own() -> None:
    for chosen in (plan.cells(), plan.cells(True), plan.smoke()):
        assert len({c.name for c in chosen}) == len(chosen)


def test_a_cell_of_another_code_is_not_read_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = cells.store(tmp_path)
    monkeypatch.setattr(cells, "code", lambda: "other")
    assert cells.store(tmp_path) != here
