"""The code of docs/bridges.md runs, and the page names every tracker."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from steelyard import parts

PAGE = (Path(__file__).parents[2] / "docs" / "bridges.md").read_text(encoding="utf-8")
WATCH, WEIGH, SKLEARN, PREDICTIONS, BOOSTING, TRACKERS = re.findall(r"```python\n(.*?)```", PAGE, re.S)


def run(code: str, names: dict[str, Any]) -> dict[str, Any]:
    exec(compile(code, "docs/bridges.md", "exec"), names)
    return names


def arrays(n: int = 120) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, 3))
    y = (x[:, 0] > 0).astype(int)
    y[:6] = 1 - y[:6]
    return {"X": x, "y": y, "groups": np.arange(n) // 2, "qid": np.arange(n) // 4, "weights": rng.uniform(0.5, 2, n)}


def test_hugging_face(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    pytest.importorskip("torch", reason="the Hugging Face bridge needs torch")
    pytest.importorskip("accelerate", reason="the Hugging Face bridge needs accelerate")
    from rows import arguments, network, rows
    from transformers import default_data_collator

    monkeypatch.chdir(tmp_path)
    names = {"rows": rows(), "collator": default_data_collator, "weights": np.linspace(0.5, 1.5, 24)}
    names |= {"model": network(), "args": arguments(tmp_path / "out")}
    assert len(run(WATCH, names)["worst"]) == 10
    assert sorted(p.name for p in Path("runs/watched").iterdir()) == ["ledger.parquet", "readings.parquet"]
    run(WEIGH, names | {"model": network(), "args": arguments(tmp_path / "out")})
    size, share = capsys.readouterr().out.split()[-2:]
    assert 18 < float(size) < 24
    assert 0 < float(share) < 1


def test_arrays(capsys: pytest.CaptureFixture) -> None:
    from sklearn.linear_model import LogisticRegression

    names = run(SKLEARN, {**arrays(), "LogisticRegression": LogisticRegression})
    assert names["model"].score(names["X"], names["y"]) > 0.8
    assert len(names["worst"]) == 10
    found = run(BOOSTING, arrays())
    assert [len(found[k]) for k in "abcd"] == [120, 120, 30, 120]
    assert "[" in capsys.readouterr().out


def test_predictions(capsys: pytest.CaptureFixture) -> None:
    names = arrays()
    names["table"] = [{"text": f"row {i}", "label": ["no", "yes"][g]} for i, g in enumerate(names["y"])]
    p = 1 / (1 + np.exp(-4 * names["X"][:, 0]))
    names["pred_probs"] = np.stack([1 - p, p], axis=1)
    assert len(set(run(PREDICTIONS, names)["worst"]) & set(range(6))) > 3
    assert "'" in capsys.readouterr().out


def test_trackers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from steelyard.acts.finetuning import Step

    monkeypatch.chdir(tmp_path)
    steps = [Step(0, i, 2, 0.5, 1.0, 0.1, 1.0, 8, last=i == 1) for i in range(2)]
    assert run(TRACKERS, {"steps": iter(steps)})["last"].last
    assert len(Path("runs/trackers/first.jsonl").read_text().splitlines()) == 3


@pytest.mark.parametrize("name", [n for n in parts.names("trackers") if n != "jsonl"])
def test_the_page_knows_every_tracker(name: str) -> None:
    assert re.search(rf"\b{name}\b", PAGE)
