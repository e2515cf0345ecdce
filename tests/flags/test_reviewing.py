"""What gold labels say of flags and ranking: precision by the rows inside, recall only of rows that were not chosen."""

import json
import re
from pathlib import Path

import jsonschema
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import steelyard as sy
from steelyard.acts.calibrating import REVIEWED
from steelyard.acts.intervals import wilson
from steelyard.acts.reviewing import judged
from steelyard.api import open_run
from steelyard.apps import draw
from steelyard.apps.cli import main
from steelyard.demonstration import catalogue
from steelyard.page.verdict import what_next
from steelyard.review import listed

from .people import answer

N = 2000


def table(seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return suspicion, flags, given labels and true ones: a tenth is wrong and mostly on top."""
    rng = np.random.default_rng(seed)
    wrong = rng.random(N) < 0.1
    suspicion = 1 / (1 + np.exp(-(rng.normal(size=N) + 3 * wrong - 2)))
    return suspicion, suspicion > 0.6, np.zeros(N, np.int64), wrong.astype(np.int64)


def of(gold: np.ndarray, rows: np.ndarray) -> np.ndarray:
    return np.where(rows, gold, -1)


def test_precision_at_a_share_by_hand() -> None:
    suspicion, flagged, label, gold = table()
    rows = np.random.default_rng(1).random(N) < 0.6
    found = judged(suspicion, flagged, label, of(gold, rows))
    assert found is not None
    assert [at["share"] for at in found["at"]] == [0.05, 0.1], "of the first 1% fewer than 50 rows are reviewed"
    top = np.argsort(-suspicion)[:100]
    inside = top[rows[top]]
    first = found["at"][0]
    assert (first["k"], first["rows"], first["wrong"]) == (100, len(inside), gold[inside].sum())
    low, high = wilson(int(gold[inside].sum()), len(inside))
    assert (first["low"], first["high"]) == (pytest.approx(low), pytest.approx(high))
    assert first["even"]
    assert found["drawn"]
    assert found["recall"] == gold[rows & flagged].sum() / gold[rows].sum()


def test_precision_at_a_share_holds_for_all_its_rows() -> None:
    """Over reviews drawn by chance the interval holds the precision of the whole top, as often as it says."""
    suspicion, flagged, label, gold = table()
    true = gold[np.argsort(-suspicion)[:200]].mean()
    hits = []
    for seed in range(200):
        rows = np.random.default_rng(seed).random(N) < 0.5
        at = judged(suspicion, flagged, label, of(gold, rows))["at"][-1]
        hits.append(at["low"] <= true <= at["high"])
    assert np.mean(hits) >= 0.93


def test_chosen_rows_tell_no_recall_and_say_so() -> None:
    suspicion, flagged, label, gold = table()
    rows = np.zeros(N, bool)
    rows[np.argsort(-suspicion)[:120]] = True
    found = judged(suspicion, flagged, label, of(gold, rows))
    assert found is not None
    assert found["recall"] is None
    assert not found["drawn"]
    even = {at["share"]: at["even"] for at in found["at"]}
    assert even == {0.05: True, 0.1: False}, "all of the first 100 were reviewed; of the first 200 the upper part"


def test_few_reviewed_rows_tell_nothing() -> None:
    suspicion, flagged, label, gold = table()
    assert judged(suspicion, flagged, label, of(gold, np.arange(N) < REVIEWED - 1)) is None
    assert judged(suspicion, flagged, label, of(gold, np.arange(N) < REVIEWED)) is not None
    assert judged(suspicion, flagged, label, None) is None


@pytest.fixture(scope="module")
def texts() -> pa.Table:
    """Return titles with their category as label, a tenth of them flipped, the true one of most rows as gold."""
    made = catalogue.make(5, 900)
    made = made.filter(pa.array([v == "us" for v in made["locale"].to_pylist()]))
    gold = np.array(made["category"].to_pylist(), object)
    names, rng = np.unique(gold), np.random.default_rng(0)
    label = np.where(rng.random(len(gold)) < 0.1, rng.choice(names, len(gold)), gold)
    return pa.table({"text": made["title"], "label": label.tolist(), "gold": gold.tolist()})


def test_a_table_of_texts_has_no_queries_and_says_its_precision(texts: pa.Table, tmp_path: Path, capsys) -> None:
    pq.write_table(texts, tmp_path / "texts.parquet")
    for lang, word, other, precision in (
        ("en", "unseen texts", "queries", r"Of the \d+ most suspicious rows \(10% of the labelled\)"),
        ("zh", "未见文本", "查询", r"最可疑的 \d+ 行（占已标注行的 10%）"),
    ):
        assert main(["score", str(tmp_path / "texts.parquet"), "--run-dir", str(tmp_path), "--lang", lang]) == 0
        out = capsys.readouterr().out
        told = out[: out.index("\n\n")]
        assert word in told
        assert other not in told
        assert re.search(precision, told)
    run = sy.score(tmp_path / "texts.parquet", run_dir=tmp_path)
    assert main(["score", str(tmp_path / "texts.parquet"), "--run-dir", str(tmp_path), "--json"]) == 0
    page = (Path(__file__).parents[2] / "docs" / "json.md").read_text(encoding="utf-8")
    schema = re.search(r"## steelyard.score/1\n.*?```json\n(.*?)```", page, re.S)
    jsonschema.validate(json.loads(capsys.readouterr().out), json.loads(schema[1]))
    assert run.info["reviewed"]["at"]
    for suffix in ("md", "html"):
        report = sy.report(run, tmp_path / f"page.{suffix}").read_text(encoding="utf-8")
        assert "10% of the labelled" in report
        assert "other queries" not in report


def test_advice_on_texts_asks_for_texts() -> None:
    texts, queries = what_next("cannot_tell", "texts"), what_next("cannot_tell", "queries")
    assert ("test texts" in texts.en, "测试文本" in texts.zh) == (True, True)
    assert ("test queries" in queries.en, "测试查询" in queries.zh) == (True, True)


def test_gold_of_a_table_of_queries_speaks_of_queries(truth: pa.Table, tmp_path: Path) -> None:
    run = sy.score(truth.drop_columns(["planted"]), run_dir=tmp_path)
    assert "unseen queries" in draw.scored(run, "en")
    assert "未见查询" in draw.scored(run, "zh")


def test_merged_answers_are_told_by_the_run_and_its_report(run: Path, truth: pa.Table, tmp_path: Path, capsys) -> None:
    before = sy.report(run, tmp_path / "before.md").read_text(encoding="utf-8")
    assert "No reviewed labels were given" in before
    queue = sy.pick(run, budget=140, random=0.4, controls=0)
    sy.merge(run, answer(queue.paths[0], run, truth))
    assert main(["show", str(run), "info"]) == 0
    shown = capsys.readouterr().out
    page = sy.report(run, tmp_path / "after.md").read_text(encoding="utf-8").replace("\\", "")
    for text in (shown, page):
        assert "Of the 50 most suspicious reviewed rows" in text
        assert "Of the 10 most" not in text
        assert "Of 56 rows drawn by chance" in text
    assert "No reviewed labels were given" not in page


def test_chosen_gold_is_told_without_recall_in_both_languages(run: Path, truth: pa.Table, tmp_path: Path) -> None:
    queue = sy.pick(run, budget=80, random=0, controls=0)
    merged = sy.merge(run, answer(queue.paths[0], run, truth))
    again = sy.score(merged.path, columns={"label": "label_original"}, run_dir=tmp_path / "runs")
    assert again.info["reviewed"]["recall"] is None
    for lang, words in (("en", "were chosen, not drawn by chance"), ("zh", "并非随机抽取")):
        assert words in draw.scored(again, lang)
    page = sy.report(again, tmp_path / "page.md").read_text(encoding="utf-8")
    assert "wrong labels flagged" not in page
    assert "were chosen, not drawn by chance" in page


def test_a_list_by_gold_says_what_it_takes_for_granted(truth: pa.Table, tmp_path: Path, capsys) -> None:
    drawn = np.random.default_rng(0).random(truth.num_rows) < 0.5
    gold = pa.array(np.where(drawn, np.array(truth["gold"].to_pylist(), object), None).tolist(), pa.string())
    made = truth.drop_columns(["planted", "gold"]).append_column("gold", gold)
    run = sy.score(made, run_dir=tmp_path)
    assert listed(run, 0.4, None)[1]["by"] == "gold"
    for lang, words in (("en", "proves little"), ("zh", "说明不了多少")):
        assert main(["export", str(run.run.path), "flags", "--fdr", "0.4", "--lang", lang]) == 0
        assert words in capsys.readouterr().out


def test_a_list_by_answers_does_not(run: Path, truth: pa.Table) -> None:
    queue = sy.pick(run, budget=80, random=1, controls=0)
    sy.merge(run, answer(queue.paths[0], run, truth))
    assert listed(open_run(run), 0.4, None)[1]["by"] == "answers"
