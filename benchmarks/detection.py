"""Does it find wrong labels? dproduct_crowd against truth, crowdflower_search against rater disagreement.

The rival is cleanlab's get_label_quality_scores on the same out-of-fold probabilities. cleanlab is not needed: its
default, self_confidence, is p(given); normalized_margin has the same order for two classes; adjust_pred_probs first
subtracts the class thresholds (Northcutt et al. 2021), written out below.
"""

from __future__ import annotations

import argparse

import numpy as np
import pyarrow.parquet as pq
from sklearn.metrics import average_precision_score, roc_auc_score

import steelyard as sy
from _crowd import pairs
from _results import data, keep, rows
from steelyard import engine, parts
from steelyard.acts import estimating, scoring
from steelyard.acts.encoding import encode
from steelyard.acts.neighbouring import neighbour_labels


def readings(samples, seed: int):
    each = engine.choose(len(samples))
    table = encode(samples, each=each)
    models = {m: parts.make("models", m) for m in ("linear", "boosted")}
    measured = scoring.measure(table, models["linear"], models["boosted"], seed=seed, each=each)
    measured |= neighbour_labels(table, seed=seed)
    signals = scoring.as_signals(samples.row_key, table, measured)
    return signals, estimating.read_out(signals, parts.of_samples("estimators"))


def adjusted(p: np.ndarray, y: np.ndarray) -> np.ndarray:
    usual = np.array([p[y == c, c].mean() for c in range(p.shape[1])])
    q = np.clip(p - usual + usual.max(), 0, None)
    q /= q.sum(1, keepdims=True)
    return 1 - q[np.arange(len(y)), y]


def crowd_pairs(seeds: int) -> str:
    body = []
    for which in ("majority", "first answer"):
        found: dict[str, list[float]] = {}
        samples = pairs(which)
        y = np.asarray(samples.label)
        wrong = samples.gold != y
        for seed in range(seeds):
            signals, read = readings(samples, seed)
            p = signals["probability"]
            scores = {
                "suspicion": read["suspicion"],
                "cleanlab self_confidence": 1 - p[np.arange(len(y)), y],
                "cleanlab adjusted": adjusted(p, y),
                "confident_margin": read["confident_margin"],
                "neighbours": read["neighbours"],
                "suspicion, a tenth of it neighbours": 1 - (1 - read["suspicion"]) * (1 - 0.1 * read["neighbours"]),
            }
            for name, score in scores.items():
                found.setdefault(name, []).append(average_precision_score(wrong, score))
            flagged = read["flagged"]
            found.setdefault("precision of flags", []).append(float(wrong[flagged].mean()))
            found.setdefault("recall of flags", []).append(float(flagged[wrong].mean()))
            print(which, seed, {k: round(v[-1], 4) for k, v in found.items()}, flush=True)
        body += [[which, f"{wrong.mean():.1%}", k, f"{np.mean(v):.4f}", f"{np.std(v):.4f}"] for k, v in found.items()]
    return rows(["labels", "wrong", "score", "AP (or share), mean", "sd over seeds"], body)


def crowdflower(seeds: int) -> str:
    path = data("crowdflower_search") / "train.parquet"
    spread = pq.read_table(path, columns=["relevance_variance"])["relevance_variance"].to_numpy()
    samples = sy.read(path)
    top = spread >= np.median(spread)
    found: dict[str, list[float]] = {}
    for seed in range(seeds):
        _, read = readings(samples, seed)
        for name in ("suspicion", "out_of_fold_loss", "neighbours", "el2n", "margin"):
            found.setdefault(name, []).append(roc_auc_score(top, read[name]))
        within = [
            roc_auc_score(top[r], read["suspicion"][r]) for g in range(4) if 0 < top[r := samples.label == g].mean() < 1
        ]
        found.setdefault("suspicion, mean within a grade", []).append(float(np.mean(within)))
        found.setdefault("the grade alone", []).append(roc_auc_score(top, -samples.label))
        print(seed, {k: round(v[-1], 4) for k, v in found.items()}, flush=True)
    return rows(["score", "AUC, mean", "sd"], [[k, f"{np.mean(v):.4f}", f"{np.std(v):.4f}"] for k, v in found.items()])


if __name__ == "__main__":
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--seeds", type=int, default=5)
    seeds = asked.parse_args().seeds
    command = f"python benchmarks/detection.py --seeds {seeds}"
    keep("Finding wrong labels: dproduct_crowd", command, crowd_pairs(seeds))
    keep("Suspicion and rater disagreement: crowdflower_search", command, crowdflower(min(seeds, 2)))
