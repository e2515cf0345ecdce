"""Does it find interactions that were not wanted? Ratings of 3 and less, hidden among all interactions as positives.

Nobody sees a rating: every row counts as positive. Detection: AUC and average precision of each reading against the
rank of the in-sample loss, by the recommender that reads; the interval of the difference is over users (drawn with
replacement, 500 times, paired). Weighting (--compare): trained on all interactions, tested on later ratings of 4 and
more, every arm with its control, beside popularity, item-kNN and EASE.
"""

from __future__ import annotations

import argparse
import tempfile

import numpy as np

import steelyard as sy
from _results import data, keep, rows
from steelyard import parts, recommendation
from steelyard.acts import doubting
from steelyard.acts.taking import detection
from steelyard.values.interactions import Interactions

TABLES = {
    "movielens_latest_small": ("", {}),
    "amazon_musical_instruments_5core": ("reviews.parquet", {"task": "recommendation"}),
}
MODELS = ("popularity", "item_knn", "ease", "als", "bpr")
BASE = "in_sample_loss"
DRAWS = 500


def read(name: str, relevant: float) -> Interactions:
    file, options = TABLES[name]
    found = sy.read(data(name) / file, relevant=relevant, **options)
    assert isinstance(found, Interactions)
    return found


def detect(name: str, model: str, seed: int) -> dict[str, np.ndarray]:
    """Return every reading (n,) of one table by one recommender; for one that trains in steps also its own loss."""
    of = read(name, 3.5)
    part = parts.make("recommenders", model)
    signals = doubting.as_signals(of, doubting.measure(of, part, seed=seed))
    found = {n: e.estimate(signals) for n, e in recommendation.estimators().items()}
    if part.stepwise:
        *_, last = part.train(of, None, seed)
        found["own training loss"] = np.array(last.loss)
    return found


def interval(of: Interactions, a: np.ndarray, b: np.ndarray) -> tuple[float, float]:
    """Return the 95% interval of AUC(a) - AUC(b), users drawn with replacement."""
    from sklearn.metrics import roc_auc_score

    rng = np.random.default_rng(0)
    wrong = of.gold == 0
    gaps = []
    for _ in range(DRAWS):
        times = rng.poisson(1.0, of.n_users)[of.user].astype(float)
        gaps.append(roc_auc_score(wrong, a, sample_weight=times) - roc_auc_score(wrong, b, sample_weight=times))
    low, high = np.quantile(gaps, [0.025, 0.975])
    return float(low), float(high)


def detection_table(tables: list[str], models: list[str], seeds: int) -> str:
    body = []
    for name in tables:
        of = read(name, 3.5)
        wrong = of.gold == 0
        for model in models:
            runs = [detect(name, model, seed) for seed in range(seeds)]
            base = np.mean([detection(wrong, r[BASE])["auc"] for r in runs])
            for reading in runs[0]:
                found = [detection(wrong, r[reading]) for r in runs]
                auc, ap = (np.mean([f[k] for f in found]) for k in ("auc", "ap"))
                gap = "" if reading == BASE else f"{auc - base:+.4f}"
                if reading == "standing":
                    low, high = interval(of, runs[0][reading], runs[0][BASE])
                    gap += f" [{low:+.4f}, {high:+.4f}]"
                spread = np.std([f["auc"] for f in found])
                body.append(
                    [name, f"{wrong.mean():.1%}", model, reading, f"{auc:.4f}", f"{spread:.4f}", f"{ap:.4f}", gap]
                )
                print(*body[-1], flush=True)
    return rows(["table", "wrong", "read by", "reading", "AUC", "sd over seeds", "AP", "AUC - in-sample"], body)


def compare(name: str, seeds: int) -> str:
    of = read(name, 4.0)
    with tempfile.TemporaryDirectory() as root:
        scored = sy.score(of, name=name, run_dir=root)
        found = sy.compare(scored, seeds=seeds, run_dir=root)
    body = []
    for arm in found.arms:
        d, over = arm.delta, arm.over_control
        against = f"{over.value:+.4f} [{over.low:+.4f}, {over.high:+.4f}]" if over else ""
        more = [f"{arm.more[m]:.4f}" for m in ("recall@20", "map@20", "coverage", "gini")]
        body.append([arm.name, f"{arm.value:.4f}", f"{d.value:+.4f} [{d.low:+.4f}, {d.high:+.4f}]", against, *more])
    said = "; ".join(f"{code} {sy_say(code, facts)}" for code, facts in (*found.why, *found.limits))
    head = [
        "arm",
        found.measure,
        "against early stop",
        "against its control",
        "recall@20",
        "map@20",
        "coverage",
        "gini",
    ]
    return rows(head, body) + f"\n\nVerdict `{found.answer}`, {found.cells} seeds, {found.groups:,} users. {said}\n"


def sy_say(code: str, facts: dict) -> str:
    from steelyard.wording import say

    return say(code, "en", **facts)


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("--only", choices=TABLES, help="one table")
    ask.add_argument("--models", default=",".join(MODELS), help="recommenders that read")
    ask.add_argument("--seeds", type=int, default=3)
    ask.add_argument("--compare", action="store_true", help="the weighting instead of the detection")
    args = ask.parse_args()
    tables = [args.only] if args.only else list(TABLES)
    asked = " ".join(f"--{k} {v}" for k, v in (("only", args.only), ("models", args.models)) if v and not args.compare)
    if args.compare:
        for name in tables:
            command = f"python benchmarks/recommend_noise.py --compare --only {name} --seeds {args.seeds}"
            keep(f"Recommendation: weights against false positives, {name}", command, compare(name, args.seeds))
        return
    found = detection_table(tables, args.models.split(","), args.seeds)
    keep("Recommendation: finding false positives", f"python benchmarks/recommend_noise.py {asked}", found)


if __name__ == "__main__":
    main()
