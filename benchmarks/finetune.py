"""What does a fine-tuned MiniLM add to the quick tier? The same rows to learn from, the same test rows and measure.

One epoch unless a way says more, rate 2e-4 (head ten times that, chosen on training rows of banking77), batch 32,
length buckets, bf16; nothing is tuned on test rows. Test rows are unseen queries (or texts, or left products); where
the data set has a test split of its own, that. MiniLM's pre-training mix lists amazon-qa and MS MARCO; its vocabulary
is uncased English.
"""

from __future__ import annotations

import argparse
import os
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import replace

os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import numpy as np
import pyarrow.parquet as pq

import steelyard as sy
from _crowd import pairs
from _results import data, keep, rows
from steelyard import parts
from steelyard.acts import batching, embedding
from steelyard.acts.encoding import encode
from steelyard.acts.finetuning import Reference, disjoint, train
from steelyard.acts.folding import folds
from steelyard.acts.ledger import Ledger
from steelyard.acts.weighing import Weighing
from steelyard.parts.measures import parse
from steelyard.parts.tasks.tagging import judged, read_tags
from steelyard.values.ranking import Ranking
from steelyard.values.recipe import Recipe
from steelyard.values.samples import Samples

RECIPE = Recipe(epochs=1, batch_size=32, learning_rate=2e-4, head_rate=10, precision="bf16", seed=7)
Split = tuple[np.ndarray, np.ndarray]


def by_group(samples: Samples) -> Split:
    """A fifth of the groups is for testing."""
    held = folds(samples.group, 5, 7) == 0
    return np.flatnonzero(~held & samples.labelled), np.flatnonzero(held & samples.labelled)


def own_split(samples: Samples) -> Split:
    train_rows = np.flatnonzero(samples.split != "test")
    test = np.flatnonzero(samples.split == "test")
    return train_rows[~np.isin(samples.group[train_rows], samples.group[test])], test


def table_of(name: str, **reading) -> Samples:
    return sy.read(pq.read_table(next(data(name).glob("*.parquet"))), **reading)


def tagged(name: str) -> Samples:
    table = pq.read_table(next(data(name).glob("*.parquet")))
    if "level" in table.column_names:
        table = table.filter(np.array(table["level"].to_pylist()) == "hard")
    return sy.read(table.select(["split", "tokens", "tags"]), task="tagging")


SETS: dict[str, tuple[Callable[[], Samples], Callable[[Samples], Split], tuple[str, ...], int]] = {
    "crowdflower_search": (lambda: table_of("crowdflower_search"), by_group, ("ndcg@10", "qwk"), 48),
    "dproduct_crowd": (lambda: pairs("majority"), by_group, ("ap",), 48),
    "airline_tweets": (
        lambda: table_of("airline_tweets", columns={"label": "airline_sentiment"}, task="classification"),
        by_group, ("acc", "macro_f1"), 48,
    ),
    "banking77": (lambda: table_of("banking77", columns={"label": "category"}), own_split, ("acc", "macro_f1"), 48),
    "movie_query_tagging": (lambda: tagged("movie_query_tagging"), own_split, ("entity F1",), 48),
    "zh_ecommerce_ner": (lambda: tagged("zh_ecommerce_ner"), own_split, ("entity F1",), 64),
}  # fmt: skip


def scored(samples: Samples, test: np.ndarray, p: np.ndarray, measures: tuple[str, ...]) -> list[str]:
    label = samples.gold if samples.gold is not None else samples.label
    scale = samples.scale
    relevance = p @ np.array(scale.gains) if scale.ordered else p[:, -1]
    ranking = Ranking(samples.group[test], label[test], scale, relevance.astype(float), p.astype(float))
    return [f"{parse(m).overall(ranking):.4f}" for m in measures]


def quick(samples: Samples, learn: np.ndarray, test: np.ndarray, measures: tuple[str, ...]) -> list[list[object]]:
    """Words by the linear model, similarities by the trees, and the same with the frozen encoder's vectors."""
    started = time.monotonic()
    table = encode(samples)
    body, said = [], {}

    def fitted(table, suffix: str, since: float) -> None:
        soft = np.eye(len(samples.scale), dtype=np.float32)[samples.label[learn]]
        linear, boosted = parts.make("models", "linear"), parts.make("models", "boosted")
        *_, model = linear.train(table.rows(learn), soft, np.ones((len(learn), 1), np.float32), 7)
        said["linear"] = model.predict(table.rows(test))[:, 0]
        if table.features.shape[1]:
            trees = boosted.fit(
                table.features[learn], samples.label[learn], len(samples.scale), seed=7, positions=table.positions
            )
            said["trees"] = trees.predict(table.features[test])
            said["both"] = (said["linear"] + said["trees"]) / 2
        for name, p in said.items():
            body.append([f"{suffix}: {name}", *scored(samples, test, p, measures), f"{time.monotonic() - since:.0f}"])

    fitted(table, "quick", started)
    started = time.monotonic()
    task = parts.make("tasks", "relevance_pointwise" if samples.task == "relevance" else "classification")
    encoder = parts.make("models", "transformer").encoder(48, "bf16")
    first, second = task.texts(samples)
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        deep, _ = embedding.with_meaning(table, encoder, first, second, Path(folder))
        fitted(deep, "embed", started)
    return body


