"""embed and full through the public verbs: the same columns, resumed runs, cached vectors, words that make no sense."""

import json
import os
import signal
import subprocess
import sys
import time
import zlib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest
import torch
from tiny import RECIPE, WORDS, pairs, sentences, texts, with_leak, without_rule

import steelyard as sy
from steelyard import parts
from steelyard.acts import embedding, networking, scoring
from steelyard.errors import EnvironmentProblem, UsageError
from steelyard.parts.models.transformer import Transformer
from steelyard.testing.networks import tiny_bert, tiny_roberta

FULL = {"tier": "full", "epochs": 2, "folds": 2, "learning_rate": 3e-3, "batch_size": 8, "max_length": 16}


def noisy(n: int = 90) -> list[dict]:
    rows = texts(n).table.select(["text", "label"]).to_pylist()
    for i in range(0, n, 15):
        rows[i]["label"] = f"c{(int(rows[i]['label'][1]) + 1) % 3}"
    return rows


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> pa.Table:
    return sy.score(noisy(), run_dir=tmp_path_factory.mktemp("runs")).table


@pytest.mark.parametrize("tier", ["embed", "full"])
def test_a_tier_fills_the_same_columns(bert: str, folder: Path, quick: pa.Table, tier: str) -> None:
    options = FULL if tier == "full" else {"tier": "embed", "max_length": 16}
    scored = sy.score(noisy(), run_dir=folder, model=bert, **options)
    assert set(quick.column_names) <= set(scored.table.column_names)
    for name in quick.column_names:
        assert scored.table[name].type == quick[name].type, name
    for name in ("suspicion", "difficulty", "benefit", "grad_norm", "alignment"):
        assert np.isfinite(scored.column(name)).all(), name
    wrong = np.arange(90) % 15 == 0
    assert scored.column("suspicion")[wrong].mean() > scored.column("suspicion")[~wrong].mean() + 0.2
    again = sy.score(noisy(), run_dir=folder, model=bert, **options)
    assert again.id == scored.id


def test_full_tells_of_the_training_and_of_what_was_cut(bert: str, folder: Path) -> None:
    scored = sy.score(noisy(), run_dir=folder, model=bert, **{**FULL, "max_length": 6})
    network = scored.info["network"]
    assert network["truncated"]["rows"] > 0
    assert network["tuning"] == "full"
    assert 0 <= network["blend_network"] <= 1
    assert np.isfinite(scored.column("aum")).all()
    assert {"forgetting_seen", "loss_seen"} <= set(scored.table.column_names)
    assert "T120" in (scored.run.path / "log.jsonl").read_text()


def test_the_small_models_of_the_full_tier_read_vectors_too(bert: str, folder: Path, monkeypatch) -> None:
    said: list[dict] = []
    real = scoring.measure

    def noting(table, *parts, **how):
        said.append({**real(table, *parts, **how)})
        return said[-1]

    monkeypatch.setattr(scoring, "measure", noting)
    embed = sy.score(noisy(), run_dir=folder, model=bert, tier="embed", max_length=16, folds=2)
    full = sy.score(noisy(), run_dir=folder, model=bert, **FULL)
    np.testing.assert_array_equal(said[0]["probability"], said[1]["probability"])
    assert full.info["encoder"] == embed.info["encoder"]
    np.testing.assert_array_equal(full.column("neighbours"), embed.column("neighbours"))


def test_memory_that_runs_out_is_told(bert: str, folder: Path, monkeypatch) -> None:
    from steelyard.parts.models._learner import Learner

    real = Learner._output

    def tight(self, rows, part):
        if self.module.training and len(rows) > 4:
            raise MemoryError
        return real(self, rows, part)

    monkeypatch.setattr(Learner, "_output", tight)
    scored = sy.score(noisy(30), run_dir=folder, model=bert, **{**FULL, "epochs": 1})
    assert scored.info["network"]["rows_a_part"] == 4
    assert "T121" in (scored.run.path / "log.jsonl").read_text()


