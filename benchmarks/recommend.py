"""Do the recommenders reach their published figures? Gowalla in the split of LightGCN; and how long, how much memory.

One model or case a call (``--model``, ``--case``), so that a long one can be measured alone; the lines of others stay.
Published: Open-CF-Benchmarks and the README of UltraGCN; EASE, BPR and item-kNN there are tuned, ours as written here.
"""

from __future__ import annotations

import argparse
import os
import resource
import tempfile
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow.parquet as pq

import steelyard as sy
from _results import data, keep, renewed
from steelyard import parts
from steelyard.acts.recalling import best, hits, ndcg, recall
from steelyard.values.interactions import Interactions

#: Model -> its part, its options, published recall@20 and nDCG@20, and how far off a reproduction may be.
MODELS = {
    "popularity": ("popularity", {}, (0.0416, 0.0317), 0.03),
    "item_knn": ("item_knn", {}, (0.1570, 0.1214), 0.03),
    "ease": ("ease", {}, (0.1765, 0.1467), 0.03),
    "als": ("als", {"embedding_size": 64}, None, 0),
    "bpr": ("bpr", {}, (0.1627, 0.1378), 0.03),
    "lightgcn": ("lightgcn", {}, (0.1824, 0.1547), 0.05),
}
K = 20
GOWALLA, SCALE = "Recommenders: Gowalla, the published split", "Recommenders: scale"
GOWALLA_HEAD = ["model", "options", "recall@20", "nDCG@20", "published", "reached", "fit, s", "ranking, s"]
GOWALLA_HEAD += ["memory, GB", "threads"]
GOWALLA_NOTES = """
Full ranking of 40,981 items for 29,858 users, train items left out; seconds of a busy machine. Negatives are drawn
uniformly among items not met: bpr takes the hardest of 32, lightgcn of 16, which is not the published sampling. "above"
is better than published by more than the margin: ours is not that implementation."""
#: Case -> what its parts are called.
CASES = {
    "als": ("ALS, 64 factors, 15 rounds: fit", "ALS: prediction of every interaction (not the verb)"),
    "score": ("the verb `score`, item_knn",),
    "ease": ("EASE, single precision: fit", "EASE: score of every interaction without its user"),
}
SCALE_HEAD = ["what", "size", "seconds", "most memory so far, GB"]
SCALE_NOTES = """
Seconds of a busy machine of two cores. What the factors say of a million rows is a prediction, asked for within 60 s;
the verb `score` fits its reader six times and ranks for every row."""


def interactions(user, item, split) -> Interactions:
    """Return a table of columns as interactions; ids are whole numbers from 0 on."""
    user, item = (c.to_numpy().astype(np.int64) for c in (user, item))
    n = len(user)
    return Interactions(
        row_key=np.arange(n).astype(str).astype(object),
        user=user,
        item=item,
        value=np.ones(n),
        user_ids=np.arange(user.max() + 1).astype(str).astype(object),
        item_ids=np.arange(item.max() + 1).astype(str).astype(object),
        split=np.array(split.to_pylist(), dtype=object),
    )


def gowalla() -> Interactions:
    found = pq.read_table(data("gowalla_lightgcn") / "interactions.parquet")
    return interactions(found["user_id"], found["item_id"], found["split"])


def evaluated(scores, train: Interactions, test: Interactions) -> tuple[float, float]:
    """Return recall@20 and nDCG@20, full ranking, train items left out, the mean over users with test items."""
    held = test.matrix()
    users = np.unique(test.user)
    hit = hits(best(scores, train.matrix(), users, K), held, users)
    relevant = np.diff(held.indptr)[users]
    return float(recall(hit, relevant).mean()), float(ndcg(hit, relevant).mean())


def measured(name: str, seed: int) -> dict:
    everything = gowalla()
    train, test = everything.take(everything.split == "train"), everything.take(everything.split == "test")
    part, options, _, _ = MODELS[name]
    recommender = parts.make("recommenders", part, **options)
    started = time.monotonic()
    fitted = recommender.fit(train, seed=seed)
    fit = time.monotonic() - started
    found = evaluated(fitted.scores, train, test)
    whole = time.monotonic() - started
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    cores = int(os.environ.get("OMP_NUM_THREADS", os.cpu_count() or 1))
    return {"found": found, "fit": fit, "rank": whole - fit, "memory": memory, "cores": cores, "options": options}


def line(name: str, it: dict) -> list[object]:
    """Return the cells of one recommender: what it reached, and how far that is from what is published."""
    _, _, published, within = MODELS[name]
    reached = "-"
    cells = [f"{found:.4f}" for found in it["found"]]
    if published:
        off = [found / p - 1 for found, p in zip(it["found"], published, strict=True)]
        cells = [f"{cell} ({o:+.1%})" for cell, o in zip(cells, off, strict=True)]
        near = f"within {within:.0%}" if max(off) <= within else "above"
        reached = near if min(off) >= -within else "no"
    options = ", ".join(f"{k} {v}" for k, v in it["options"].items()) or "as they are"
    said = "/".join(f"{p:.4f}" for p in published) if published else "-"
    return [name, options, *cells, said, reached, *(f"{it[k]:.0f}" for k in ("fit", "rank")), f"{it['memory']:.1f}",
            it["cores"]]  # fmt: skip


def games() -> Interactions:
    found = pq.read_table(data("amazon_games_seq") / "sequences.parquet")
    return interactions(found["user_id"], found["item_id"], found["split"])


def scored(many: Interactions) -> object:
    """Read the doubt about every row, as ``steelyard score`` does: six fits, and the place of every row in each."""
    with tempfile.TemporaryDirectory() as root:
        return sy.score(many, name="scale", run_dir=root)


def scale(case: str) -> list[list[object]]:
    """Return how long the parts of one large case take, and the most memory that this process held until then."""
    of = games() if case == "ease" else gowalla()
    size = f"{len(of):,} interactions, {of.n_users:,} users, {of.n_items:,} items"
    body: list[list[object]] = []

    def timed(what: str, work: Callable[[], Any]) -> Any:
        started = time.monotonic()
        out = work()
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        body.append([what, size, f"{time.monotonic() - started:.1f}", f"{memory:.2f}"])
        print(*body[-1], flush=True)
        return out

    fit, *ask = CASES[case]
    if case == "score":
        timed(fit, lambda: scored(of))
        return body
    fitted = timed(fit, lambda: parts.make("recommenders", case).fit(of))
    timed(ask[0], lambda: (fitted.left_out if case == "ease" else fitted.pairs)(of.user, of.item))
    return body


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--only", choices=["gowalla", "scale"])
    asked.add_argument("--model", choices=list(MODELS), action="append", help="one or more; all when it is not given")
    asked.add_argument("--case", choices=list(CASES), action="append", help="of scale; all when it is not given")
    asked.add_argument("--seed", type=int, default=0)
    args = asked.parse_args()
    for name in (args.model or MODELS) if args.only != "scale" else ():
        found = renewed(GOWALLA, GOWALLA_HEAD, list(MODELS), [line(name, measured(name, args.seed))])
        keep(GOWALLA, "python benchmarks/recommend.py --only gowalla", found, GOWALLA_NOTES)
    for case in (args.case or CASES) if args.only != "gowalla" else ():
        found = renewed(SCALE, SCALE_HEAD, [what for both in CASES.values() for what in both], scale(case))
        keep(SCALE, "python benchmarks/recommend.py --only scale", found, SCALE_NOTES)


if __name__ == "__main__":
    main()
