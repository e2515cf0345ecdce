"""Pick, label, merge, list: what people answered comes back whole, and says no more than it can."""

import json
import re
from pathlib import Path

import jsonschema
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import steelyard as sy
from steelyard.acts.reviewing import by_chance
from steelyard.api import open_run
from steelyard.apps.cli import main
from steelyard.errors import DataError, DataErrors, UsageError
from steelyard.review import reviewed

from .people import ROWS, answer, rows_of, write


def test_a_queue_shows_nothing_that_tells_the_controls(run: Path) -> None:
    queue = sy.pick(run, budget=100)
    rows = rows_of(queue.paths[0])
    assert set(rows[0]) == {
        "row_key", "query", "title", "brand", "category", "price", "locale", "answer", "note", "pick", "annotator",
    }  # fmt: skip
    assert {r["answer"] for r in rows} == {""}
    places = np.flatnonzero(queue.picked.part == "control")
    assert len(places) == 8
    assert 10 < places.mean() < 90, "controls lie anywhere in the queue"


def test_the_queue_is_the_same_again_and_another_with_another_seed(run: Path) -> None:
    first = sy.pick(run, budget=50).paths[0].read_bytes()
    assert sy.pick(run, budget=50).paths[0].read_bytes() == first
    assert sy.pick(run, budget=50, seed=1).paths[0].read_bytes() != first


def test_the_suspicious_part_is_the_top_without_near_identical_rows(run: Path) -> None:
    from steelyard.features.duplicates import near_codes

    scored = open_run(run)
    queue = sy.pick(scored, budget=60, random=0, controls=0)
    codes = near_codes(scored.samples)[queue.picked.rows]
    assert len(set(codes)) == 60
    wanted = scored.order()[: 60 + queue.picked.near]
    assert set(queue.picked.rows) <= set(wanted)


def test_the_random_part_is_drawn_from_all_rows(run: Path) -> None:
    """Its suspicion averages to that of the table, over seeds; the suspicious part's does not."""
    scored = open_run(run)
    suspicion = scored.column("suspicion")
    seeds = [sy.pick(scored, budget=60, seed=s).picked for s in range(12)]
    drawn = np.concatenate([q.rows[q.part == "random"] for q in seeds])
    assert abs(suspicion[drawn].mean() - suspicion.mean()) < 3 * suspicion.std() / len(drawn) ** 0.5
    assert suspicion[seeds[0].rows[seeds[0].part == "suspect"]].mean() > suspicion.mean() + suspicion.std()


def test_shown_labels_are_wrong_in_half_of_the_controls_only(run: Path) -> None:
    queue = sy.pick(run, budget=200, show_label=True, random=0.1, controls=0.2)
    given = open_run(run).column("given")[queue.picked.rows]
    shown = np.array([r["label"] for r in rows_of(queue.paths[0])])
    control = queue.picked.part == "control"
    assert (shown[~control] == given[~control]).all()
    assert (shown[control] != given[control]).sum() == control.sum() // 2 > 5


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_labels_come_back_from_every_kind_of_file(suffix: str, run: Path, truth: pa.Table, tmp_path: Path) -> None:
    keys, gold = open_run(run).column("row_key").tolist(), truth["gold"].to_pylist()
    sy.pick(run, budget=80, path=tmp_path / f"q{suffix}")
    by_key = dict(zip(keys, gold, strict=True))
    if suffix == ".csv":
        answer(tmp_path / "q.csv", run, truth)
    elif suffix == ".jsonl":
        rows = [json.loads(line) for line in (tmp_path / "q.jsonl").read_text(encoding="utf-8").splitlines()]
        text = "".join(json.dumps({**r, "answer": by_key[r["row_key"]]}) + "\n" for r in rows)
        (tmp_path / "q.jsonl").write_text(text, encoding="utf-8")
    else:
        table = pq.read_table(tmp_path / "q.parquet")
        answers = pa.array([by_key[k] for k in table["row_key"].to_pylist()])
        pq.write_table(table.set_column(table.column_names.index("answer"), "answer", answers), tmp_path / "q.parquet")
    found = sy.merge(run, tmp_path / f"q{suffix}")
    assert found.facts["rows"] == 80
    assert found.facts["error_rate"]["rows"] == 16


