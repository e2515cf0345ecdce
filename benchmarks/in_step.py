"""Weights decided inside the step of a fine-tuned MiniLM, or before it: dproduct_crowd, judged by truth.

MiniLM reads the two titles apart (``relevance_dual``): as one sequence it needs many epochs before it knows anything
(average precision 0.21, 0.29 and 0.46 after one, two and three), by its cosine alone it begins at 0.48.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np

from _crowd import pairs
from _results import keep
from steelyard import engine, parts
from steelyard.acts import comparing
from steelyard.acts.arming import Networks
from steelyard.acts.cells import Settings
from steelyard.acts.encoding import encode
from steelyard.acts.judging import judged
from steelyard.parts.measures import parse
from steelyard.plan import Plan
from steelyard.run import Run
from steelyard.values.recipe import Recipe
from weighting import said, table

ARMS = ("step_alignment", "step_gate")
#: Arms by the network and the labels alone, without a proxy, and with twice as many looks at twice as many rows.
ALONE = {
    "step_alignment_as_given": ("alignment", {"trusted": False}),
    "step_gate_own_margins": ("gate", {"prior": 0.0}),
    "step_alignment_looks_often": ("alignment", {"look": 64, "every": 8}),
}


def compared(
    which: str, seeds: int, epochs: int, max_length: int, arms: tuple[str, ...], processes: int, rows: int | None = None
):
    samples = pairs(which, rows)
    model = parts.make("models", "transformer", pretrained="minilm")
    task = parts.make("tasks", "relevance_dual", max_length=max_length, product="{title}")
    recipe = Recipe(epochs=epochs, batch_size=32, learning_rate=2e-4, head_rate=10, precision="bf16")
    made = {n: ALONE.get(n, (n[5:], {})) for n in arms if n.startswith("step_")}
    alphas = {n[5:]: parts.make("alphas", alpha, **options) for n, (alpha, options) in made.items()}
    encoded = task.encode(samples, model.tokenizer())
    uniform = parts.make("alphas", "uniform")
    networks = Networks(task, model, encoded, task.outputs(samples), recipe, samples.row_key, uniform, alphas)
    everything = {m: parts.make("models", m) for m in ("linear", "boosted")}
    everything |= {kind: parts.of_samples(kind) for kind in ("estimators", "policies")}
    started = time.monotonic()

    def progress(stage: str, done: int, total: int) -> None:
        print(f"{stage} {done}/{total} {time.monotonic() - started:.0f} s", flush=True)

    each = engine.choose(len(samples), processes)
    inside = {name: repr(alpha) for name, alpha in alphas.items()}
    how = {
        "which": which,
        "rows": rows,
        "epochs": epochs,
        "max_length": max_length,
        "arms": list(arms),
        "alphas": inside,
    }
    run = Run.open(Path("runs"), "in-step", Plan("compare", {"table": samples.origin.fingerprint}, how))
    return comparing.compare(
        encode(samples), np.zeros(0, int), judged(samples, None, parse), everything,
        Settings(seeds=seeds, arms=arms, inner_folds=3, repairs=1), model="network", networks=networks, each=each,
        keep=run.keep, progress=progress,
    )  # fmt: skip


if __name__ == "__main__":
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--seeds", type=int, default=5, help="cells; five folds are gone through in turn")
    asked.add_argument("--epochs", type=int, default=2)
    asked.add_argument("--max-length", type=int, default=24)
    asked.add_argument(
        "--arms", default=",".join(ARMS), help="policies, and step_ with an alpha; also " + ", ".join(ALONE)
    )
    asked.add_argument("--only", choices=["majority", "first"])
    asked.add_argument("--rows", type=int, help="whole groups by chance, at most that many rows; all by default")
    asked.add_argument("--processes", type=int, default=2)
    args = asked.parse_args()
    how = (
        f"--seeds {args.seeds} --epochs {args.epochs} --max-length {args.max_length} --arms {args.arms} "
        f"--processes {args.processes}" + (f" --rows {args.rows}" if args.rows else "")
    )
    for which in ("first", "majority"):
        if args.only in (None, which):
            result = compared(
                which, args.seeds, args.epochs, args.max_length, tuple(args.arms.split(",")), args.processes, args.rows
            )
            some = f", {args.rows:,} rows" if args.rows else ""
            keep(
                f"Weights inside the step: dproduct_crowd, {which}, MiniLM{some}",
                f"python benchmarks/in_step.py {how} --only {which}", table(result), said(result),
            )  # fmt: skip