def lookup(samples: Samples, learn: np.ndarray, test: np.ndarray) -> float:
    """Each token gets its most frequent tag; unseen tokens are outside."""
    counts: dict[str, Counter] = defaultdict(Counter)
    tokens, tags = (samples.table[c].to_pylist() for c in ("tokens", "tags"))
    for row in learn:
        for token, tag in zip(tokens[row], tags[row], strict=True):
            counts[token][tag] += 1
    said = [[counts[t].most_common(1)[0][0] if t in counts else "O" for t in tokens[row]] for row in test]
    return judged(samples, test, said)["micro"]["f1"]


def network(
    samples: Samples, learn: np.ndarray, test: np.ndarray, measures, length: int, alpha: str, recipe: Recipe, way: str
):
    """Fine-tune and test; with an alpha that aligns, a tenth of the groups to learn from is kept as reference.

    way: of pairs, ``cross`` (one sequence) or ``dual`` (two vectors and their cosine).
    """
    pairs_as = {"cross": "relevance_pointwise", "dual": "relevance_dual"}
    kind = pairs_as[way] if samples.task == "relevance" else samples.task
    task, part = parts.make("tasks", kind, max_length=length), parts.make("models", "transformer")
    made = parts.make("alphas", alpha)
    reference = None
    if made.reference:
        held = learn[folds(samples.group[learn], 10, 3) == 0]
        learn = np.setdiff1d(learn, held)
        reference = Reference.of(disjoint(held, learn, samples.group), made)
    encoded = task.encode(samples, part.tokenizer())
    learn = np.intersect1d(learn, encoded.rows)
    batches = batching.plan(learn, encoded.length, None, recipe.epochs, recipe.batch_size, recipe.seed)
    learner = part.learner(task, encoded, task.outputs(samples), recipe, len(batches))
    ledger, weighing = Ledger(len(samples), recipe.epochs), Weighing(len(samples), made)
    started = time.monotonic()
    ess = []
    for step in train(learner, batches, weighing, ledger, recipe, samples.row_key, reference=reference):
        ess.append(step.ess)
        if step.step % 50 == 0:
            print(f"  {step.step}/{step.steps} loss {step.loss:.3f} ess {step.ess:.2f}", flush=True)
    seconds = time.monotonic() - started
    said = learner.predict(test)
    if samples.task == "tagging":
        names = samples.scale.names
        values = [f"{judged(samples, test, read_tags(encoded, test, said, names))['micro']['f1']:.4f}"]
    else:
        values = scored(samples, test, said, measures)
    cut = f"{encoded.truncated.mean():.0%} of rows cut"
    name = f"MiniLM {way}" if samples.task == "relevance" else "MiniLM"
    name += f", {recipe.epochs} epoch{'s' * (recipe.epochs > 1)}, {alpha}"
    return [name, *values, f"{seconds:.0f}"], f"{name}: {len(learn) / seconds:.0f} rows/s, {cut}"


if __name__ == "__main__":
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--only", choices=sorted(SETS))
    asked.add_argument("--alphas", default="uniform", help="comma-separated: uniform,alignment,l2rw,gate ...")
    asked.add_argument("--ways", default="cross:1", help="of pairs, with epochs, comma-separated: cross:1,dual:3")
    args = asked.parse_args()
    for name in [args.only] if args.only else SETS:
        make, split, measures, length = SETS[name]
        samples = make()
        learn, test = split(samples)
        if samples.task == "tagging":
            body = [["lookup of the token", f"{lookup(samples, learn, test):.4f}", "0"]]
        else:
            body = quick(samples, learn, test, measures)
        notes = []
        for alpha in args.alphas.split(","):
            for way, epochs in (w.split(":") for w in args.ways.split(",")):
                recipe = replace(RECIPE, epochs=int(epochs))
                row, note = network(samples, learn, test, measures, length, alpha, recipe, way)
                print(row, flush=True)
                body.append(row)
                notes.append(note)
        title = f"Fine-tuning: {name}" + ("" if args.alphas == "uniform" else f", {args.alphas}")
        command = f"python benchmarks/finetune.py --only {name}"
        command += "" if args.alphas == "uniform" else f" --alphas {args.alphas}"
        command += "" if args.ways == "cross:1" else f" --ways {args.ways}"
        facts = f"\n{len(learn):,} rows to learn from, {len(test):,} test rows; at most {length} tokens. "
        facts += "Seconds are of a machine that does other work too. "
        keep(title, command, rows(["model", *measures, "seconds"], body), facts + "; ".join(notes) + ".\n")
