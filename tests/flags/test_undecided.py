"""Which queue an answer belongs to, and what rows that nobody could decide do to the numbers."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import steelyard as sy
from steelyard.acts.intervals import share
from steelyard.acts.reviewing import error_rate
from steelyard.api import open_run
from steelyard.apps.cli import main
from steelyard.errors import DataError
from steelyard.review import Queue, answers, reviewed

from .people import answer, rows_of, write


def drawn(queue: Queue) -> set[int]:
    return set(queue.picked.rows[queue.picked.part == "random"].tolist())


def without_pick(path: Path) -> Path:
    """Return a queue as earlier versions wrote it."""
    return write(path, [{k: v for k, v in row.items() if k != "pick"} for row in rows_of(path)])


@pytest.fixture
def two(run: Path, truth: pa.Table) -> tuple[Queue, Queue]:
    """Return a queue that nobody worked on, and a later one that holds most of its rows, with answers."""
    given_up = sy.pick(run, budget=100, random=0.3, controls=0, path=run / "given_up.csv")
    worked = sy.pick(run, budget=200, random=0.3, controls=0, seed=5, path=run / "worked.csv")
    shared = np.isin(given_up.picked.rows, worked.picked.rows).mean()
    assert 0.5 < shared < 1, "else the older rule would not be deceived"
    answer(worked.paths[0], run, truth)
    return given_up, worked


def test_a_queue_given_up_is_not_worked_on_because_a_later_one_holds_its_rows(run: Path, two: tuple) -> None:
    found = sy.merge(run, two[1].paths)
    rate = found.facts["error_rate"]
    assert rate["rows"] == len(drawn(two[1])) == 60
    assert rate["open"] == 0
    rows = set(np.flatnonzero(reviewed(open_run(run)).rows))
    assert rows <= drawn(two[1])


def test_files_without_a_pick_go_by_how_many_rows_are_answered(run: Path, two: tuple) -> None:
    """The older rule: a queue whose rows are answered by half counts. Here it is deceived, so the column matters."""
    sy.merge(run, without_pick(two[1].paths[0]))
    assert {a.pick for a in answers(open_run(run))} == {""}
    assert not set(np.flatnonzero(reviewed(open_run(run)).rows)) <= drawn(two[1])


def test_a_single_queue_says_the_same_with_and_without_its_pick(run: Path, truth: pa.Table) -> None:
    queue = sy.pick(run, budget=60, random=0.5)
    named = sy.merge(run, answer(queue.paths[0], run, truth))
    kept = pq.read_table(run / "answers.parquet")
    pq.write_table(kept.drop_columns(["pick"]), run / "answers.parquet")  # as earlier versions kept them
    assert reviewed(open_run(run)).rows.any()
    assert sy.merge(run, queue.paths).facts == {**named.facts, "repeated": 60}
    (run / "answers.parquet").unlink()
    assert sy.merge(run, without_pick(queue.paths[0])).facts == named.facts


def test_answers_of_a_queue_given_up_are_kept_and_never_listed(run: Path, truth: pa.Table) -> None:
    """They decide their rows, but were no part of the sample: neither reviewed by chance nor left to list."""
    given_up = sy.pick(run, budget=80, random=0, controls=0, path=run / "given_up.csv")
    sy.merge(run, write(given_up.paths[0], rows_of(answer(given_up.paths[0], run, truth))[:30]))
    kept = {a.row_key for a in answers(open_run(run))}
    chance = sy.pick(run, budget=100, random=1, controls=0)
    sy.merge(run, answer(chance.paths[0], run, truth))
    found = reviewed(open_run(run))
    keys = open_run(run).column("row_key")
    assert found.rows.sum() == 100
    assert not np.isfinite(found.suspicion[np.isin(keys, list(kept))]).any()
    listed = pq.read_table(sy.export(run, "flags", fdr=0.5))["row_key"].to_pylist()
    assert listed
    assert not kept & set(listed)


def test_the_same_answer_in_two_queues_counts_for_both(run: Path, truth: pa.Table) -> None:
    first = sy.pick(run, budget=60, random=0.5, controls=0, path=run / "first.csv")
    second = sy.pick(run, budget=60, random=0.5, controls=0, seed=1, path=run / "second.csv")
    for queue in (first, second):
        write(queue.paths[0], [{**r, "annotator": "anna"} for r in rows_of(answer(queue.paths[0], run, truth))])
    found = sy.merge(run, [*first.paths, *second.paths])
    assert found.facts["repeated"] > 10
    both = set(first.picked.rows.tolist()) & set(second.picked.rows.tolist())
    at = {k: i for i, k in enumerate(open_run(run).column("row_key").tolist())}
    assert {at[a.row_key] for a in answers(open_run(run)) if len(a.pick.split()) == 2} == both


def test_the_pick_goes_through_label_studio(run: Path, truth: pa.Table) -> None:
    sy.pick(run, budget=60, random=1, controls=0, path=run / "tasks.json")
    by_key = dict(zip(open_run(run).column("row_key").tolist(), truth["gold"].to_pylist(), strict=True))
    tasks = json.loads((run / "tasks.json").read_text(encoding="utf-8"))
    for task in tasks:
        choice = {"type": "choices", "value": {"choices": [by_key[task["data"]["row_key"]]]}}
        task["annotations"] = [{"completed_by": 7, "result": [choice]}]
    (run / "done.json").write_text(json.dumps(tasks), encoding="utf-8")
    sy.merge(run, run / "done.json")
    (pick,) = {a.pick for a in answers(open_run(run))}
    assert (run / f"{pick}.json").is_file()


def test_rows_nobody_decided_widen_the_rate_and_never_narrow_it() -> None:
    everything = np.ones(200, bool)
    wrong = np.arange(200) < 20
    decided = np.arange(200) >= 5  # five wrong ones could not be judged
    found = error_rate(everything, decided, wrong)
    assert found is not None
    assert (found["rows"], found["wrong"], found["open"]) == (195, 15, 5)
    assert found["low"] == share(15, 200)[0]
    assert found["high"] == share(20, 200)[1]
    assert (found["low_decided"], found["high_decided"]) == share(15, 195)
    whole = error_rate(everything, everything, wrong)
    assert whole is not None
    assert (whole["low"], whole["high"]) == (whole["low_decided"], whole["high_decided"]) == share(20, 200)
    assert error_rate(everything, ~everything, wrong) is None


@pytest.mark.parametrize("how", ["empty", "conflict"])
def test_what_is_open_counts_as_right_in_a_list_and_is_said(
    how: str,
    run: Path,
    truth: pa.Table,
    capsys,
) -> None:
    """Suspicious rows that nobody decides make the list shorter, whichever way nobody decides them."""
    queue = sy.pick(run, budget=120, random=1, controls=0, annotators=["anna", "bo"])
    suspicion = dict(zip(open_run(run).column("row_key").tolist(), open_run(run).column("suspicion"), strict=True))
    hard = sorted((r["row_key"] for r in rows_of(queue.paths[0])), key=lambda k: -suspicion[k])[:6]
    for path, other in zip(queue.paths, ("E", "I"), strict=True):
        rows = rows_of(answer(path, run, truth))
        write(path, [{**r, "answer": ("" if how == "empty" else other)} if r["row_key"] in hard else r for r in rows])
    found = sy.merge(run, queue.paths)
    rate = found.facts["error_rate"]
    assert (rate["rows"], rate["open"]) == (114, 6)
    assert rate["low"] < rate["low_decided"] < rate["high_decided"] < rate["high"]
    for lang, words in (("en", "6 rows drawn by chance have no answer"), ("zh", "6 行无人作答")):
        assert main(["export", str(run), "flags", "--fdr", "0.4", "--lang", lang]) == 0
        assert words in capsys.readouterr().out
        assert main(["merge", str(run), *map(str, queue.paths), "--lang", lang]) == 0
        assert {"en": "6 more rows drawn by chance", "zh": "另有 6 行"}[lang] in capsys.readouterr().out
    told = json.loads((run / "flags.json").read_text(encoding="utf-8"))
    assert (told["reviewed"], told["open"]) == (114, 6)
    assert told["rows"] < told["without"]
    keys = pq.read_table(run / "flags.parquet")["row_key"].to_pylist()
    assert not set(hard) & set(keys)


def test_rows_without_a_decision_make_no_sample(run: Path, truth: pa.Table) -> None:
    queue = sy.pick(run, budget=60, random=1, controls=0)
    rows = rows_of(answer(queue.paths[0], run, truth))
    sy.merge(run, write(queue.paths[0], [{**r, "answer": r["answer"] if i < 40 else ""} for i, r in enumerate(rows)]))
    with pytest.raises(DataError) as problem:
        sy.export(run, "flags", fdr=0.1)
    assert problem.value.code == "D246"
    assert problem.value.facts["count"] == 40