def test_graded_pairs_by_every_tier(bert: str, folder: Path) -> None:
    rows = pairs(24).table.select(["query_id", "query", "title", "label"]).to_pylist()
    for options in ({"tier": "embed"}, FULL, {**FULL, "architecture": "dual"}):
        scored = sy.score(rows, run_dir=folder, model=bert, **options)
        assert np.isfinite(scored.column("suspicion")).all()


def test_many_grades_are_fitted_as_one_number(bert: str, folder: Path) -> None:
    rows = pairs(24).table.select(["query_id", "query", "title"]).to_pylist()
    for i, row in enumerate(rows):
        row["label"] = round(1 + 2 * (i * 7 % 9) / 8, 2)
    scored = sy.score(rows, task="relevance", run_dir=folder, model=bert, **FULL)
    assert len(scored.scale) == 9
    assert np.isfinite(scored.column("suspicion")).all()


def test_no_network_reads_a_row_that_it_trained_on(bert: str, folder: Path, monkeypatch) -> None:
    trained: list[np.ndarray] = []
    real = networking.train

    def noting(learner, batches, *args, **how):
        trained.append(np.unique(np.concatenate(batches.steps)))
        return real(learner, batches, *args, **how)

    monkeypatch.setattr(networking, "train", noting)
    fold = sy.score(noisy(), run_dir=folder, model=bert, **FULL).column("fold")
    for f, rows in enumerate(trained):
        np.testing.assert_array_equal(rows, np.flatnonzero(fold != f))
    assert len(trained) == 2


def test_reducible_loss_belongs_to_the_full_tier(bert: str, folder: Path, quick: pa.Table) -> None:
    rows = noisy()
    rows[1]["label"] = None
    scored = sy.score(rows, run_dir=folder, model=bert, **{**FULL, "epochs": 6})
    value = scored.column("reducible_loss")
    np.testing.assert_allclose(value, scored.column("loss_seen") - scored.column("loss_unseen"))
    assert np.flatnonzero(np.isnan(value)).tolist() == [1]
    wrong = np.arange(90) % 15 == 0
    assert value[wrong].mean() < np.nanmean(value[~wrong]) - 0.2
    assert "reducible_loss" not in quick.column_names
    assert "reducible_loss" not in parts.of_samples("estimators")


class Killed(Exception):
    pass


@pytest.mark.parametrize("at", [7, 20])
def test_a_killed_full_run_resumes_to_the_same_files(bert: str, folder: Path, at: int) -> None:
    whole = sy.score(noisy(), run_dir=folder / "a", model=bert, **FULL)
    seen = []

    def kill(stage: str, done: int, total: int) -> None:
        seen.append(stage)
        if stage == "network" and done == at:
            raise Killed

    with pytest.raises(Killed):
        sy.score(noisy(), run_dir=folder / "b", model=bert, progress=kill, **FULL)
    again = sy.score(noisy(), run_dir=folder / "b", model=bert, **FULL)
    for name in ("scores.parquet", "readings.parquet", "run.json", "slices.json"):
        assert (again.run.path / name).read_bytes() == (whole.run.path / name).read_bytes(), name
    assert not (again.run.path / "work").exists()


