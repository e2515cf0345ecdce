"""What a user gets for bad input, end to end: the right code, exit code and language; no traceback; no row lost."""

import errno
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest

import steelyard as sy
from steelyard.apps.cli import main
from steelyard.demonstration import catalogue

HEAD = b"query,title,label\n"
BODY = b"".join(b"q%d,t%d a,%d\n" % (i // 4, i, i % 3) for i in range(40))
CHINESE = "查询,标题,标签\n" + "保温杯,不锈钢保温杯,1\n雨伞,折叠伞,0\n" * 10


def parquet(keep: float) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"query": ["a"] * 99, "title": ["b"] * 99, "label": [1, 0, 1] * 33}), sink)
    whole = sink.getvalue().to_pybytes()
    return whole[: int(len(whole) * keep)]


#: file name -> (content, more words, exit code, error code, what the message must name)
UNUSABLE = {
    "empty.csv": (b"", [], 3, "D140", "empty.csv"),
    "header_only.csv": (HEAD, [], 3, "D139", "header_only.csv"),
    "header_only.jsonl": (b"\n\n", [], 3, "D140", "header_only.jsonl"),
    "missing.csv": (b"query,title\na,b\n", [], 3, "D103", "label"),
    "misspelt.csv": (b"query,title,lable\n" + BODY, [], 3, "D103", "label=lable"),
    "asked.csv": (HEAD + BODY, ["--columns", "title=titel"], 2, "U101", "title"),
    "grades.csv": (HEAD + b"q,t,wow\nq,u,meh\n", [], 3, "D104", "wow"),
    "esci.csv": (HEAD + b"q,t,E\nq,u,Partial\n", ["--labels", "E=1,I=0"], 3, "D104", "Partial"),
    "infinite.csv": (HEAD + BODY + b"q,t,inf\n", [], 3, "D106", "label"),
    "no_label.csv": (HEAD + b"q,t,\n" * 9, [], 3, "D109", "label"),
    "one_class.csv": (HEAD + b"".join(b"q%d,t%d,1\n" % (i, i) for i in range(40)), [], 3, "D116", "40"),
    "all_equal.csv": (HEAD + b"q,t,1\n" * 40, [], 3, "D116", "40"),
    "chinese.csv": (CHINESE.encode("gb18030"), [], 3, "D127", "--encoding gb18030"),
    "broken.jsonl": (b'{"query":"a","title":"b","label":1}\n{oops\n', [], 3, "D145", "2 ("),
    "truncated.parquet": (parquet(0.6), [], 3, "D147", "truncated.parquet"),
    "uneven.csv": (HEAD + BODY + b"q,t\n", [], 3, "D142", "42"),
    "twice.csv": (b"query,title,title,label\na,b,c,1\n", [], 3, "D146", "title"),
    "nul.csv": (HEAD + BODY + b"q,\0,1\n", [], 3, "D144", "42"),
    "binary.csv": (bytes(range(256)) * 50, [], 3, "D127", "binary.csv"),
}