def test_label_studio_there_and_back(run: Path, truth: pa.Table, tmp_path: Path) -> None:
    by_key = dict(zip(open_run(run).column("row_key").tolist(), truth["gold"].to_pylist(), strict=True))
    sy.pick(run, budget=40, path=tmp_path / "tasks.json")
    tasks = json.loads((tmp_path / "tasks.json").read_text(encoding="utf-8"))
    assert "answer" not in tasks[0]["data"]
    for task in tasks:
        choice = {"from_name": "answer", "type": "choices", "value": {"choices": [by_key[task["data"]["row_key"]]]}}
        task["annotations"] = [{"completed_by": {"email": "bo@example.org"}, "result": [choice]}]
    tasks[0]["annotations"][0]["was_cancelled"] = True
    (tmp_path / "done.json").write_text(json.dumps(tasks), encoding="utf-8")
    found = sy.merge(run, tmp_path / "done.json")
    assert found.facts["answers"] == 39
    assert found.facts["empty"] == 1
    assert found.facts["people"][0]["annotator"] == "bo@example.org"


def test_the_merged_table_keeps_every_row_and_the_original_label(run: Path, truth: pa.Table) -> None:
    queue = sy.pick(run, budget=120, controls=0)
    found = sy.merge(run, answer(queue.paths[0], run, truth))
    table = pq.read_table(found.path)
    assert table.num_rows == ROWS
    assert table["label_original"].to_pylist() == truth["label"].to_pylist()
    asked = np.zeros(ROWS, bool)
    asked[queue.picked.rows] = True
    gold = np.array(truth["gold"].to_pylist())
    assert (np.array(table["gold"].to_pylist(), object) == np.where(asked, gold, None)).all()
    train = np.array(truth["split"].to_pylist()) == "train"
    given = np.array(truth["label"].to_pylist())
    assert (np.array(table["label"].to_pylist()) == np.where(asked & train, gold, given)).all()
    assert found.facts["changed"] == (asked & train & (gold != given)).sum() > 10
    assert found.facts["not_edited"] == (asked & ~train & (gold != given)).sum() > 0


def test_reviewed_rows_are_gold_of_the_next_run(run: Path, truth: pa.Table, tmp_path: Path) -> None:
    queue = sy.pick(run, budget=120, controls=0)
    found = sy.merge(run, answer(queue.paths[0], run, truth))
    again = sy.score(found.path, columns={"label": "label_original"}, run_dir=tmp_path / "runs")
    assert again.info["reviewed"]["rows"] == 120
    assert again.info["calibration"]["rows"] == 120
    assert all("original" not in s["column"] and "steelyard" not in s["column"] for s in again.slices())


def test_annotators_are_judged_by_the_controls(run: Path, truth: pa.Table) -> None:
    queue = sy.pick(run, budget=200, random=0.1, controls=0.2, annotators=["anna", "bo", "chen"])
    assert [p.stem for p in queue.paths] == ["queue-anna", "queue-bo", "queue-chen"]
    orders = [[r["row_key"] for r in rows_of(p)] for p in queue.paths]
    assert orders[0] != orders[1]
    assert sorted(orders[0]) == sorted(orders[1])
    for i, (path, errs) in enumerate(zip(queue.paths, (0.0, 0.0, 0.6), strict=True)):
        answer(path, run, truth, errs, seed=i)
    people = {p["annotator"]: p for p in sy.merge(run, queue.paths).facts["people"]}
    assert people["anna"]["controls"] == 40
    assert people["anna"]["controls_low"] > people["chen"]["controls_high"]
    assert people["anna"]["with_others"] > 0.6 > 0.5 > people["chen"]["with_others"]


def test_a_conflict_takes_neither_label_and_a_third_person_settles_it(run: Path, truth: pa.Table) -> None:
    queue = sy.pick(run, budget=60, random=0, controls=0, annotators=["anna", "bo", "chen"])
    for i, errs in enumerate((0.0, 0.5, 0.0)):
        answer(queue.paths[i], run, truth, errs, seed=i)
    two = sy.merge(run, queue.paths[:2])
    count = two.facts["conflicts_count"]
    assert count > 10
    assert len(rows_of(two.conflicts)) == count
    assert two.facts["confirmed"] + two.facts["changed"] + two.facts["not_edited"] == 60 - count
    assert two.facts["agreement"]["alpha"] < 0.8
    three = sy.merge(run, queue.paths[2])
    assert three.facts["conflicts_count"] == 0
    assert three.facts["answers"] == 180


def test_merging_in_parts_is_merging_at_once(run: Path, truth: pa.Table) -> None:
    queue = sy.pick(run, budget=60)
    rows = rows_of(answer(queue.paths[0], run, truth))
    first, second = run / "queue-1.csv", run / "queue-2.csv"
    for path, part in ((first, rows[:25]), (second, rows[25:])):
        write(path, [{**r, "annotator": "anna"} for r in part])
    sy.merge(run, first)
    parts = sy.merge(run, second)
    table = pq.read_table(parts.path)
    (run / "answers.parquet").unlink()
    whole = sy.merge(run, [first, second])
    assert whole.facts == parts.facts
    assert pq.read_table(whole.path).equals(table)