@pytest.mark.slow
def test_a_full_run_that_is_killed_without_warning_resumes_to_the_same_files(bert: str, folder: Path) -> None:
    """SIGKILL in the first fold, and in the last: checkpoints, folds that are done, and what an epoch left behind."""
    table = folder / "rows.csv"
    pa_csv.write_csv(pa.Table.from_pylist(noisy()), table)
    options = {**FULL, "epochs": 4}
    flags = [word for name, value in options.items() for word in (f"--{name.replace('_', '-')}", str(value))]
    command = [sys.executable, "-m", "steelyard.apps.cli", "score", str(table), "--model", bert, *flags, "-q"]
    threads = {"OMP_NUM_THREADS": str(torch.get_num_threads())}  # sums of other parts are other bits
    whole = sy.score(table, run_dir=folder / "a", model=bert, **options)
    for left in ("fold-0/said-1.npy", "fold-1/said-0.npy"):
        process = subprocess.Popen([*command, "--run-dir", str(folder / "b")], env=os.environ | threads)
        while process.poll() is None and not list((folder / "b").glob(f"*/work/{left}")):
            time.sleep(0.001)
        os.kill(process.pid, signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL, "finished before it was killed"
    shares: list[float] = []

    def hear(stage: str, done: int, total: int) -> None:
        shares.extend([done / total] if stage == "network" else [])

    again = sy.score(table, run_dir=folder / "b", model=bert, progress=hear, **options)
    assert min(shares, default=1.0) > 0.5, "the first fold was trained again"
    for name in ("scores.parquet", "readings.parquet", "run.json", "slices.json"):
        assert (again.run.path / name).read_bytes() == (whole.run.path / name).read_bytes(), name
    assert not (again.run.path / "work").exists()


class Counting:
    """An encoder that counts what it reads."""

    identity = "counting"

    def __init__(self, stop: int | None = None) -> None:
        self.read: list[str] = []
        self.stop = stop

    def embed(self, part: list[str]) -> np.ndarray:
        if self.stop is not None and len(self.read) >= self.stop:
            raise Killed
        self.read += part
        rng = [np.random.default_rng(zlib.crc32(t.encode())) for t in part]
        v = np.stack([r.standard_normal(8) for r in rng]).astype(np.float32)
        return v / np.linalg.norm(v, axis=1, keepdims=True), np.array([len(t) % 3 for t in part])


def quiet(_done: int, _total: int) -> None:
    pass


def test_vectors_are_read_once_and_a_killed_embedding_goes_on(folder: Path, monkeypatch) -> None:
    monkeypatch.setattr(embedding, "SHARD", 16)
    given = [f"text {i % 50}" for i in range(120)]
    killed = Counting(stop=32)
    with pytest.raises(Killed):
        embedding.embed(killed, given, folder, quiet)
    rest = Counting()
    found = embedding.embed(rest, given, folder, quiet)
    assert len(killed.read) == 32
    assert len(rest.read) == 18
    again = Counting()
    same = embedding.embed(again, given, folder, quiet)
    assert not again.read
    expected, lost = Counting().embed(given)
    np.testing.assert_array_equal(same.cut[same.row], lost)
    np.testing.assert_allclose(found.rows(0, 120), expected, atol=2e-3)
    np.testing.assert_allclose(same.rows(37, 61), expected[37:61], atol=2e-3)
    assert not list(folder.glob("*.part"))


def test_neighbours_by_meaning_are_the_exact_ones(folder: Path, monkeypatch) -> None:
    monkeypatch.setattr(embedding, "BLOCK", 7)
    given = [f"t {i}" for i in range(40)]
    vectors = embedding.embed(Counting(), given, folder, quiet)
    meaning = embedding.Meaning(vectors, None)
    rng = np.random.default_rng(0)
    label, group = rng.integers(-1, 3, 40), rng.integers(0, 12, 40)
    from steelyard.features.table import Table

    table = Table(None, np.zeros((40, 0), np.uint8), label, group, 3, None)
    found = embedding.meant_alike(meaning, table, k=5)["neighbour_label"]
    near = meaning.dense(0, 40) @ meaning.dense(0, 40).T
    for i in range(40):
        allowed = np.flatnonzero((group != group[i]) & (label >= 0))
        best = allowed[np.argsort(-near[i, allowed], kind="stable")[:5]]
        np.testing.assert_array_equal(found[i], label[best])


def test_the_encoder_gives_one_vector_a_text_whatever_its_batch(bert: str) -> None:
    encoder = Transformer(pretrained=bert).encoder(max_length=8)
    given = [" ".join(WORDS[: 1 + i % 15]) for i in range(30)]
    whole, lost = encoder.embed(given)
    np.testing.assert_allclose(np.linalg.norm(whole, axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(encoder.embed(given[14:15])[0], whole[14:15], atol=1e-6)
    np.testing.assert_array_equal(lost, [max(0, 2 + 1 + i % 15 - 8) for i in range(30)])  # [CLS] and [SEP] count
    assert encoder.identity != Transformer(pretrained=bert).encoder(max_length=9).identity


def long_rows() -> list[dict]:
    """Rows of which every fourth is longer than 32 tokens."""
    rows = noisy(45)
    for row in rows[::4]:
        row["text"] += " shirt hat" * 30
    return rows


@pytest.mark.parametrize(("write", "places"), [(tiny_bert, 32), (tiny_roberta, 30)])
@pytest.mark.parametrize("tier", ["embed", "full"])
def test_no_text_is_longer_than_the_model_has_places_for(folder: Path, write, places: int, tier: str) -> None:
    from steelyard.apps import draw

    options = {"tier": "embed"} if tier == "embed" else {**FULL, "epochs": 1}
    model = write(folder, positions=32)
    scored = sy.score(long_rows(), model=model, run_dir=folder / "runs", **{**options, "max_length": 1024})
    facts = scored.info["encoder" if tier == "embed" else "network"]
    assert facts["truncated"]["rows"] == 12
    assert facts["truncated"]["limit"] == places
    assert facts["max_length"] == 1024
    log = (scored.run.path / "log.jsonl").read_text()
    assert "T122" in log
    assert "T120" not in log
    for lang in ("en", "zh"):
        assert any(str(places) in line and "T122" in line for line in draw.network(scored.info, lang))


@pytest.mark.parametrize("task", ["classification", "tagging"])
def test_the_longest_text_that_a_model_reads_fills_its_table(folder: Path, task: str) -> None:
    samples = sy.read(long_rows(), task="classification") if task == "classification" else sentences()
    part = Transformer(pretrained=tiny_roberta(folder, positions=8))
    made = parts.make("tasks", task, max_length=1024)
    encoded = made.encode(samples, part.tokenizer())
    assert encoded.length.max() == made.reads(part.tokenizer()) == 6
    learner = part.learner(made, encoded, made.outputs(samples), RECIPE, 1)
    assert np.isfinite(learner.look(np.arange(8), ("loss",))["loss"]).all()
    assert parts.make("tasks", task, max_length=5).reads(part.tokenizer()) == 5


@pytest.mark.parametrize(
    ("without", "parameter", "reason"),
    [
        (without_rule, "bert.pooler.activation.scale", "W_no_rule"),
        (with_leak, "bert.pooler.dense.weight", "W_outside"),
    ],
)
def test_a_layer_without_a_rule_is_told_and_its_benefit_is_a_secant(
    bert: str, folder: Path, monkeypatch, without, parameter: str, reason: str
) -> None:
    from steelyard.apps import draw

    plain = sy.score(noisy(), run_dir=folder / "a", model=bert, **FULL)
    assert plain.info["network"]["uncovered"] == {}
    real = Transformer.network
    monkeypatch.setattr(Transformer, "network", lambda *a, **how: without(real(*a, **how)))
    scored = sy.score(noisy(), run_dir=folder / "b", model=bert, **FULL)
    assert scored.info["network"]["uncovered"] == {parameter: reason}
    assert np.isnan(scored.column("grad_norm")).all()
    benefit, cosine = scored.column("benefit"), plain.column("benefit")
    assert (np.sign(benefit) == np.sign(cosine)).mean() > 0.9
    assert abs(benefit).max() > 1  # no cosine
    assert scored.info["benefit"] is None
    assert "T123" in (scored.run.path / "log.jsonl").read_text()
    for lang in ("en", "zh"):
        assert parameter in draw.scored(scored, lang)


def test_words_that_make_no_sense(bert: str, folder: Path, monkeypatch) -> None:
    for code, options in {
        "U140": {"tier": "ful"},
        "U155": {"tier": "quick", "model": bert},
        "U150": {"tier": "full", "model": bert, "precision": "fp16"},
    }.items():
        with pytest.raises(UsageError, match=code):
            sy.score(noisy(), run_dir=folder, **options)
    with pytest.raises(UsageError, match="U153"):
        sy.score(sentences(), run_dir=folder, tier="embed", model=bert)
    with pytest.raises(UsageError, match="U153"):
        sy.score(sentences(), run_dir=folder)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(EnvironmentProblem, match="M201"):
        sy.score(noisy(), run_dir=folder, tier="embed", model="no/such")


def test_the_command_line_takes_a_tier(bert: str, folder: Path, capsys, monkeypatch) -> None:
    from steelyard.apps.cli import main

    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    pq.write_table(pa.Table.from_pylist(noisy(45)), folder / "t.parquet")
    words = ["score", str(folder / "t.parquet"), "--tier", "full", "--model", bert, "--epochs", "1", "--folds", "2"]
    assert main([*words, "--json", "--run-dir", str(folder / "runs")]) == 0
    assert '"rows": 45' in capsys.readouterr().out
    assert main(["score", str(folder / "t.parquet"), "--tier", "ful"]) == 2


def test_embed_tells_what_was_cut_now_and_from_cached_vectors(bert: str, folder: Path, capsys) -> None:
    options = {"tier": "embed", "max_length": 6, "model": bert, "run_dir": folder}
    first = sy.score(noisy(), **options)
    again = sy.score(noisy(), seed=8, **options)
    cut = first.info["encoder"]["truncated"]
    assert cut["rows"] > 0
    assert again.info["encoder"]["truncated"] == cut
    assert "T120" in (again.run.path / "log.jsonl").read_text()
    from steelyard.apps import draw

    assert f"{cut['rows']} of 90 rows were longer than 6 tokens" in draw.scored(first, "en")


def test_trackers_follow_every_training_and_change_no_number(bert: str, folder: Path) -> None:
    heard: list[float | None] = []

    def hear(stage: str, done: int, total: int, loss: float | None = None) -> None:
        heard.append(loss)

    scored = sy.score(noisy(), run_dir=folder / "a", model=bert, trackers=["jsonl"], progress=hear, **FULL)
    lines = [json.loads(line) for line in (scored.run.path / "trackers" / "fold-1.jsonl").read_text().splitlines()]
    told = [line["train/loss"] for line in lines[1:]]
    assert [loss for loss in heard if loss is not None][-len(told) :] == told
    assert lines[0]["run"] == "fold-1"
    assert lines[0]["config"]["epochs"] == 2
    assert [line["step"] for line in lines[1:]] == list(range(len(lines) - 1))
    for name in ("train/loss", "train/rows_per_second", "machine/peak_memory_mb"):
        assert all(line[name] > 0 for line in lines[1:])
    plain = sy.score(noisy(), run_dir=folder / "b", model=bert, trackers=[], **FULL)
    assert not (plain.run.path / "trackers").exists()
    assert plain.id == scored.id
    for name in ("scores.parquet", "readings.parquet", "slices.json"):
        assert (plain.run.path / name).read_bytes() == (scored.run.path / name).read_bytes(), name


def test_trackers_are_checked_before_anything_is_trained(folder: Path, monkeypatch) -> None:
    with pytest.raises(UsageError, match="U155"):
        sy.score(noisy(), run_dir=folder, trackers=["jsonl"])
    with pytest.raises(UsageError, match="U105"):
        sy.score(noisy(), run_dir=folder, tier="full", trackers=["jsonll"])
    monkeypatch.setattr("steelyard.parts.trackers.find_spec", lambda name: None)
    with pytest.raises(EnvironmentProblem, match="E213"):
        sy.score(noisy(), run_dir=folder, tier="full", trackers=["wandb"])
    assert not list(folder.iterdir())


def test_two_vectors_need_two_texts(bert: str, folder: Path) -> None:
    with pytest.raises(UsageError, match="U152"):
        sy.score(noisy(), run_dir=folder, model=bert, **FULL, architecture="dual")
    with pytest.raises(UsageError, match="U150"):
        sy.score(noisy(), run_dir=folder, model=bert, **FULL, architecture="towers")
