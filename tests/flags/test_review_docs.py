"""The code of docs/review.md runs."""

import csv
import re
from pathlib import Path

import pyarrow.csv as pacsv

from steelyard.api import open_run
from steelyard.demonstration import catalogue

PAGE = Path(__file__).parents[2] / "docs" / "review.md"


def test_the_code_runs(tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    made = catalogue.make(3, 240)
    pacsv.write_csv(made.drop_columns(["gold", "planted"]), "pairs.csv")

    def label(path: Path) -> None:
        truth = dict(zip(open_run("last").column("row_key").tolist(), made["gold"].to_pylist(), strict=True))
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = [{**row, "answer": truth[row["row_key"]]} for row in csv.DictReader(file)]
        with path.open("w", encoding="utf-8-sig", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)

    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)
    exec(code, {"label": label})
    rate, reviewed = capsys.readouterr().out.strip().splitlines()
    assert "'rows': 72" in rate
    assert "'rows': 110" in reviewed
    assert Path("flags.csv").exists()
