"""Cells: the smallest pieces of evidence, each computed once and kept as JSON under the version of the code."""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict, dataclass
from functools import cache, partial
from hashlib import blake2b
from pathlib import Path
from typing import Any

from benchmarks.evidence import detecting, interactions, ladder, tables, weighing
from benchmarks.evidence.detectors import Found, find
from benchmarks.evidence.labelled import Labelled
from steelyard.acts.encoding import encode
from steelyard.values.samples import Samples

ROOT = Path(__file__).parents[2]
KINDS = ("detection", "marks", "weighting", "curves", "interactions")
#: What a figure depends on; tables, page and rules only read figures.
CODE = [
    *(f"src/steelyard/{folder}" for folder in ("values", "parts", "features", "gradients", "acts", "demonstration")),
    *("src/steelyard/tiers.py", "benchmarks/_crowd.py", "benchmarks/recommend_noise.py"),
    *(f"benchmarks/evidence/{name}.py" for name in (
        "cells", "tables", "people", "raters", "labelled", "ladder", "weak", "detectors", "deep", "detecting",
        "weighing", "interactions")),
]  # fmt: skip


@dataclass(frozen=True)
class Cell:
    """kind: of KINDS. table, rung: names of tables.SETS and of ladder.RUNGS or of a noise made by people.

    seed: of the noise and of the models. tier: quick, embed or full. rows: 0 for those of the set. folds: cells of the
    comparison, each with its own unseen groups.
    """

    kind: str
    table: str
    rung: str
    seed: int = 0
    tier: str = "quick"
    rows: int = 0
    folds: int = 5

    @property
    def name(self) -> str:
        more = f"-{self.rows}" * bool(self.rows) + f"-{self.tier}" * (self.tier != "quick")
        return f"{self.kind}-{self.table}-{self.rung}{more}-x{self.folds}-{self.seed}"


@cache
def code() -> str:
    """Return a name for the code that makes the figures: the hash of its files."""
    paths = [p for place in CODE for p in ([ROOT / place] if place.endswith(".py") else (ROOT / place).rglob("*.py"))]
    digest = blake2b(digest_size=4)
    for path in sorted(paths):
        digest.update(path.relative_to(ROOT).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()


def store(root: Path | None = None) -> Path:
    return (root or ROOT / "runs" / "evidence") / code()


def done(cell: Cell, folder: Path) -> dict[str, Any] | None:
    path = folder / f"{cell.name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def run(cell: Cell, folder: Path, keep_signals: bool = False) -> dict[str, Any]:
    """Return the figures of a cell, read back or computed and kept."""
    if (found := done(cell, folder)) is not None:
        return found
    start, used = time.monotonic(), time.process_time()
    found = compute(cell, folder, keep_signals)
    found |= {"cell": asdict(cell), "code": code(), "seconds": round(time.monotonic() - start, 1),
              "processor_seconds": round(time.process_time() - used, 1)}  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{cell.name}.json"
    part = path.with_suffix(f".{os.getpid()}.part")
    part.write_text(json.dumps(found), encoding="utf-8")
    part.replace(path)
    return found


def compute(cell: Cell, folder: Path, keep_signals: bool = False) -> dict[str, Any]:
    if cell.kind == "interactions":
        return interactions.detect(cell.table, cell.rung, cell.seed)
    of = planted(cell)
    table = encode(of.samples)
    meaning = None
    if cell.tier != "quick":
        table, meaning = _meant(of.samples, table, folder.parent / "vectors")
    named = tables.SETS[cell.table]
    if cell.kind == "marks":
        return {"model": named.model, "rows": len(of.wrong), **detecting.marks(of, table, cell.seed)}
    if cell.kind == "detection":
        found, network = _found(cell, of, table, meaning, folder)
        if keep_signals:
            _keep_signals(folder / f"{cell.name}.npz", {"wrong": of.wrong, **found.signals})
        return {"model": named.model, **detecting.judged(of, found, named.column, network), "network": network}
    if of.samples.gold is None:
        raise ValueError(f"{cell.name}: arms need the truth to be judged by")
    only = "curves" if cell.kind == "curves" else ""
    return {"wrong": float(of.wrong.mean()), "model": named.model,
            **weighing.compared(of.samples, table, named.model, cell.folds, cell.seed, only)}  # fmt: skip


def _found(cell: Cell, of: Labelled, table: Any, meaning: Any, folder: Path) -> tuple[Found, dict[str, float] | None]:
    """Return the scores of a cell, and what one fine-tuning and one reading of its texts take where networks read."""
    model = tables.SETS[cell.table].model
    if cell.tier == "quick":
        return find(of.samples, table, model, cell.seed), None
    from benchmarks.evidence import deep

    deepen = None
    if cell.tier == "full":
        work = folder / f"{cell.name}.work"
        deepen = partial(deep.networks, of.samples, table, folder=work, seed=cell.seed)
    found = find(of.samples, table, model, cell.seed, meaning, deepen, deep.FOLDS[cell.tier])
    return found, deep.seconds(of.samples, cell.seed)


def planted(cell: Cell) -> Labelled:
    """Return the table of a cell with its noise."""
    named = tables.SETS[cell.table]
    rows = cell.rows or named.rows
    if cell.rung in dict(named.people):
        return named.real(cell.rung, rows, cell.seed)
    return ladder.plant(tables.truth(cell.table, rows), cell.rung, cell.seed, named.column)


def _meant(samples: Samples, table: Any, folder: Path) -> tuple[Any, Any]:
    """Return the table with the vectors of the packaged encoder beside its words, and the vectors."""
    from benchmarks.evidence import deep
    from steelyard.acts import embedding

    first, second = deep.task_of(samples).texts(samples)
    return embedding.with_meaning(table, deep.encoder(), first, second, folder)


def _keep_signals(path: Path, arrays: dict[str, Any]) -> None:
    import numpy as np

    path.parent.mkdir(parents=True, exist_ok=True)
    small = {k: v.astype(np.float32) if v.dtype.kind == "f" else v for k, v in arrays.items()}
    np.savez(path, **small)
