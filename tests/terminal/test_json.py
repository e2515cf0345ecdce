"""Every verb prints one JSON object that its documented schema allows, for errors too."""

import json
import re
from pathlib import Path

import jsonschema
import pyarrow.csv as pacsv
import pytest

import steelyard as sy
from steelyard.apps.cli import VERBS, main
from steelyard.demonstration import catalogue

PAGE = Path(__file__).parents[2] / "docs" / "json.md"
FOUND = re.findall(r"## steelyard\.(\w+)/1\n.*?```json\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)
SCHEMAS = {name: json.loads(text) for name, text in FOUND}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of runs: ``pairs`` scored and compared, its table beside it."""
    root = tmp_path_factory.mktemp("runs")
    table = catalogue.make(3, 240)
    pacsv.write_csv(table, root / "pairs.csv")
    scored = sy.score(root / "pairs.csv", run_dir=root)
    sy.compare(scored, seeds=1, repairs=0, inner_folds=2, run_dir=root)
    return root


def answer(words: list[str], capsys: pytest.CaptureFixture, code: int = 0) -> dict:
    """Run a command with --json; return its one object, checked against its schema."""
    capsys.readouterr()
    assert main([*words, "--json"]) == code
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    body = json.loads(out, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    name = body["schema"].removeprefix("steelyard.").removesuffix("/1")
    jsonschema.validate(body, SCHEMAS[name])
    return body


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=list(SCHEMAS))
def test_schemas_are_schemas_and_closed(schema: dict) -> None:
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["additionalProperties"] is False


@pytest.mark.parametrize(
    ("words", "schema"),
    [
        (["check", "DATA"], "check"),
        (["score", "DATA", "--dry-run"], "estimate"),
        (["score", "DATA", "-q"], "score"),
        (["compare", "last", "--seeds", "1", "-q"], "compare"),
        (["show", "last", "top"], "rows"),
        (["show", "last", "query", "QUERY"], "rows"),
        (["show", "last", "row", "KEY"], "rows"),
        (["show", "last", "slices"], "slices"),
        (["show", "last", "info"], "info"),
        (["export", "last", "clean", "--out", "OUT.csv"], "export"),
        (["export", "last", "report", "--out", "OUT.html"], "export"),
        (["runs"], "runs"),
        (["list"], "list"),
        (["list", "policies"], "list"),
        (["metrics"], "metrics"),
        (["metrics", "ndcg@10", "--like", "trec"], "metrics"),
        (["doctor"], "doctor"),
    ],
    ids=lambda v: " ".join(v) if isinstance(v, list) else v,
)
def test_every_verb_speaks_its_schema(
    words: list[str], schema: str, runs: Path, tmp_path: Path, monkeypatch, capsys
) -> None:
    monkeypatch.setenv("STEELYARD_RUNS", str(runs))
    first = sy.score(runs / "pairs.csv", run_dir=runs).top(1)[0]
    named = {"DATA": str(runs / "pairs.csv"), "QUERY": first["query"], "KEY": first["row_key"]}
    words = [named.get(w, w).replace("OUT", str(tmp_path / "out")) for w in words]
    assert answer(words, capsys)["schema"] == f"steelyard.{schema}/1"


@pytest.mark.slow
def test_demo_speaks_its_schema(tmp_path: Path, capsys) -> None:
    assert answer(["demo", "-q", "--quick", "--run-dir", str(tmp_path)], capsys)["schema"] == "steelyard.demo/1"


def test_every_verb_is_documented() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert [v for v in VERBS if f"`steelyard {v}" not in text] == []


@pytest.mark.parametrize(
    ("words", "code", "error"),
    [
        (["score", "nowhere.csv"], 3, "D153"),
        (["scroe", "x.csv"], 2, "U135"),
        (["score"], 2, "U135"),
        (["show", "nothing", "top"], 2, "U120"),
        (["list", "estimatrs"], 2, "U134"),
        (["metrics", "ndgc"], 2, "U110"),
        (["metrics", "--like", "treck"], 2, "U118"),
        (["score", "x.csv", "--tier", "fast"], 2, "U140"),
    ],
)
def test_errors_are_one_object_too(words, code, error, tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    assert answer(words, capsys, code)["errors"][0]["code"] == error


def test_an_unexpected_error_is_one_object_with_exit_70(tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("steelyard.api.runs", lambda _root: 1 / 0)
    assert answer(["runs"], capsys, 70)["errors"][0]["code"] == "X001"
    assert "ZeroDivisionError" in (tmp_path / "runs" / "errors.log").read_text(encoding="utf-8")


def test_several_problems_of_one_table_come_together(tmp_path: Path, capsys) -> None:
    path = tmp_path / "two.csv"
    path.write_bytes(b"query,title,label\n" + b"a,b,1\n" * 3 + b"a,b\n" + b"a,b,1,2\n" + b'a,"b,1\n')
    problems = answer(["score", str(path), "--run-dir", str(tmp_path)], capsys, 3)["errors"]
    assert len(problems) > 1


def test_a_failed_gate_leaves_the_answer_alone_on_stdout(runs: Path, monkeypatch, capsys) -> None:
    monkeypatch.setenv("STEELYARD_RUNS", str(runs))
    words = ["compare", "last", "--seeds", "1", "-q", "--json"]
    given = json.loads((capsys.readouterr(), main(words), capsys.readouterr().out)[2])["answer"]
    body = answer([*words[:-1], "--fail-on", f"answer={given}"], capsys, 1)
    assert body["answer"] == given


def test_check_of_an_unusable_table_prints_its_findings_once(tmp_path: Path, capsys) -> None:
    path = tmp_path / "unlabelled.csv"
    path.write_text("query,title,label\n" + "a,b,\n" * 30, encoding="utf-8")
    assert main(["check", str(path), "--json"]) == 3
    assert capsys.readouterr().out.count("\n") == 1
