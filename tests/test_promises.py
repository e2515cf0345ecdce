"""Promises of a run and of its files, each with a test of its own: nothing lost, nothing leaked, nothing mixed up."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import steelyard as sy
from steelyard.acts.bootstrapping import bootstrap, difference, interval
from steelyard.acts.cells import BASE, Cell, Judged, Settings
from steelyard.apps.cli import main
from steelyard.demonstration import catalogue
from steelyard.features.table import Table
from steelyard.parts.measures import parse
from steelyard.plan import Plan
from steelyard.run import Run
from steelyard.values.scale import Scale

QUICK = {"seeds": 3, "repairs": 0, "inner_folds": 2}


@pytest.fixture(scope="module")
def table() -> pa.Table:
    made = catalogue.make(3, 240)
    notes = [f"note {i} {'x' * (30_000 if i == 5 else 0)}" for i in range(made.num_rows)]
    judge = [
        "anna.schmidt@example.com" if a == made["annotator"][0].as_py() else a for a in made["annotator"].to_pylist()
    ]
    column = made.column_names.index("annotator")
    return made.set_column(column, "annotator", pa.array(judge)).append_column("my_note", pa.array(notes))


@pytest.fixture(scope="module")
def file(table: pa.Table, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("review") / "pairs.parquet"
    pq.write_table(table, path)
    return path


@pytest.fixture(scope="module")
def scored(file: Path) -> sy.Run:
    return sy.score(file, run_dir=file.parent / "runs").run


def test_a_slice_that_few_cells_hold_has_an_interval_around_its_value() -> None:
    rng = np.random.default_rng(0)
    n, scale = 1000, Scale.from_dict({"names": ["0", "1"], "gains": [0.0, 1.0], "ordered": True})
    label, group = rng.integers(0, 2, n), np.arange(n) // 4
    held = [np.flatnonzero(group % 5 == k) for k in range(5)]
    inside = np.isin(np.arange(n), held[2])  # every row of the slice is in the third cell

    def said(rows: np.ndarray, right: float) -> np.ndarray:
        p = np.where(rng.random(len(rows)) < right, label[rows], 1 - label[rows]).astype(float)
        return np.stack([1 - p, p], axis=1)

    cells = [Cell(rows, {BASE: said(rows, 0.6), "gate": said(rows, 0.9)}, {}, {}, {}) for rows in held]
    shown = Table(None, np.zeros((n, 0), np.uint8), label, group, 2, np.array([0.0, 1.0]))
    judged = Judged(label, "given", parse("acc"), scale)
    values, draws = bootstrap(shown, judged, cells, [BASE, "gate"], Settings(draws=400), inside)
    delta = difference(values, "gate", BASE)
    assert np.isfinite(delta).sum() == 1
    found = interval(float(np.nanmean(delta)), difference(draws, "gate", BASE))
    assert found.low < found.value < found.high
    assert found.low > 0.1


def test_test_rows_without_labels_judge_nobody(table: pa.Table, tmp_path: Path) -> None:
    rows = table.to_pylist()
    queries = sorted({r["query_id"] for r in rows})
    hidden = set(queries[: len(queries) // 2])
    blind = [{**r, "label": None if r["query_id"] in hidden else r["label"], "gold": None,
              "split": "test" if r["query_id"] in hidden else "train"} for r in rows]  # fmt: skip
    run = sy.score([{k: v for k, v in r.items() if k != "gold"} for r in blind], run_dir=tmp_path)
    found = sy.compare(run, **QUICK)
    assert all(np.isfinite(a.value) for a in found.arms)


def test_two_cells_cannot_tell(scored: sy.Run) -> None:
    found = sy.compare(scored, **{**QUICK, "seeds": 2}, arms=["prune"])
    assert found.answer == "cannot_tell"
    assert found.why[0][0] == "VW06"


def test_chosen_samples_are_a_run_of_their_own(file: Path, scored: sy.Run, tmp_path: Path) -> None:
    part = sy.read(file, sample=60)
    run = sy.score(part, run_dir=scored.path.parent)
    assert run.run.path != scored.path
    assert list(run.samples.row_key) == list(part.row_key)
    for row in run.top(20):
        place = list(part.row_key).index(row["row_key"])
        assert row["title"] == part.table["title"][place].as_py()
    reordered = sy.score(sy.read(file, label_order="desc"), run_dir=scored.path.parent)
    assert reordered.run.path != scored.path


def test_a_moved_file_is_found_where_it_lies_now(file: Path, scored: sy.Run, tmp_path: Path) -> None:
    first = tmp_path / "a.parquet"
    first.write_bytes(file.read_bytes())
    before = sy.score(first, run_dir=tmp_path / "runs")
    first.rename(tmp_path / "b.parquet")
    after = sy.score(tmp_path / "b.parquet", run_dir=tmp_path / "runs")
    assert after.run.path == before.run.path
    assert len(after.top(3)) == 3
    assert f"score {tmp_path / 'b.parquet'}" in after.info["command"]


def test_clean_keeps_every_column_and_type(table: pa.Table, scored: sy.Run) -> None:
    clean = pq.read_table(sy.export(scored, "clean"))
    for name in table.column_names:
        if name != "label":
            assert clean[name].to_pylist() == table[name].to_pylist(), name
    assert clean["label"].type == table["label"].type
    assert clean["label_original"].to_pylist() == table["label"].to_pylist()
    changed = clean["steelyard_changed"].to_numpy(zero_copy_only=False)
    differs = np.array([a != b for a, b in zip(clean["label"].to_pylist(), table["label"].to_pylist(), strict=True)])
    np.testing.assert_array_equal(changed, differs)
    assert changed.any()


def test_no_address_lies_in_the_run_directory(scored: sy.Run) -> None:
    sy.report(scored)
    for path in scored.path.iterdir():
        if path.is_file() and path.name != "clean.parquet":  # the user's own table, asked for
            assert b"anna.schmidt@example.com" not in path.read_bytes(), path.name
    reasons = pq.read_table(scored.path / "scores.parquet")["reason_facts"].to_pylist()
    assert not any("anna.schmidt@example.com" in r for r in reasons if r)


def test_the_command_says_all_that_changes_a_number(file: Path, tmp_path: Path) -> None:
    copy = tmp_path / "my file.parquet"
    copy.write_bytes(file.read_bytes())
    asked = sy.score(copy, run_dir=tmp_path / "one", folds=3, seed=5, label_order=["I", "C", "S", "E"])
    command = asked.info["command"]
    import shlex

    words = shlex.split(command)
    assert words[:2] == ["steelyard", "score"]
    assert main([*words[1:], "--run-dir", str(tmp_path / "two"), "-q"]) == 0
    assert [p.name for p in (tmp_path / "two").iterdir()] == [asked.run.path.name]


def test_one_comparison_leaves_the_other_alone(scored: sy.Run) -> None:
    (scored.path / "work").mkdir(exist_ok=True)
    other = scored.path / "work" / "compare-deadbeef-cell-0.npz"
    other.write_bytes(b"kept")
    first = sy.compare(scored, **QUICK, arms=["prune"])
    second = sy.compare(scored, **QUICK, arms=["soft_label"])
    assert other.read_bytes() == b"kept"
    other.unlink()
    again = json.loads((scored.path / "compare.json").read_text(encoding="utf-8"))
    assert again["arms"] == json.loads(json.dumps(second.as_dict()))["arms"]
    written = {p: p.stat().st_mtime_ns for p in scored.path.glob("compare-*.json")}
    assert sy.compare(scored, **QUICK, arms=["prune"]) == first
    assert {p: p.stat().st_mtime_ns for p in scored.path.glob("compare-*.json")} == written


@pytest.mark.parametrize(
    "words",
    [
        ["compare", "RUN", "--seeds", "0"],
        ["compare", "RUN", "--arms", "proportional"],
        ["compare", "RUN", "--arms", "step_gate,nothing"],
        ["compare", "RUN", "--fail-on", "gain>abc"],
        ["compare", "RUN", "--fail-on", "loss>1"],
        ["score", "FILE", "--folds", "1"],
        ["score", "FILE", "--folds", "0"],
        ["score", "FILE", "--labels", "E=x"],
    ],
)
def test_options_that_make_no_sense_are_said_at_once(words: list[str], file: Path, scored: sy.Run, capsys) -> None:
    asked = [{"RUN": str(scored.path), "FILE": str(file)}.get(w, w) for w in words]
    assert main([*asked, "-q"]) == 2
    err = capsys.readouterr().err
    assert err.startswith("steelyard: error U")
    assert "X001" not in err


def test_a_run_keeps_its_own_stages_apart(tmp_path: Path) -> None:
    run = Run.open(tmp_path, "x", Plan("score", {}, {}))
    for prefix in ("", "compare-a-", "compare-b-"):
        run.keep("s", lambda: {"a": np.zeros(1)}, prefix=prefix)
    run.finish("compare-a-")
    assert {p.name for p in (run.path / "work").iterdir()} == {"s.npz", "compare-b-s.npz"}
    run.finish()
    assert {p.name for p in (run.path / "work").iterdir()} == {"compare-b-s.npz"}
    run.finish("compare-b-")
    assert not (run.path / "work").exists()
