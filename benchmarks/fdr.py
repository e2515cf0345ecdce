"""Do the lists with a bound keep it? dproduct_crowd, its truth reviewed at random, over and over again."""

from __future__ import annotations

import argparse

import numpy as np

from _crowd import pairs
from _results import keep, rows
from detection import readings
from steelyard.acts import flagging
from steelyard.acts.intervals import share

CONFIDENCE = 0.95


def reruns(suspicion: np.ndarray, wrong: np.ndarray, count: int, q: float, repeats: int) -> list[list[object]]:
    """Return a line for each claim: realised share of right labels in the list, over reviews of ``count`` rows."""
    realised: dict[str, list[float]] = {}
    length: dict[str, list[int]] = {}
    for seed in range(repeats):
        reviewed = np.zeros(len(wrong), bool)
        reviewed[np.random.default_rng(seed).choice(len(wrong), count, replace=False)] = True
        made = {
            "on average": flagging.expected(suspicion, reviewed, wrong, q),
            f"with {CONFIDENCE:.0%} confidence": flagging.assured(suspicion, reviewed, wrong, q, CONFIDENCE),
        }
        for name, found in made.items():
            realised.setdefault(name, []).append(float((~wrong[found.rows]).mean()) if len(found.rows) else 0.0)
            length.setdefault(name, []).append(len(found.rows))
    body: list[list[object]] = []
    for name, values in realised.items():
        kept = int((np.array(values) <= q).sum())
        low, high = share(kept, repeats)
        body.append(
            [count, f"{q:.0%}", name, f"{np.mean(values):.3f} ± {np.std(values) / repeats**0.5:.3f}",
             f"{kept / repeats:.1%} [{low:.1%}, {high:.1%}]", f"{np.mean(length[name]):.0f}",
             f"{np.mean(np.array(length[name]) == 0):.0%}"]
        )  # fmt: skip
    return body


if __name__ == "__main__":
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--repeats", type=int, default=500)
    repeats = asked.parse_args().repeats
    head = ["reviewed", "fdr", "claim", "right labels in the list, mean", "reviews with at most fdr", "rows", "empty"]
    for which in ("majority", "first answer"):
        samples = pairs(which)
        _, read = readings(samples, 0)
        wrong = np.asarray(samples.gold != samples.label)
        body = [
            line
            for count in (100, 200, 500, 1000)
            for q in (0.1, 0.2)
            for line in reruns(read["suspicion"], wrong, count, q, repeats)
        ]
        notes = (
            f"\n{wrong.mean():.1%} of the labels are wrong. Reviewed rows are drawn by chance, {repeats} times; an"
            " empty list counts as one without right labels. The claim on average is about the mean only.\n"
        )
        keep(f"Lists with a bound: dproduct_crowd, {which}", "python benchmarks/fdr.py", rows(head, body), notes)
