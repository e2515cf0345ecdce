"""Both views in a run: columns, quadrants with what they ask for, and what is said where nobody can look."""

import numpy as np
import pyarrow.parquet as pq
import pytest

import steelyard as sy
from steelyard import recommendation
from steelyard.apps.cli import main
from steelyard.errors import UsageError

from .test_viewing import rows


@pytest.fixture(scope="module")
def table():
    of, wrong = rows(users=100, planted=0.1)
    return [
        {"user": of.user_ids[u], "item": of.item_ids[i], "rating": 2.0 if w else 5.0, "title": of.titles[i]}
        for u, i, w in zip(of.user, of.item, wrong, strict=True)
    ]


def test_a_run_has_both_places_a_quadrant_and_what_it_asks_for(table, tmp_path) -> None:
    run = sy.score(table, relevant=4, run_dir=tmp_path)
    views, found = run.info["views"], run.info["reviewed"]["by"]
    assert views["by"] == "words"
    assert found["two_views"]["auc"] > max(found["suspicion"]["auc"], found["in_sample_loss"]["auc"], 0.85)
    doubted = max(run.rows(range(len(table))), key=lambda r: r["two_views"])
    assert doubted["quadrant"] == "mis_click"
    assert "lower its weight" in doubted["views_en"]
    assert "降低权重" in doubted["views_zh"]
    assert not any(word in str(doubted) for word in ("mislabel", "wrong label", "错标"))  # C140


def test_without_titles_there_are_no_views_and_the_run_says_why(table, tmp_path) -> None:
    bare = [{k: v for k, v in row.items() if k != "title"} for row in table]
    run = sy.score(bare, run_dir=tmp_path)
    assert run.info["views"] == {"by": None, "why": "no_titles"}
    assert "quadrant" not in run.table.column_names
    assert "two_views" not in run.table.column_names
    with pytest.raises(UsageError) as error:
        sy.score(bare, tier="embed", run_dir=tmp_path)
    assert error.value.code == "U206"


def test_a_catalogue_too_large_for_them_is_said(table, tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setattr(recommendation, "VIEWED", 50)
    path = tmp_path / "t.csv"
    head = list(table[0])
    path.write_text("\n".join([",".join(head), *(",".join(str(r[c]) for c in head) for r in table)]))
    assert main(["score", str(path), "--run-dir", str(tmp_path)]) == 0
    assert "invert a matrix of 80 rows, 50 at most" in capsys.readouterr().out
    assert sy.score(path, run_dir=tmp_path).info["views"]["why"] == "too_large"


def test_a_clean_table_keeps_every_row_and_marks_by_the_stated_rule(table, tmp_path) -> None:
    path = tmp_path / "own.csv"
    head = [*table[0], "note", "split"]
    splits = ["train" if k % 5 else "test" for k in range(len(table))]
    rows_ = [[*r.values(), f"n{k}", s] for k, (r, s) in enumerate(zip(table, splits, strict=True))]
    path.write_text("\n".join(",".join(map(str, r)) for r in [head, *rows_]))
    run = sy.score(path, run_dir=tmp_path)
    out = tmp_path / "clean.parquet"
    assert main(["export", run.id, "clean", "--out", str(out), "--run-dir", str(tmp_path)]) == 0
    clean = pq.read_table(out)
    assert clean.select(head).to_pylist() == [dict(zip(head, map(str, r), strict=True)) for r in rows_]
    marked = np.array(clean["steelyard_marked"].to_pylist())
    likely = run.column("quadrant") == "mis_click"
    assert np.array_equal(marked, likely & (np.array(splits) == "train"))
    assert 0 < marked.sum() < likely.sum()
    weight = np.array([np.nan if w is None else w for w in clean["steelyard_weight"].to_pylist()])
    assert np.isnan(weight).tolist() == [s == "test" for s in splits]
    assert np.nanmean(weight) == pytest.approx(1)
    assert clean["steelyard_suspicion"].to_pylist() == run.column("suspicion").tolist()


def test_a_clean_table_of_lists_is_one_row_an_item_and_nothing_is_marked_without_views(tmp_path) -> None:
    of, _ = rows(users=40)
    lists = [{"user": f"u{u}", "items": [f"i{i}" for i in of.item[of.user == u]]} for u in range(40)]
    run = sy.score(lists, run_dir=tmp_path)
    clean = pq.read_table(sy.export(run, "clean"))
    assert clean.num_rows == len(of)
    assert clean["item_id"].to_pylist() == [f"i{i}" for i in of.item]
    assert not any(clean["steelyard_marked"].to_pylist())
    assert set(clean["steelyard_quadrant"].to_pylist()) == {None}


def test_a_clean_table_from_memory_keeps_which_rows_were_shown_and_not_taken(tmp_path) -> None:
    """The column exposed is not kept: without the label a row that was left looks like one that nobody saw."""
    of, _ = rows(users=40)
    said = [(1, 1), (0, 1), (1, 1), (0, 0)]  # taken; shown and left; taken; nobody saw it
    given = [
        {"user": of.user_ids[u], "item": of.item_ids[i], "title": of.titles[i], "click": click, "exposed": shown}
        for u, i, (click, shown) in zip(of.user, of.item, (said[k % 4] for k in range(len(of))), strict=True)
    ]
    clean = pq.read_table(sy.export(sy.score(given, run_dir=tmp_path), "clean"))
    assert clean["steelyard_label"].to_pylist() == [(1, 0, 1, None)[k % 4] for k in range(len(of))]
    assert clean["title"].to_pylist() == [r["title"] for r in given]
    again = sy.read(clean)
    assert again.value.tolist() == [float(r["click"]) for r in given]
    assert again.titles is not None