def test_merging_twice_changes_nothing(run: Path, truth: pa.Table) -> None:
    path = answer(sy.pick(run, budget=60).paths[0], run, truth)
    first = sy.merge(run, path)
    again = sy.merge(run, path)
    assert again.facts == {**first.facts, "repeated": 60}


def test_answered_rows_are_not_asked_again(run: Path, truth: pa.Table) -> None:
    first = sy.pick(run, budget=60)
    sy.merge(run, answer(first.paths[0], run, truth))
    second = sy.pick(run, budget=60)
    assert not set(first.picked.rows) & set(second.picked.rows)


def test_everything_wrong_with_the_files_is_told_at_once_and_nothing_written(run: Path, truth: pa.Table) -> None:
    rows = rows_of(answer(sy.pick(run, budget=30).paths[0], run, truth))
    rows[0]["row_key"], rows[1]["answer"] = "1.2E+12", "excellent"
    other = {"E": "I"}.get(rows[2]["answer"], "E")
    bad = write(run / "bad.csv", [*rows, {**rows[2], "answer": other}])
    empty = write(run / "empty.csv", [{**r, "answer": ""} for r in rows[3:]])
    with pytest.raises(DataErrors) as problems:
        sy.merge(run, [bad, empty])
    told = {p.code: p for p in problems.value.problems}
    assert set(told) == {"D241", "D242", "D243", "D244"}
    assert told["D241"].facts["row"] == 1
    assert told["D242"].facts["values"] == "excellent"
    assert told["D243"].facts["key"] == rows[2]["row_key"]
    assert told["D244"].facts["count"] == 27
    assert not (run / "answers.parquet").exists()
    assert not (run / "merged.parquet").exists()


def test_a_changed_mind_needs_replace(run: Path, truth: pa.Table) -> None:
    path = sy.pick(run, budget=20, random=0, controls=0).paths[0]
    rows = rows_of(answer(path, run, truth))
    sy.merge(run, path)
    changed = {"E": "I"}.get(rows[0]["answer"], "E")
    write(path, [{**rows[0], "answer": changed}])
    with pytest.raises(DataError) as problem:
        sy.merge(run, path)
    assert problem.value.code == "D243"
    found = sy.merge(run, path, replace=True)
    gold = dict(
        zip(open_run(run).column("row_key").tolist(), pq.read_table(found.path)["gold"].to_pylist(), strict=True)
    )
    assert gold[rows[0]["row_key"]] == changed
    assert gold[rows[1]["row_key"]] == rows[1]["answer"]


@pytest.mark.parametrize(
    ("content", "code"),
    [("row_key,label\nabc,E\n", "D240"), ("key,answer\nabc,E\n", "D240"), (None, "D153")],
)
def test_files_that_are_no_answers(content: str | None, code: str, run: Path, tmp_path: Path) -> None:
    path = tmp_path / "answers.csv"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(DataError) as problem:
        sy.merge(run, path)
    assert problem.value.code == code