#: file name -> (content, rows, a finding of check or None)
USABLE = {
    "one_query.csv": (HEAD + b"".join(b"q,t%d,%d\n" % (i, i % 2) for i in range(40)), 40, None),
    "nan.csv": (HEAD + BODY + b"q,t,nan\nq,u,\n", 42, "D105"),
    "spreadsheet.csv": (
        b"query,title,product_id,label\n" + b"".join(b"q%d,t%d,6.9E+12,%d\n" % (i // 4, i, i % 2) for i in range(40)),
        40,
        "D128",
    ),
    "megabyte.csv": (HEAD + b"".join(b"q%d,%s,%d\n" % (i // 4, b"x y" * 350_000, i % 2) for i in range(6)), 6, None),
    "markup.csv": (
        HEAD + b"".join(b"q%d,<script>alert(%d)</script>\x1b[31m\x07,%d\n" % (i // 4, i, i % 2) for i in range(40)),
        40,
        None,
    ),
    "repeated.csv": (HEAD + BODY * 3, 120, "D174"),
    "chinese.csv": (CHINESE.encode(), 20, "D174"),
    "rich_parquet.parquet": (parquet(1.0), 99, "D174"),
}


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("verb", ["check", "score"])
@pytest.mark.parametrize("name", UNUSABLE)
def test_unusable_input_is_refused_with_code_and_remedy(
    name: str, verb: str, lang: str, tmp_path: Path, capsys
) -> None:
    content, more, exit_code, code, names = UNUSABLE[name]
    (tmp_path / name).write_bytes(content)
    words = [verb, str(tmp_path / name), *more, "--run-dir", str(tmp_path / "runs"), "--lang", lang, "-q"]
    assert main(words) == exit_code
    err = capsys.readouterr().err
    start = "steelyard: error" if lang == "en" else "steelyard: 错误"
    assert err.startswith(f"{start} {code} "), err
    assert names in err
    assert "Traceback" not in err
    assert not (tmp_path / "runs").exists(), "a refused table leaves nothing behind"


@pytest.mark.parametrize("name", USABLE)
def test_odd_input_is_scored_whole_and_its_oddity_said(name: str, tmp_path: Path, capsys) -> None:
    content, rows, finding = USABLE[name]
    (tmp_path / name).write_bytes(content)
    assert main(["check", str(tmp_path / name), "--json"]) == 0
    found = {f["code"] for f in json.loads(capsys.readouterr().out)["findings"] if f["severity"] != "ok"}
    assert finding is None or finding in found
    assert main(["score", str(tmp_path / name), "--run-dir", str(tmp_path), "-q"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert "\x1b" not in out
    assert "\x07" not in out
    scores = pq.read_table(next(tmp_path.glob("*/scores.parquet")))
    assert scores.num_rows == rows
    assert len(set(scores["row_key"].to_pylist())) == rows


def test_chinese_bytes_are_read_when_their_encoding_is_said(tmp_path: Path) -> None:
    path = tmp_path / "chinese.csv"
    path.write_bytes(CHINESE.encode("gb18030"))
    assert sy.read(path, encoding="gb18030").texts("title")[:2] == ["不锈钢保温杯", "折叠伞"]
    assert main(["score", str(path), "--encoding", "gb18030", "--run-dir", str(tmp_path), "-q"]) == 0


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "pairs.csv"
    pacsv.write_csv(catalogue.make(3, 120), path)
    return path


@pytest.fixture(scope="module")
def finished(pairs: Path, tmp_path_factory: pytest.TempPathFactory) -> sy.Run:
    return sy.score(pairs, run_dir=tmp_path_factory.mktemp("runs")).run


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "steelyard.apps.cli", *words]


def test_a_file_that_changed_since_the_run_shows_no_wrong_text(pairs: Path, tmp_path: Path, capsys) -> None:
    copy = tmp_path / "copy.csv"
    copy.write_bytes(pairs.read_bytes())
    runs = ["--run-dir", str(tmp_path / "runs")]
    assert main(["score", str(copy), *runs, "-q"]) == 0
    copy.write_bytes(b"\n".join(copy.read_bytes().split(b"\n")[:-9]) + b"\n")
    capsys.readouterr()
    for words in (["show", "last", "top"], ["export", "last", "clean"], ["compare", "last", "-q"]):
        assert main([*words, *runs]) == 3
        assert "S310" in capsys.readouterr().err
    assert main(["show", "last", "slices", *runs]) == 0
    copy.unlink()
    assert main(["show", "last", "top", *runs]) == 3
    assert "copy.csv" in capsys.readouterr().err


def test_a_full_disk_is_said_and_the_same_command_goes_on(pairs: Path, tmp_path: Path, monkeypatch, capsys) -> None:
    import steelyard.run as run

    words = ["score", str(pairs), "--run-dir", str(tmp_path), "-q"]
    replace = os.replace

    def full(source, target):
        if Path(target).name == "boosted-1.npz":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        replace(source, target)

    monkeypatch.setattr(run.os, "replace", full)
    assert main(words) == 4
    err = capsys.readouterr().err
    assert err.startswith("steelyard: error E221 ")
    assert "resumes" in err
    assert not list(tmp_path.rglob("*.part"))
    kept = {p.name: p.stat().st_mtime_ns for p in tmp_path.glob("*/work/*.npz")}
    assert "boosted-0.npz" in kept
    monkeypatch.undo()
    read = []
    monkeypatch.setattr(
        run.np, "load", lambda path, _load=run.np.load, **how: read.append(path.name) or _load(path, **how)
    )
    assert main(words) == 0
    assert set(kept) <= set(read), "what was finished was used"


def as_nobody(words: list[str], first: list[str], folders: list[Path]) -> subprocess.CompletedProcess:
    """Run ``first`` as root, which loads all modules, then ``words`` in the same process without any permission."""
    for folder in {p for f in folders for p in (f, *f.parents)}:
        if folder != Path("/") and folder.stat().st_uid == 0:
            folder.chmod(folder.stat().st_mode | 0o055)
    code = (
        "import os, sys; from steelyard.apps.cli import main;"
        f"main({first!r}); os.setgroups([]); os.setgid(65534); os.setuid(65534); sys.exit(main({words!r}))"
    )
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)


needs_root = pytest.mark.skipif(
    not hasattr(os, "setuid") or os.getuid() != 0, reason="needs root, to give permissions up"
)


@needs_root
def test_no_permission_to_write_is_said(pairs: Path, tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir()
    words = ["score", str(pairs), "--run-dir", str(tmp_path / "closed"), "-q"]
    done = as_nobody(words, ["check", str(pairs)], [tmp_path / "closed", pairs.parent])
    assert done.returncode == 4, done.stderr
    assert done.stderr.startswith("steelyard: error E222 ")
    assert "--run-dir" in done.stderr
    assert "Traceback" not in done.stderr


@needs_root
def test_no_permission_to_read_is_said(pairs: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_bytes(pairs.read_bytes())
    secret.chmod(0o600)
    done = as_nobody(["check", str(secret), "--lang", "zh"], ["check", str(secret)], [tmp_path])
    assert done.returncode == 4, done.stderr
    assert done.stderr.startswith("steelyard: 错误 E230 ")
    assert "Traceback" not in done.stderr


def test_ctrl_c_is_130_and_the_same_command_resumes(pairs: Path, finished: sy.Run, tmp_path: Path) -> None:
    words = command("score", str(pairs), "--run-dir", str(tmp_path / "stopped"), "-q")
    heard = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # a test run in the background ignores it
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, preexec_fn=heard)
    while process.poll() is None and not list(tmp_path.glob("stopped/*/work/boosted-0.npz")):
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    err = process.communicate(timeout=60)[1]
    assert process.returncode == 130, err
    assert err.startswith("steelyard: error I130 ")
    assert "Traceback" not in err
    assert not list(tmp_path.glob("stopped/*/scores.parquet")), "stopped too late to test anything"
    assert main(["score", str(pairs), "--run-dir", str(tmp_path / "stopped"), "-q"]) == 0
    one, other = (next(p.glob("*/scores.parquet")).read_bytes() for p in (tmp_path / "stopped", finished.path.parent))
    assert one == other


def test_the_next_command_reads_the_table_as_this_one_did(tmp_path: Path, capsys) -> None:
    data = tmp_path / "some rows.csv"
    rows = "".join(f"word{i} of a{i % 7},{'yes' if i % 2 else 'no'}\n" for i in range(60))
    data.write_text("words,answer\n" + rows, encoding="utf-8")
    options = ["--columns", "text=words,label=answer", "--task", "classification"]
    assert main(["check", str(data), *options, "--run-dir", str(tmp_path / "runs")]) == 0
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith(" Next")]
    command = shlex.split(line)[1:]
    assert command == ["steelyard", "score", str(data), *options]
    assert main([*command[1:], "--run-dir", str(tmp_path / "runs"), "--threads", "1", "-q"]) == 0
