"""Do planted errors tell how many real ones a run finds? The run's own facts beside the truth, which gold holds.

dproduct_crowd has the crowd's errors; banking77 gets labels flipped by chance. Both go through ``score`` as users call
it. Gold judges and changes neither flags nor what is planted.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import _crowd
import steelyard as sy
from _results import data, keep, rows
from steelyard.acts.intervals import share
from steelyard.scored import Scored


def cases() -> Iterator[tuple[str, pa.Table, dict]]:
    """Yield name, table and how to read it."""
    for which in ("majority", "first answer"):
        reading = {"columns": _crowd.COLUMNS, "group_by": "left_id", "task": "relevance"}
        yield f"dproduct_crowd, {which}", _crowd.table(which), reading
    for wrong in (0.05, 0.2):
        yield f"banking77, {wrong:.0%} flipped", flipped(wrong), {"task": "classification"}


def flipped(wrong: float, seed: int = 0) -> pa.Table:
    """Return banking77 with that share of its labels flipped to another one, each equally likely; gold is the truth."""
    table = pq.read_table(data("banking77") / "utterances.parquet", columns=["text", "category", "split"])
    names, truth = np.unique(np.array(table["category"].to_pylist(), object), return_inverse=True)
    rng = np.random.default_rng(seed)
    rows = rng.random(len(truth)) < wrong
    label = np.where(rows, (truth + rng.integers(1, len(names), len(truth))) % len(names), truth)
    return pa.table({"text": table["text"], "label": names[label], "gold": names[truth], "split": table["split"]})


def line(name: str, seed: int, run: Scored) -> list[object]:
    planted, real = run.info["planted"], run.info["reviewed"]
    low, high = share(real["hits"], real["wrong"])
    rate = "not told (LM10)" if planted["rate"] is None else f"{planted['rate']:.1%}"
    return [
        name,
        seed,
        f"{planted['planted']:,}",
        f"{planted['recall']:.0%} [{planted['low']:.0%}, {planted['high']:.0%}]",
        f"{real['wrong']:,}",
        f"{real['hits'] / real['wrong']:.0%} [{low:.0%}, {high:.0%}]",
        rate,
        f"{real['wrong'] / real['rows']:.1%}",
    ]


if __name__ == "__main__":
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--only", help="cases whose name begins with this; the others are not kept")
    asked.add_argument("--seeds", type=int, nargs="+", default=[7, 0, 1], help="of score; 7 is its default")
    args = asked.parse_args()
    body = []
    with tempfile.TemporaryDirectory() as folder:
        for name, table, reading in cases():
            for seed in args.seeds if args.only is None or name.startswith(args.only) else ():
                run = sy.score(table, run_dir=folder, name="planted", seed=seed, processes=1, **reading)
                body.append(line(name, seed, run))
                print(body[-1], [c["value"] for c in run.info["disagreement"]["carriers"]], flush=True)
    told = ["planted", "of them flagged", "wrong", "of them flagged", "rate told by the planted", "rate"]
    if args.only is None:
        command = f"python benchmarks/planted.py --seeds {' '.join(map(str, args.seeds))}"
        keep("Planted errors and real ones", command, rows(["labels", "seed", *told], body))
