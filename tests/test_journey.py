"""The main job as a user runs it: same numbers again, after a stop, after kill -9; clear words for bad input."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.csv as pacsv
import pytest

import steelyard as sy
from steelyard.apps.cli import main
from steelyard.demonstration import catalogue
from steelyard.errors import DataError, Interrupted

FILES = ("scores.parquet", "readings.parquet", "slices.json", "run.json")


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "pairs.csv"
    pacsv.write_csv(catalogue.make(3, 240), path)
    return path


@pytest.fixture(scope="module")
def finished(pairs: Path, tmp_path_factory: pytest.TempPathFactory) -> sy.Run:
    return sy.score(pairs, run_dir=tmp_path_factory.mktemp("runs")).run


def same(a: Path, b: Path) -> None:
    for name in FILES:
        assert (a / name).read_bytes() == (b / name).read_bytes(), f"{name} differs"


def test_same_seed_identical_files(pairs: Path, finished: sy.Run, tmp_path: Path) -> None:
    same(finished.path, sy.score(pairs, run_dir=tmp_path).run.path)


def test_second_call_returns_the_finished_run(pairs: Path, finished: sy.Run) -> None:
    before = (finished.path / "scores.parquet").stat().st_mtime_ns
    assert sy.score(pairs, run_dir=finished.path.parent).run.path == finished.path
    assert (finished.path / "scores.parquet").stat().st_mtime_ns == before


def test_stopped_and_resumed_equals_uninterrupted(pairs: Path, finished: sy.Run, tmp_path: Path) -> None:
    def stop(stage: str, done: int, _total: int) -> None:
        if (stage, done) == ("models", 3):
            raise Interrupted("I130")

    with pytest.raises(Interrupted):
        sy.score(pairs, run_dir=tmp_path, progress=stop)
    same(finished.path, sy.score(pairs, run_dir=tmp_path).run.path)


@pytest.mark.slow
def test_killed_and_resumed_equals_uninterrupted(pairs: Path, finished: sy.Run, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "steelyard.apps.cli", "score", str(pairs), "--run-dir", str(tmp_path), "-q"]
    for wait in ("similarity.npz", "boosted-1.npz", "repair0-0.npz"):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while process.poll() is None and not list(tmp_path.glob(f"*/work/{wait}")):
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    assert not list(tmp_path.glob("*/scores.parquet")), "killed too late to test anything"
    same(finished.path, sy.score(pairs, run_dir=tmp_path).run.path)


@pytest.fixture(scope="module")
def compared(finished: sy.Run) -> bytes:
    sy.compare(finished, seeds=3, repairs=1, inner_folds=2)
    return (finished.path / "compare.json").read_bytes()


@pytest.mark.slow
def test_a_killed_comparison_resumes_to_the_same_file(
    pairs: Path, finished: sy.Run, compared: bytes, tmp_path: Path
) -> None:
    copy = sy.score(pairs, run_dir=tmp_path).run.path
    call = f"import steelyard as sy; sy.compare({str(copy)!r}, seeds=3, repairs=1, inner_folds=2)"
    process = subprocess.Popen([sys.executable, "-c", call])
    while process.poll() is None and not list(copy.glob("work/compare-*-cell-0.npz")):
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not (copy / "compare.json").exists(), "killed too late to test anything"
    sy.compare(copy, seeds=3, repairs=1, inner_folds=2)
    assert (copy / "compare.json").read_bytes() == compared


def test_processes_change_no_byte(pairs: Path, finished: sy.Run, compared: bytes, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("steelyard.engine.WORTH_IT", 1)
    again = sy.score(pairs, run_dir=tmp_path, processes=2).run
    same(finished.path, again.path)
    sy.compare(again, seeds=3, repairs=1, inner_folds=2, processes=2)
    assert (again.path / "compare.json").read_bytes() == compared


def test_command_line_and_python_land_in_the_same_run(pairs: Path, finished: sy.Run, capsys) -> None:
    assert main(["score", str(pairs), "--run-dir", str(finished.path.parent), "--json", "-q"]) == 0
    out = capsys.readouterr().out
    assert json.loads(out)["run"] == finished.path.name
    assert out.count("\n") == 1


@pytest.mark.parametrize("what", [["top"], ["slices"], ["info"], ["query", "Q"], ["row", "K"]])
def test_show_speaks_json_and_both_languages(what: list[str], pairs: Path, finished: sy.Run, capsys) -> None:
    scored = sy.score(pairs, run_dir=finished.path.parent)
    first = scored.top(1)[0]
    words = [{"Q": first["query"], "K": first["row_key"]}.get(w, w) for w in what]
    for extra in (["--json"], ["--lang", "en"], ["--lang", "zh"]):
        assert main(["show", str(finished.path), *words, *extra]) == 0
        out = capsys.readouterr().out
        assert out.strip()
        if extra == ["--json"]:
            assert json.loads(out)["schema"].startswith("steelyard.")


def test_a_changed_file_is_noticed(pairs: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.csv"
    copy.write_bytes(pairs.read_bytes())
    scored = sy.score(copy, run_dir=tmp_path / "runs")
    lines = copy.read_text(encoding="utf-8").splitlines(keepends=True)
    copy.write_text("".join(lines[:-5]), encoding="utf-8")
    again = type(scored)(scored.run, scored._reopen)
    with pytest.raises(DataError) as e:
        _ = again.samples
    assert e.value.code == "S310"
    assert e.value.facts["count"] == 5
    assert sy.report(again).exists()


def test_exports_lose_nothing_and_never_touch_test_rows(pairs: Path, finished: sy.Run) -> None:
    import pyarrow.parquet as pq

    scored = sy.score(pairs, run_dir=finished.path.parent)
    clean = pq.read_table(sy.export(scored, "clean"))
    assert clean.num_rows == len(scored.samples)
    changed = clean["steelyard_changed"].to_numpy(zero_copy_only=False)
    assert changed.any()
    assert set(scored.samples.split[changed]) == {"train"}
    assert clean["label_original"].to_pylist() == scored.samples.table["label"].to_pylist()
    weights = pq.read_table(sy.export(scored, "weights"))["weight"].to_numpy()
    assert abs(weights[scored.samples.split == "train"].mean() - 1) < 1e-9


BAD = {
    "empty.csv": (b"", 3),
    "header.csv": (b"query,title,label\n", 3),
    "missing.csv": (b"query,title\na,b\n", 3),
    "broken.jsonl": (b'{"query":"a","title":"b","label":1}\n{oops\n', 3),
    "truncated.parquet": (b"PAR1 and no more", 3),
    "one_class.csv": (b"query,title,label\n" + b"".join(b"q%d,t%d,1\n" % (i, i) for i in range(40)), 0),
    "one_query.csv": (b"query,title,label\n" + b"".join(b"q,t%d,%d\n" % (i, i % 2) for i in range(40)), 0),
    "all_equal.csv": (b"query,title,label\n" + b"q,t,1\n" * 40, 0),
    "one_row.csv": (b"query,title,label\nq,t,1\n", 0),
}


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_bad_input_gets_a_coded_message_and_no_traceback(name: str, lang: str, tmp_path: Path, capsys) -> None:
    content, code = BAD[name]
    (tmp_path / name).write_bytes(content)
    got = main(["score", str(tmp_path / name), "--run-dir", str(tmp_path / "runs"), "--lang", lang, "-q"])
    err = capsys.readouterr().err
    assert got in ({code} if code else {0, 3}), err
    assert "Traceback" not in err
    assert "X001" not in err
    assert not got or err.startswith("steelyard: ")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["score", "nowhere.csv"], 3), (["show", "nowhere", "top"], 2), (["list", "estimatrs"], 2),
        (["score", "x.csv", "--columns", "label"], 2), (["list"], 0), (["list", "measures", "--json"], 0),
        (["doctor"], 0),
        (["runs"], 0),
    ],
)  # fmt: skip
def test_exit_codes(words: list[str], code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(words) == code
    assert "Traceback" not in capsys.readouterr().err


def test_import_loads_neither_torch_nor_pandas_nor_numpy() -> None:
    code = "import sys, steelyard; print([m for m in ('torch', 'pandas', 'numpy', 'pyarrow') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"
