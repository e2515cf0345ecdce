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
    "ease": ("ease", {"reg": 100.0}, (0.1765, 0.1467), 0.03),
    "als": ("als", {"embedding_size": 64}, (None, None), None),
    "bpr": ("bpr", {"epochs": 60}, (0.1627, 0.1378), 0.03),
    "lightgcn": ("lightgcn", {}, (0.1824, 0.1547), 0.05),
}
K = 20
MEASURED = Path("runs") / "recommend-gowalla.json"


def gowalla() -> Interactions:
    table = pq.read_table(data("gowalla_lightgcn") / "interactions.parquet")
    user, item = (table[c].to_numpy().astype(np.int64) for c in ("user_id", "item_id"))
    n = len(user)
    return Interactions(
        row_key=np.arange(n).astype(str).astype(object),
        user=user,
        item=item,
        value=np.ones(n),
        user_ids=np.arange(user.max() + 1).astype(str).astype(object),
        item_ids=np.arange(item.max() + 1).astype(str).astype(object),
        split=np.array(table["split"].to_pylist(), dtype=object),
    )


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


def near(found: float, published: float | None, within: float) -> str:
    return "" if published is None else f" ({found / published - 1:+.1%})"


def table(kept: dict[str, dict]) -> str:
    body: list[list[object]] = []
    for name, (_, _, published, within) in MODELS.items():
        if name not in kept:
            continue
        it = kept[name]
        options = ", ".join(f"{k} {v}" for k, v in it["options"].items()) or "as they are"
        cells = [f"{f:.4f}{near(f, p, within)}" for f, p in zip(it["found"], published, strict=True)]
        said = "/".join(f"{p:.4f}"[1:] for p in published) if published[0] else "-"
        ok = "-" if within is None else "yes" if max(1 - f / p for f, p in zip(it["found"], published, strict=True)) <= within else "no"  # fmt: skip
        body.append([name, options, *cells, said, ok, f"{it['fit']:.0f}", f"{it['rank']:.0f}", f"{it['memory']:.1f}"])
    head = ["model", "options", "recall@20", "nDCG@20", "published", "reached", "fit, s", "ranking, s", "memory, GB"]
    return rows(head, body)


if __name__ == "__main__":
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--only", choices=["gowalla"], default="gowalla")
    asked.add_argument("--model", choices=list(MODELS), action="append", help="one or more; all when it is not given")
    asked.add_argument("--seed", type=int, default=0)
    args = asked.parse_args()
    kept = json.loads(MEASURED.read_text()) if MEASURED.exists() else {}
    for name in args.model or MODELS:
        kept[name] = measured(name, args.seed)
        MEASURED.parent.mkdir(exist_ok=True)
        MEASURED.write_text(json.dumps(kept, indent=1))
        print(name, kept[name], flush=True)
    keep("Recommenders: Gowalla, the published split", f"python benchmarks/recommend.py --only gowalla --seed {args.seed}",
         table(kept), "Full ranking of 40,981 items for 29,858 users, train items left out.")  # fmt: skip