def test_a_changed_table_is_noticed(run: Path, truth: pa.Table, tmp_path: Path) -> None:
    path = answer(sy.pick(run, budget=10).paths[0], run, truth)
    lines = (tmp_path / "pairs.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    (tmp_path / "pairs.csv").write_text("".join(lines[:-3]), encoding="utf-8")
    with pytest.raises(DataError) as problem:
        sy.merge(run, path)
    assert problem.value.code == "S310"


def test_labels_count_whatever_their_case_and_width(run: Path, truth: pa.Table) -> None:
    path = answer(sy.pick(run, budget=20).paths[0], run, truth)
    write(path, [{**r, "answer": f"  {chr(ord(r['answer']) + 0xFEE0)} ".lower()} for r in rows_of(path)])
    assert sy.merge(run, path).facts["answers"] == 20


def test_flags_need_reviews_and_say_how_to_get_them(run: Path) -> None:
    with pytest.raises(DataError) as problem:
        sy.export(run, "flags", fdr=0.1)
    assert problem.value.code == "D246"
    assert "--random 1" in problem.value.say("en")
    with pytest.raises(UsageError):
        sy.export(run, "flags", fdr=1.5)
    with pytest.raises(UsageError):
        sy.export(run, "top", fdr=0.1)


def test_flags_by_a_review_drawn_by_chance(run: Path, truth: pa.Table) -> None:
    queue = sy.pick(run, budget=100, random=1, controls=0)
    sy.merge(run, answer(queue.paths[0], run, truth))
    path = sy.export(run, "flags", fdr=0.4)
    told = json.loads((run / "flags.json").read_text(encoding="utf-8"))
    found = pq.read_table(path)
    assert told["rows"] == found.num_rows > 5
    assert told["reviewed"] == 100
    asked = set(open_run(run).column("row_key")[queue.picked.rows])
    assert not asked & set(found["row_key"].to_pylist())
    gold, label = truth["gold"].to_pylist(), truth["label"].to_pylist()
    right = [gold[i] == label[i] for i in found["row"].to_pylist()]
    assert np.mean(right) < 0.5
    sy.export(run, "flags", fdr=0.02)
    assert json.loads((run / "flags.json").read_text(encoding="utf-8"))["enough"] > 100


def test_reviews_of_suspicious_rows_say_nothing_of_the_others(finished: Path) -> None:
    """Gold labels of the most suspicious rows only: no list is made of them; of rows drawn by chance it is."""
    suspicion = open_run(finished).column("suspicion")
    label, gold = np.zeros(ROWS, int), np.full(ROWS, -1)
    gold[np.argsort(-suspicion)[:80]] = 0
    assert by_chance(suspicion, label, gold).unlike is not None
    gold = np.where(np.random.default_rng(0).random(ROWS) < 0.3, 0, -1)
    found = by_chance(suspicion, label, gold)
    assert found.unlike is None
    assert found.rows.sum() == (gold >= 0).sum()


def test_above_the_floor_of_a_queue_nobody_speaks_for_anybody(run: Path, truth: pa.Table) -> None:
    """Where all suspicious rows were asked, the few drawn by chance among them stand for no row that is left."""
    queue = sy.pick(run, budget=160, random=0.5, controls=0)
    sy.merge(run, answer(queue.paths[0], run, truth))
    found = reviewed(open_run(run))
    suspicion = open_run(run).column("suspicion")
    drawn = queue.picked.rows[queue.picked.part == "random"]
    assert set(np.flatnonzero(found.rows)) == set(drawn[suspicion[drawn] < queue.picked.floor])
    assert not np.isfinite(found.suspicion[suspicion >= queue.picked.floor]).any()


def test_the_whole_loop_on_the_command_line_in_both_languages(run: Path, truth: pa.Table, capsys) -> None:
    for lang in ("en", "zh"):
        assert main(["pick", str(run), "--budget", "120", "--random", "0.7", "--lang", lang]) == 0
        assert "I | C | S | E" in capsys.readouterr().out
    answer(run / "queue.csv", run, truth)
    for lang, word in (("en", "controls"), ("zh", "质检行")):
        assert main(["merge", str(run), str(run / "queue.csv"), "--lang", lang]) == 0
        assert word in capsys.readouterr().out
        assert main(["export", str(run), "flags", "--fdr", "0.3", "--lang", lang]) == 0
        assert "30%" in capsys.readouterr().out
    assert main(["merge", str(run), str(run / "none.csv"), "--json"]) == 3
    assert json.loads(capsys.readouterr().out)["errors"][0]["code"] == "D153"


def test_json_speaks_its_schemas(run: Path, truth: pa.Table, capsys) -> None:
    page = (Path(__file__).parents[2] / "docs" / "json.md").read_text(encoding="utf-8")
    words = ["pick", str(run), "--budget", "120", "--random", "0.75", "--annotators", "anna,bo"]
    files = [str(run / f"queue-{who}.csv") for who in ("anna", "bo")]
    for command in (words, ["merge", str(run), *files], ["export", str(run), "flags", "--confidence", "0.8"]):
        assert main([*command, "--json"]) == 0
        body = json.loads(capsys.readouterr().out)
        schema = re.search(rf"## {re.escape(body['schema'])}\n.*?```json\n(.*?)```", page, re.S)
        jsonschema.validate(body, json.loads(schema[1]))
        if command is words:
            for i, file in enumerate(files):
                answer(Path(file), run, truth, 0.3 * i)


def test_when_all_is_reviewed_nothing_is_left_to_pick(run: Path, truth: pa.Table) -> None:
    sy.merge(run, answer(sy.pick(run, budget=ROWS, random=1, controls=0).paths[0], run, truth))
    with pytest.raises(DataError) as problem:
        sy.pick(run)
    assert problem.value.code == "D245"
