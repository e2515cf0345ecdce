"""Do the recommenders reach their published figures? Gowalla in the split of LightGCN; and how long, how much memory.

One model a call (``--model``), so that a long one can be measured alone; what was measured before stays in the table.
Published: Open-CF-Benchmarks and the README of UltraGCN; EASE, BPR and item-kNN there are tuned, ours as written here.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from _results import data, keep, rows
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
MEASURED = Path("runs") / "recommend-gowalla.json"


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


def table(kept: dict[str, dict]) -> str:
    body: list[list[object]] = []
    for name, (_, _, published, within) in MODELS.items():
        if name not in kept:
            continue
        it, reached = kept[name], "-"
        cells = [f"{found:.4f}" for found in it["found"]]
        if published:
            off = [found / p - 1 for found, p in zip(it["found"], published, strict=True)]
            cells = [f"{cell} ({o:+.1%})" for cell, o in zip(cells, off, strict=True)]
            near = f"within {within:.0%}" if max(off) <= within else "above"
            reached = near if min(off) >= -within else "no"
        options = ", ".join(f"{k} {v}" for k, v in it["options"].items()) or "as they are"
        said = "/".join(f"{p:.4f}" for p in published) if published else "-"
        body.append([name, options, *cells, said, reached, *(f"{it[k]:.0f}" for k in ("fit", "rank")),
                     f"{it['memory']:.1f}", it["cores"]])  # fmt: skip
    head = ["model", "options", "recall@20", "nDCG@20", "published", "reached", "fit, s", "ranking, s", "memory, GB"]
    return rows([*head, "threads"], body)


def games() -> Interactions:
    found = pq.read_table(data("amazon_games_seq") / "sequences.parquet")
    return interactions(found["user_id"], found["item_id"], found["split"])


def scale() -> str:
    """Return how long the large cases take, each in this process, one after the other."""
    body: list[list[object]] = []

    def timed(what: str, size: str, work) -> object:
        started = time.monotonic()
        out = work()
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        body.append([what, size, f"{time.monotonic() - started:.1f}", f"{memory:.2f}"])
        print(body[-1], flush=True)
        return out

    many = gowalla()
    size = f"{len(many):,} interactions, {many.n_users:,} users, {many.n_items:,} items"
    als = timed("ALS, 64 factors, 15 rounds: fit", size, lambda: parts.make("recommenders", "als").fit(many))
    timed("factor model: relevance of every interaction", size, lambda: als.pairs(many.user, many.item))
    few = games()
    size = f"{len(few):,} interactions, {few.n_users:,} users, {few.n_items:,} items"
    ease = timed("EASE, single precision: fit", size, lambda: parts.make("recommenders", "ease").fit(few))
    timed("EASE: score of every interaction without its user", size, lambda: ease.left_out(few.user, few.item))
    return rows(["what", "size", "seconds", "most memory so far, GB"], body)


if __name__ == "__main__":
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--only", choices=["gowalla", "scale"])
    asked.add_argument("--model", choices=list(MODELS), action="append", help="one or more; all when it is not given")
    asked.add_argument("--seed", type=int, default=0)
    args = asked.parse_args()
    for name in (args.model or MODELS) if args.only != "scale" else ():
        found = measured(name, args.seed)
        print(name, found, flush=True)
        kept = json.loads(MEASURED.read_text()) if MEASURED.exists() else {}
        kept[name] = found
        MEASURED.parent.mkdir(exist_ok=True)
        MEASURED.write_text(json.dumps(kept, indent=1))
        keep("Recommenders: Gowalla, the published split", "python benchmarks/recommend.py --only gowalla", table(kept),
             "\nFull ranking of 40,981 items for 29,858 users, train items left out; seconds of a busy machine. "
             "bpr takes the hardest of 32 drawn negatives, lightgcn of 16: not the published sampling.")  # fmt: skip
    if args.only in (None, "scale"):
        keep("Recommenders: scale", "python benchmarks/recommend.py --only scale", scale())
