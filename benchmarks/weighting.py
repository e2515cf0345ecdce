"""Does weighting help on unseen groups? dproduct_crowd judged by truth; clean banking77 judged by its test labels."""

from __future__ import annotations

import argparse
import time

import numpy as np

import steelyard as sy
from _crowd import pairs
from _results import data, keep, rows
from steelyard import api, engine, parts
from steelyard.acts import comparing
from steelyard.acts.cells import Settings
from steelyard.acts.encoding import encode
from steelyard.values.comparison import Comparison, Interval


def compared(samples, seeds: int, model: str, metric: str | None = None) -> Comparison:
    judged = api._judged(samples, metric, None)
    everything = {m: parts.make("models", m) for m in ("linear", "boosted")}
    everything |= {kind: parts.of_samples(kind) for kind in ("estimators", "policies")}
    started = time.monotonic()

    def progress(stage: str, done: int, total: int) -> None:
        if stage == "arms":
            print(f"{done}/{total} {time.monotonic() - started:.0f} s", flush=True)

    settings = Settings(seeds=seeds)
    each = engine.choose(len(samples))
    table = encode(samples, each=each)
    return comparing.compare(
        table, np.zeros(0, int), judged, everything, settings, model=model, each=each, progress=progress
    )


def _interval(d: Interval) -> str:
    return f"{d.value:+.4f} [{d.low:+.4f}, {d.high:+.4f}]"


def table(result: Comparison) -> str:
    body = [
        [a.name, f"{a.value:.4f}", _interval(a.delta),
         "" if a.over_control is None else _interval(a.over_control),
         f"{a.ess:.2f}", f"{a.cost:.2f}"]
        for a in result.arms
    ]  # fmt: skip
    return rows(["arm", result.measure, "over uniform, early stop [95%]", "over its control", "n_eff", "cost"], body)


def said(result: Comparison) -> str:
    gain = result.recovered_gain
    share = f"; recovered {gain.value:.0%} [{gain.low:.0%}, {gain.high:.0%}] of the gap to the oracle" if gain else ""
    return (
        f"\nVerdict: `{result.answer}` ({result.recommended}), {result.cells} cells, {result.groups} groups{share}.\n"
    )


if __name__ == "__main__":
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--seeds", type=int, default=25, help="cells; five folds are gone through in turn")
    asked.add_argument("--only", choices=["majority", "first", "banking77"])
    args = asked.parse_args()
    command = f"python benchmarks/weighting.py --seeds {args.seeds}"
    for which in ("majority", "first"):
        if args.only in (None, which):
            result = compared(pairs(which), args.seeds, "boosted")
            keep(f"Weighting: dproduct_crowd, {which}", f"{command} --only {which}", table(result), said(result))
    if args.only in (None, "banking77"):
        result = compared(sy.read(data("banking77") / "utterances.parquet", columns={"label": "category"}), 5, "linear")
        keep(
            "Weighting: banking77, clean",
            "python benchmarks/weighting.py --only banking77",
            table(result),
            said(result),
        )
