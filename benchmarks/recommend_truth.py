"""What does weighting by propensity do where the truth was logged at random? coat and Open Bandit (ZOZOTOWN).

coat: people chose which coats to rate (train) and rated others drawn at random (test). The arms learn from chosen
ratings of 4 and more; lists of all coats are judged by the ratings of 4 and more among those drawn at random.
Open Bandit: the clicks that the learned policy (bts) logged, weighted to the uniform policy, against the click rate
that the uniform policy had itself; inverse propensity (IPS) and self-normalised (SNIPS). Intervals: rows drawn with
replacement, both logs anew, 2,000 times. And the verdict: arms learn from the clicks under bts and are judged by those
under the uniform policy; a user is one combination of the four hashed features.
"""

from __future__ import annotations

import argparse
import tempfile

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

import steelyard as sy
from _results import data, keep, rows
from steelyard.wording import say

DRAWS = 2000
CAMPAIGNS = ("men", "women")


def coat() -> pa.Table:
    """Return the coats: chosen ratings to learn from, ratings drawn at random to test on."""
    table = pq.read_table(data("coat") / "ratings.parquet")
    split = pc.if_else(pc.equal(table["split"], "test_random"), "test", "train")
    return pa.table({**{c: table[c] for c in ("user_id", "item_id", "rating", "propensity")}, "split": split})


def clicks(campaign: str) -> pa.Table:
    """Return the impressions: those of the learned policy to learn from, those of the uniform one to test on."""
    table = pq.read_table(data("open_bandit_zozo") / f"{campaign}_impressions.parquet")
    user = pc.binary_join_element_wise(*(pc.cast(table[f"user_feature_{k}"], pa.string()) for k in range(4)), "-")
    split = pc.if_else(pc.equal(table["behavior_policy"], "random"), "test", "train")
    kept = {c: table[c] for c in ("item_id", "click", "position", "timestamp", "propensity_score")}
    return pa.table({"user_id": user, **kept, "split": split})


def compare(name: str, table: pa.Table, seeds: int, positive: str | None = None) -> str:
    """Return every arm of the comparison and its verdict."""
    with tempfile.TemporaryDirectory() as root:
        scored = sy.score(sy.read(table, positive=positive, split_by="given"), name=name, run_dir=root)
        found = sy.compare(scored, seeds=seeds, run_dir=root)
    body = []
    for arm in found.arms:
        d, over = arm.delta, arm.over_control
        against = f"{over.value:+.4f} [{over.low:+.4f}, {over.high:+.4f}]" if over else ""
        body.append([arm.name, f"{arm.value:.4f}", f"{d.value:+.4f} [{d.low:+.4f}, {d.high:+.4f}]", against])
    why = "; ".join(f"{code} {say(code, 'en', **facts)}" for code, facts in (*found.why, *found.limits))
    head = ["arm", found.measure, "against early stop", "against its control"]
    return rows(head, body) + f"\n\nVerdict `{found.answer}`, {found.cells} seeds, {found.groups:,} users. {why}\n"


def estimates(weight: np.ndarray, click: np.ndarray) -> tuple[float, float]:
    """Return the click rate of the uniform policy by IPS and by SNIPS; weight: (n,) its chance over the logged one."""
    return float((weight * click).mean()), float((weight * click).sum() / weight.sum())


def bandit(campaign: str) -> list[list[object]]:
    """Return the truth of the uniform policy, and what each estimate from the other policy's log says."""
    table = pq.read_table(data("open_bandit_zozo") / f"{campaign}_impressions.parquet")
    random = pc.equal(table["behavior_policy"], "random").to_numpy(zero_copy_only=False)
    click, chance = table["click"].to_numpy().astype(float), table["propensity_score"].to_numpy()
    truth, logged = click[random], click[~random]
    weight = chance[random].mean() / chance[~random]
    rng = np.random.default_rng(0)
    drawn = []
    for _ in range(DRAWS):
        own, other = rng.integers(len(truth), size=len(truth)), rng.integers(len(logged), size=len(logged))
        ips, snips = estimates(weight[other], logged[other])
        drawn.append((truth[own].mean(), logged[other].mean(), ips, snips))
    ends = np.quantile(np.array(drawn) - np.array(drawn)[:, :1], [0.025, 0.975], axis=0)
    spread = np.quantile(np.array(drawn), [0.025, 0.975], axis=0)
    size = weight.sum() ** 2 / (weight**2).sum() / len(weight)
    body = []
    for k, (name, value) in enumerate(
        zip(
            ("uniform policy, logged", "bts, not weighted", "bts, IPS", "bts, SNIPS"),
            (truth.mean(), logged.mean(), *estimates(weight, logged)),
            strict=True,
        )
    ):
        gap = "" if k == 0 else f"{value - truth.mean():+.3%} [{ends[0, k]:+.3%}, {ends[1, k]:+.3%}]"
        own = f"{value:.3%} [{spread[0, k]:.3%}, {spread[1, k]:.3%}]"
        body.append([campaign, name, own, gap, f"{size * len(weight):,.0f} of {len(weight):,}" if k > 1 else ""])
    return body


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("--only", choices=("coat", "open_bandit_zozo"), help="one table")
    ask.add_argument("--seeds", type=int, default=5)
    args = ask.parse_args()
    if args.only != "coat":
        head = ["campaign", "log", "click rate [95%]", "minus uniform [95%]", "effective rows"]
        found = rows(head, [line for campaign in CAMPAIGNS for line in bandit(campaign)])
        keep(
            "Recommendation: IPS against a log at random, open_bandit_zozo",
            "python benchmarks/recommend_truth.py --only open_bandit_zozo",
            found,
        )
        told = [f"{c}\n\n{compare(c, clicks(c), args.seeds)}" for c in CAMPAIGNS]
        command = f"python benchmarks/recommend_truth.py --only open_bandit_zozo --seeds {args.seeds}"
        keep("Recommendation: weights, judged by clicks at random, open_bandit_zozo", command, "\n".join(told))
    if args.only != "open_bandit_zozo":
        command = f"python benchmarks/recommend_truth.py --only coat --seeds {args.seeds}"
        keep(
            "Recommendation: weights, judged by ratings at random, coat",
            command,
            compare("coat", coat(), args.seeds, "4"),
        )


if __name__ == "__main__":
    main()
