"""Two views of a row, by text and by others: what do they find, each alone and together?

Two kinds of noise. *Low ratings*: nobody sees a rating, every row counts as positive, and rows of 3 stars and less are
to be found. *Clicks by chance*: to all rows a twentieth is added in which a user, drawn by activity, takes an item,
drawn by popularity, that this user had not taken; the added rows are to be found. AUC and average precision (AP); the
interval of a difference of AP is over users (drawn with replacement, 500 times, paired). Rows that lie in a quadrant
stand beside clicks by chance, which the views draw for themselves.

Texts: films have title and genres. The instruments have none, so that an item is described by the 25 words that tell it
best (tf-idf) among those that at least three of its reviewers used; no reviewer alone describes the item.
"""

from __future__ import annotations

import argparse
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq

from _results import data, keep, rows
from recommend_noise import DRAWS, read
from steelyard import parts, recommendation
from steelyard.acts import doubting, viewing
from steelyard.acts.taking import detection
from steelyard.features.titles import vectors
from steelyard.values.interactions import Interactions

FILMS, INSTRUMENTS = "movielens_latest_small", "amazon_musical_instruments_5core"
SHARE = 0.05
ALONE = ("text alone", "others alone")
BOTH = "two_views"


def described(name: str) -> Interactions:
    """Return the interactions of a table, gold from ratings above 3, with texts of its items."""
    of = read(name, 3.5)
    if name == FILMS:
        films = pq.read_table(data(name) / "movies.parquet", columns=["movieId", "genres"]).to_pydict()
        genres = dict(zip(map(str, films["movieId"]), films["genres"], strict=True))
        assert of.titles is not None
        texts = [f"{t} {genres.get(str(i), '')}".replace("|", " ") for i, t in zip(of.item_ids, of.titles, strict=True)]
    else:
        words = reviewed_words(name)
        texts = [words.get(str(i), "") for i in of.item_ids]
    return replace(of, titles=np.array(texts, object))


def reviewed_words(name: str) -> dict[str, str]:
    """Return item -> the 25 words of most tf-idf among those that three reviewers or more used of it."""
    reviews = pq.read_table(data(name) / "reviews.parquet", columns=["asin", "reviewText"]).to_pydict()
    held: dict[str, Counter[str]] = defaultdict(Counter)
    for item, text in zip(reviews["asin"], reviews["reviewText"], strict=True):
        held[str(item)].update(set(re.findall("[a-z]+", str(text).lower())))
    common = {i: {w: c for w, c in words.items() if c >= 3} for i, words in held.items()}
    items = Counter(w for words in common.values() for w in words)

    def best(words: dict[str, int]) -> list[str]:
        return sorted(words, key=lambda w: (-words[w] * np.log(len(common) / items[w]), w))[:25]

    return {i: " ".join(best(words)) for i, words in common.items()}


def planted(of: Interactions, seed: int) -> tuple[Interactions, np.ndarray]:
    """Return the rows with clicks by chance behind them, and which (n,) these are."""
    rng = np.random.default_rng(seed)
    draws = int(SHARE * len(of))
    user, item = (codes[rng.integers(0, len(of), draws)] for codes in (of.user, of.item))
    pair, first = np.unique(user * of.n_items + item, return_index=True)
    first = np.sort(first[~np.isin(pair, of.pair)])
    whole = of.take(np.r_[np.arange(len(of)), np.zeros(len(first), int)])
    keys = np.array([f"r{k}" for k in range(len(whole))], object)
    both = {"user": np.r_[of.user, user[first]], "item": np.r_[of.item, item[first]], "row_key": keys}
    return replace(whole, **both, ts=None, gold=None), np.arange(len(whole)) >= len(of)


