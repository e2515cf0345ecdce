"""From a file to an answer by the public verbs: one run directory, the same call finds it again."""

import json
import re
from collections import Counter
from pathlib import Path

import jsonschema
import numpy as np
import pyarrow.parquet as pq
import pytest

import steelyard as sy
from steelyard import api
from steelyard.apps.cli import main
from steelyard.errors import DataError, UsageError
from steelyard.taken import Taken

from .shop import shop

PAGE = Path(__file__).parents[2] / "docs" / "json.md"
FOUND = re.findall(r"## steelyard\.(\w+)/1\n.*?```json\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)
SCHEMAS = {name: json.loads(text) for name, text in FOUND}


@pytest.fixture(scope="module")
def table():
    rows = shop()
    names = [f"Thing {i}" for i in rows.item_ids]
    return [
        {"user": rows.user_ids[u], "item": rows.item_ids[i], "rating": v, "time": t, "title": names[i]}
        for u, i, v, t in zip(rows.user, rows.item, rows.value, rows.ts, strict=True)
    ]


@pytest.fixture(scope="module")
def root(tmp_path_factory, table):
    root = tmp_path_factory.mktemp("taken")
    head = list(table[0])
    lines = [",".join(head), *(",".join(str(r[c]) for c in head) for r in table)]
    (root / "clicks.csv").write_text("\n".join(lines))
    return root


@pytest.fixture(scope="module")
def run(root) -> Taken:
    return sy.score(root / "clicks.csv", relevant=4, run_dir=root)


def test_scores_are_keyed_rows_in_the_order_of_the_file(run, table) -> None:
    found = pq.read_table(run.run.path / "scores.parquet").to_pylist()
    assert [(r["user"], r["item"]) for r in found] == [(r["user"], r["item"]) for r in table]
    assert len({r["row_key"] for r in found}) == len(table)
    doubts = np.array([r["suspicion"] for r in found])
    assert 0 <= doubts.min() < doubts.max() <= 1
    assert run.info["reviewed"]["wrong"] == sum(r["rating"] < 4 for r in table)
    assert run.info["reviewed"]["by"]["suspicion"]["auc"] > run.info["reviewed"]["by"]["in_sample_loss"]["auc"]


def test_the_same_call_finds_the_same_run_and_the_same_bytes(run, root) -> None:
    before = (run.run.path / "scores.parquet").read_bytes()
    again = sy.score(root / "clicks.csv", relevant=4, run_dir=root)
    assert again.run.path == run.run.path
    elsewhere = sy.score(root / "clicks.csv", relevant=4, run_dir=root / "b")
    assert (elsewhere.run.path / "scores.parquet").read_bytes() == before
    assert sy.score(root / "clicks.csv", run_dir=root).id != run.id


def test_the_worst_rows_have_titles_and_reasons_and_are_never_called_wrong(run) -> None:
    top = run.top(10)
    assert [r["suspicion"] for r in top] == sorted((r["suspicion"] for r in top), reverse=True)
    assert all(r["title"].startswith("Thing ") for r in top)
    assert all(r["reason"] == "RI01" and "took it too" in r["reason_en"] and "人" in r["reason_zh"] for r in top)
    assert "flagged" not in run.table.column_names
    user = top[0]["user"]
    assert {r["user"] for r in run.query(user)} == {user}
    assert run.row(top[0]["row_key"])["item"] == top[0]["item"]
    with pytest.raises(UsageError):
        run.query("nobody")


def test_slices_are_bands_of_users_and_items(run, root, table, capsys) -> None:
    found = run.slices()
    assert [s["doubt"] for s in found] == sorted((s["doubt"] for s in found), reverse=True)
    for column, key in (("user_rows", "user"), ("item_takers", "item")):
        own = [s for s in found if s["column"] == column]
        assert sum(s["rows"] for s in own) == len(table)
        assert sum(s["members"] for s in own) == len({r[key] for r in table})
        assert sum(s["share"] * s["doubt"] for s in own) == pytest.approx(run.column("suspicion").mean())
    rows = Counter(r["user"] for r in table)
    band = next(s for s in found if s["column"] == "user_rows")
    low, _, high = band["value"].partition("-")
    own = [r["user"] for r in table if int(low) <= rows[r["user"]] <= int(high or low)]
    assert (band["rows"], band["members"]) == (len(own), len(set(own)))
    for lang, said in (("en", "in top tenth"), ("zh", "前十分之一")):
        assert main(["show", run.id, "slices", "--lang", lang, "--run-dir", str(root), "-q"]) == 0
        out = capsys.readouterr().out
        assert said in out
        assert f"user_rows={band['value']}" in out


def test_a_table_in_memory_keeps_its_source(table, tmp_path) -> None:
    run = sy.score(table, relevant=4, run_dir=tmp_path)
    assert (run.run.path / "source.parquet").exists()
    assert api.open_run("last", tmp_path).interactions.row_key.tolist() == run.interactions.row_key.tolist()
    read = sy.read(table, relevant=4)
    half = read.take(np.arange(len(read)) % 2 == 0)
    assert sy.score(read, run_dir=tmp_path).id != sy.score(half, run_dir=tmp_path).id  # given rows are their own input


def test_a_changed_file_is_noticed(root, tmp_path, table) -> None:
    path = tmp_path / "copy.csv"
    path.write_text((root / "clicks.csv").read_text())
    run = sy.score(path, run_dir=tmp_path)
    path.write_text("\n".join((root / "clicks.csv").read_text().split("\n")[:-5]))
    with pytest.raises(DataError) as error:
        api.open_run(run.id, tmp_path).top(1)
    assert (error.value.code, error.value.facts["count"]) == ("S310", 5)


def test_a_moved_file_is_found_again(root, tmp_path) -> None:
    first, second = tmp_path / "a.csv", tmp_path / "b.csv"
    first.write_text((root / "clicks.csv").read_text())
    run = sy.score(first, run_dir=tmp_path)
    first.rename(second)
    assert sy.score(second, run_dir=tmp_path).id == run.id
    assert api.open_run(run.id, tmp_path).top(1)[0]["title"].startswith("Thing")


def test_rows_that_are_not_positive_are_not_read(table, tmp_path) -> None:
    run = sy.score(table, positive=4, run_dir=tmp_path)
    low = np.array([r["rating"] < 4 for r in table])
    assert (np.isnan(run.column("suspicion")) == low).all()
    assert run.info["labelled"] == int((~low).sum()) == len(run.readings.row_key)


def path_of(run: Taken) -> str:
    return run.info["paths"][0]


def test_logged_propensities_reach_the_run_and_its_weights(table, tmp_path, capsys) -> None:
    rng = np.random.default_rng(0)
    logged = [{**r, "pscore": float(p)} for r, p in zip(table, rng.uniform(0.1, 0.4, len(table)), strict=True)]
    head = list(logged[0])
    path = tmp_path / "logged.csv"
    path.write_text("\n".join([",".join(head), *(",".join(str(r[c]) for c in head) for r in logged)]))
    assert main(["score", str(path), "--run-dir", str(tmp_path), "-q", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    jsonschema.validate(said, SCHEMAS["taken"])
    chance = np.array([r["pscore"] for r in logged])
    assert said["propensity"] == {"by": "logged", "least": chance.min(), "most": chance.max()}
    run = api.open_run("last", tmp_path)
    assert run.column("propensity") == pytest.approx(chance)
    weight = pq.read_table(sy.export(run, "weights", policy="ips", path=tmp_path / "w.parquet"))["weight"].to_numpy()
    assert weight * chance == pytest.approx((weight * chance)[0])
    plain = sy.score(table, run_dir=tmp_path)
    assert plain.info["propensity"]["by"] == "popularity"
    again = sy.score(sy.read(logged), run_dir=tmp_path)
    assert again.id != sy.score(sy.read(table), run_dir=tmp_path).id
    assert again.column("propensity") == pytest.approx(chance)


def test_weights_leave_the_run(run, tmp_path) -> None:
    path = sy.export(run, "weights", path=tmp_path / "w.parquet")
    found = pq.read_table(path)
    assert found["row_key"].to_pylist() == run.column("row_key").tolist()
    weight = found["weight"].to_numpy()
    assert weight.mean() == pytest.approx(1)
    assert np.corrcoef(weight, run.column("suspicion"))[0, 1] < -0.3
    ips = pq.read_table(sy.export(run, "weights", policy="ips", path=tmp_path / "i.parquet"))["weight"].to_numpy()
    assert (ips != weight).any()
    held = sy.score(sy.read(path_of(run), split_by="last"), run_dir=tmp_path)
    some = pq.read_table(sy.export(held, "weights", path=tmp_path / "h.parquet"))["weight"].to_numpy()
    assert (np.isnan(some) == (held.column("split") != "train")).all()
    with pytest.raises(UsageError) as error:
        sy.export(run, "flags")
    assert (error.value.code, error.value.facts["known"]) == ("U184", "weights, clean, top, report")


@pytest.mark.parametrize(
    ("options", "code"),
    [({"tier": "full"}, "U186"), ({"epochs": 3}, "U155"), ({"model": "item_kn"}, "U158"), ({"folds": 1}, "U150")],
)
def test_options_of_samples_are_refused(root, options, code) -> None:
    with pytest.raises(UsageError) as error:
        sy.score(root / "clicks.csv", run_dir=root, **options)
    assert error.value.code == code


def test_unusable_tables_are_refused_with_their_code(tmp_path) -> None:
    with pytest.raises(DataError) as error:
        sy.score([{"user": "a", "item": "b", "rating": 0}, {"user": "b", "item": "c", "rating": 0}], run_dir=tmp_path)
    assert error.value.code == "D228"


def test_compare_is_kept_and_read_back(run, root) -> None:
    result = sy.compare(run, seeds=3, model="item_knn", arms=["user_gate"], metric="recall@10", run_dir=root)
    assert result.measure == "recall@10"
    assert result.on == "gold"
    assert {"user_gate", "shuffled", "popularity", "item_knn", "ease", "oracle"} <= {a.name for a in result.arms}
    assert "ips" not in {a.name for a in result.arms}
    assert 0 < result.arm("ease").more["coverage"] <= 1
    reached = result.arm("uniform_early_stop").value
    assert result.settings["interest"] == pytest.approx(min(0.01, reached / 20), rel=0.05)
    again = sy.compare(run, seeds=3, model="item_knn", arms=["user_gate"], metric="recall@10", run_dir=root)
    assert again.as_dict() == result.as_dict()
    how = {"model": "item_knn", "arms": ["user_gate"], "metric": "recall@10", "run_dir": root}
    assert sy.compare(run, seeds=1, interest=0.3, **how).settings["interest"] == 0.3
    assert not (run.run.path / "work").exists()
    for options, code in (({"metric": "recall"}, "U185"), ({"arms": ["gate"]}, "U105"), ({"model": "x"}, "U158")):
        with pytest.raises(UsageError) as error:
            sy.compare(run, **options)
        assert error.value.code == code


def test_the_command_line_says_it_in_both_languages(root, run, capsys) -> None:
    where = ["--run-dir", str(root), "-q"]
    for lang, said in (("en", "ranked by doubt"), ("zh", "可疑程度")):
        assert main(["score", str(root / "clicks.csv"), "--relevant", "4", "--lang", lang, *where]) == 0
        assert said in capsys.readouterr().out
    assert main(["show", run.id, "top", "-n", "3", *where]) == 0
    assert "Thing" in capsys.readouterr().out
    assert main(["show", run.id, "info", *where]) == 0
    command = capsys.readouterr().out
    assert "--relevant 4" in command
    assert "--model item_knn" in command
    assert main(["compare", run.id, "--seeds", "1", "--model", "popularity", *where]) == 0
    table = capsys.readouterr().out
    assert "coverage" in table
    assert "CANNOT TELL" in table


@pytest.mark.parametrize(
    ("words", "schema"),
    [
        (["check", "DATA"], "check"),
        (["score", "DATA", "--relevant", "4"], "taken"),
        (["score", "DATA"], "taken"),
        (["show", "RUN", "top"], "taken_rows"),
        (["show", "RUN", "query", "u003"], "taken_rows"),
        (["show", "RUN", "slices"], "taken_slices"),
        (["show", "RUN", "info"], "info"),
        (["compare", "RUN", "--seeds", "1", "--model", "popularity"], "compare"),
        (["export", "RUN", "weights", "--out", "OUT"], "export"),
        (["export", "RUN", "report", "--out", "OUT"], "export"),
    ],
    ids=lambda v: " ".join(v) if isinstance(v, list) else v,
)
def test_every_verb_speaks_its_schema(words, schema, root, run, tmp_path, capsys) -> None:
    named = {"DATA": str(root / "clicks.csv"), "RUN": run.id, "OUT": str(tmp_path / "w.csv")}
    assert main([*(named.get(w, w) for w in words), "--run-dir", str(root), "-q", "--json"]) == 0
    body = json.loads(capsys.readouterr().out, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    assert body["schema"] == f"steelyard.{schema}/1"
    jsonschema.validate(body, SCHEMAS[schema])
