"""Does it find interactions that were not wanted? Ratings of 3 and less, hidden among all interactions as positives.

Nobody sees a rating: every row counts as positive. Detection: AUC and average precision of each reading against the
rank of the in-sample loss, by the recommender that reads; the interval of the difference is over users (drawn with
replacement, 500 times, paired). Weighting (--compare): a recommender (--model) trained on all interactions, tested on
later ratings of 4 and more, every arm with its control, beside popularity, item-kNN and EASE.
"""

from __future__ import annotations

import argparse
import tempfile

import numpy as np

import steelyard as sy
from _results import data, keep, renewed, rows
from steelyard import parts, recommendation
from steelyard.acts import doubting
from steelyard.acts.taking import detection
from steelyard.values.comparison import Comparison
from steelyard.values.interactions import Interactions
from steelyard.wording import say

TABLES = {
    "movielens_latest_small": ("", {}),
    "amazon_musical_instruments_5core": ("reviews.parquet", {"task": "recommendation"}),
}
MODELS = ("popularity", "item_knn", "ease", "als", "bpr")
BASE, DEFAULT, OWN = "in_sample_loss", "standing", "own training loss"
READINGS = (BASE, OWN, "out_of_fold_loss", "user_loss", "reliability", DEFAULT)
DRAWS = 500
FOUND = "Recommendation: finding false positives"
NOTES = """
AUC / AP, means over seeds; sd is the spread of the AUC of `standing`, its interval is over users, of the first seed.
Own training loss: what a recommender that trains in steps had as the loss of the row in its last epoch. `standing`,
its constants and item_knn as the default reader were chosen on these two tables and measured on no third. A
dash was not measured."""


def read(name: str, relevant: float) -> Interactions:
    file, options = TABLES[name]
    found = sy.read(data(name) / file, relevant=relevant, **options)
    assert isinstance(found, Interactions)
    return found


def detect(of: Interactions, model: str, seed: int) -> dict[str, np.ndarray]:
    """Return every reading (n,) of one table by one recommender; for one that trains in steps also its own loss."""
    part = parts.make("recommenders", model)
    signals = doubting.as_signals(of, doubting.measure(of, part, seed=seed))
    found = dict(doubting.read_out(signals, recommendation.estimators()))
    if part.stepwise:
        *_, last = part.train(of, None, seed)
        found[OWN] = np.array(last.loss)
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


def detected(name: str, model: str, seeds: int) -> list[object]:
    """Return the cells of one table read by one recommender."""
    of = read(name, 3.5)
    assert of.gold is not None
    wrong = of.gold == 0
    runs = [detect(of, model, seed) for seed in range(seeds)]
    found = {r: [detection(wrong, run[r]) for run in runs] for r in READINGS if r in runs[0]}
    mean = {r: {k: np.mean([f[k] for f in of_seed]) for k in ("auc", "ap")} for r, of_seed in found.items()}
    cells = [f"{mean[r]['auc']:.3f} / {mean[r]['ap']:.3f}" if r in mean else "" for r in READINGS]
    low, high = interval(of, runs[0][DEFAULT], runs[0][BASE])
    gap = f"{mean[DEFAULT]['auc'] - mean[BASE]['auc']:+.3f} [{low:+.3f}, {high:+.3f}]"
    spread = f"{np.std([f['auc'] for f in found[DEFAULT]]):.4f}" if seeds > 1 else "-"
    return [f"{name} by {model}", f"{wrong.mean():.1%}", *cells, gap, seeds, spread]


def detection_table(tables: list[str], models: list[str], seeds: int) -> str:
    """Return a line a table and recommender; those not asked for stay as they were kept."""
    body = []
    for name in tables:
        for model in models:
            body.append(detected(name, model, seeds))
            print(*body[-1], flush=True)
    head = ["table by recommender", "wrong", *READINGS, f"{DEFAULT} - {BASE}, AUC [95%]", "seeds", "sd"]
    return renewed(FOUND, head, [f"{name} by {model}" for name in TABLES for model in MODELS], body)


def compare(name: str, model: str, seeds: int) -> tuple[str, str]:
    """Return every arm of the comparison, and its verdict in words."""
    of = read(name, 4.0)
    with tempfile.TemporaryDirectory() as root:
        found = sy.compare(sy.score(of, name=name, run_dir=root), model=model, seeds=seeds, run_dir=root)
    return arms(found, ("recall@20", "map@20", "coverage", "gini")), verdict(found)


def arms(found: Comparison, more: tuple[str, ...] = ()) -> str:
    """Return a line an arm, with the further measures named."""
    body: list[list[object]] = []
    for arm in found.arms:
        d, over = arm.delta, arm.over_control
        against = f"{over.value:+.4f} [{over.low:+.4f}, {over.high:+.4f}]" if over else ""
        change = f"{d.value:+.4f} [{d.low:+.4f}, {d.high:+.4f}]"
        body.append([arm.name, f"{arm.value:.4f}", change, against, *(f"{arm.more[m]:.4f}" for m in more)])
    return rows(["arm", found.measure, "against early stop", "against its control", *more], body)


def verdict(found: Comparison) -> str:
    """Return the answer, what it was judged by, and its sentences."""
    interest, base = found.settings["interest"], found.arm("uniform_early_stop").value
    said = "; ".join(f"{code} {say(code, 'en', **facts)}" for code, facts in (*found.why, *found.limits))
    return (
        f"\nVerdict `{found.answer}`: the arms train {found.model}, {found.cells} seeds, {found.groups:,} users. {said}"
        f"\n\nA difference of {interest} ({interest / base:.0%} of uniform with early stopping) would matter; "
        f"{found.smallest_visible:.4f} can be seen."
    )


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("--only", choices=TABLES, help="one table")
    ask.add_argument("--models", default=",".join(MODELS), help="recommenders that read; the lines of others stay")
    ask.add_argument("--seeds", type=int, default=3)
    ask.add_argument("--compare", action="store_true", help="the weighting instead of the detection")
    ask.add_argument("--model", default=recommendation.BASE_MODEL, help="with --compare: what the arms train")
    args = ask.parse_args()
    tables = [args.only] if args.only else list(TABLES)
    if not args.compare:
        found = detection_table(tables, args.models.split(","), args.seeds)
        keep(FOUND, f"python benchmarks/recommend_noise.py --seeds {args.seeds}", found, NOTES)
        return
    for name in tables:
        which = f"--only {name} --model {args.model} --seeds {args.seeds}"
        command = f"python benchmarks/recommend_noise.py --compare {which}"
        title = f"Recommendation: weights against false positives, {name}, {args.model}"
        keep(title, command, *compare(name, args.model, args.seeds))


if __name__ == "__main__":
    main()