def readings(of: Interactions, seed: int) -> tuple[dict[str, np.ndarray], viewing.Views]:
    """Return every reading (n,) of interactions, either view alone, and the views."""
    assert of.titles is not None
    views = viewing.view(of, vectors(list(of.titles)), parts.make("recommenders", recommendation.OTHERS).fit(of), seed)
    measured = doubting.measure(of, parts.make("recommenders", recommendation.SCORER), seed=seed)
    measured |= {"text_place": views.text_place, "others_place": views.others_place}
    found = doubting.read_out(doubting.as_signals(of, measured), recommendation.estimators())
    alone = (1 - np.nan_to_num(p, nan=0.5) for p in (views.text_place, views.others_place))
    return {**dict(zip(ALONE, alone, strict=True)), **found}, views


def against(of: Interactions, wrong: np.ndarray, both: np.ndarray, one: np.ndarray) -> tuple[float, float]:
    """Return the 95% interval of AP(both) - AP(one), users drawn with replacement."""
    from sklearn.metrics import average_precision_score as ap

    rng = np.random.default_rng(0)
    gaps = []
    for _ in range(DRAWS):
        times = rng.poisson(1.0, of.n_users)[of.user].astype(float)
        gaps.append(ap(wrong, both, sample_weight=times) - ap(wrong, one, sample_weight=times))
    low, high = np.quantile(gaps, [0.025, 0.975])
    return float(low), float(high)


def cases(name: str, seed: int) -> Iterator[tuple[str, Interactions, np.ndarray]]:
    of = described(name)
    assert of.gold is not None
    yield "low ratings", of, of.gold == 0
    yield "clicks by chance", *planted(of, seed)


def measure(names: list[str], seeds: int) -> str:
    body, cells = [], []
    for name in names:
        seen: dict[str, list] = defaultdict(list)
        for seed in range(seeds):
            for noise, of, wrong in cases(name, seed):
                seen[noise].append((of, wrong, *readings(of, seed)))
        for noise, runs in seen.items():
            of, wrong, first, _ = runs[0]
            for reading in first:
                found = [detection(w, r[reading]) for _, w, r, _ in runs]
                auc, ap = (np.mean([f[k] for f in found]) for k in ("auc", "ap"))
                gap = ""
                if reading != BOTH:
                    lead = np.mean([detection(w, r[BOTH])["ap"] for _, w, r, _ in runs]) - ap
                    low, high = against(of, wrong, first[BOTH], first[reading])
                    gap = f"{lead:+.4f} [{low:+.4f}, {high:+.4f}]"
                body.append([name, noise, f"{wrong.mean():.1%}", reading, f"{auc:.4f}", f"{ap:.4f}", gap])
                print(*body[-1], flush=True)
            cells += quadrants(name, noise, [(w, v) for _, w, _, v in runs])
    heads = ["table", "noise", "share", "reading", "AUC", "AP", "AP of two_views - AP"]
    more = ["table", "noise", "quadrant", "rows", "by chance", "noisy among them", "of all noisy"]
    return rows(heads, body) + "\n\n" + rows(more, cells)


def quadrants(name: str, noise: str, runs: list[tuple[np.ndarray, viewing.Views]]) -> list[list[str]]:
    """Return what lies in each quadrant, means over seeds."""
    out = []
    for q in viewing.QUADRANTS.values():
        held = []
        for wrong, views in runs:
            inside = viewing.quadrant(views.text_place, views.others_place) == q
            assert views.chance is not None
            chance = viewing.shares(views.chance)[q]
            held.append((inside.mean(), chance, wrong[inside].mean(), inside[wrong].mean()))
        out.append([name, noise, q, *(f"{v:.1%}" for v in np.mean(held, axis=0))])
        print(*out[-1], flush=True)
    return out


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("--only", choices=(FILMS, INSTRUMENTS), help="one table")
    ask.add_argument("--seeds", type=int, default=3)
    args = ask.parse_args()
    found = measure([args.only] if args.only else [FILMS, INSTRUMENTS], args.seeds)
    asked = f" --only {args.only}" if args.only else ""
    keep(
        "Recommendation: two views of a row", f"python benchmarks/recommend_views.py{asked} --seeds {args.seeds}", found
    )


if __name__ == "__main__":
    main()
