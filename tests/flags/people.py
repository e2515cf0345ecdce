"""People who answer a queue: they know the truth of the generated catalogue, and err as often as asked."""

import csv
from pathlib import Path

import numpy as np
import pyarrow as pa

from steelyard.api import open_run

ROWS = 240


def rows_of(path: Path) -> list[dict]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def answer(path: Path, run: Path, truth: pa.Table, wrong_of: float = 0.0, seed: int = 0) -> Path:
    """Fill in the true labels, as a person who errs in a share of the rows would."""
    gold = dict(zip(open_run(run).column("row_key").tolist(), truth["gold"].to_pylist(), strict=True))
    rng, rows = np.random.default_rng(seed), rows_of(path)
    for row in rows:
        label = gold[row["row_key"]]
        row["answer"] = label if rng.random() >= wrong_of else {"I": "C", "C": "S", "S": "E", "E": "I"}[label]
    return write(path, rows)


def write(path: Path, rows: list[dict]) -> Path:
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path
