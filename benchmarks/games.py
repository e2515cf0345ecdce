"""Is a stacked ranker at least as good as each of its parts? Amazon Video Games, given candidate lists, titles.

A list is what is given for its user (100 items drawn at random), without what the user took before, and with the item
that was taken where it is missing: the given lists hold it by chance alone. Users with a list are halved at random. Of
one half the item before the last is held out and teaches the stacked ranker; of the other the last item is the test.
The recommenders learn from all other rows but the last of each user, once; nobody has learned from what is asked. So
the halves share no user, and no last item teaches anything.
One recommender a call (``--only``); what was measured before is kept under runs/games and stays in the table. With
``--rows listed`` it learns from the rows of users with a list alone, an eighth of all: minutes in place of an hour.
The features and the blend are those of the part ``stacked``, the lists that teach it are given ones; ``Stacked.learn``,
which holds out rows and draws lists of its own, would fit every recommender twice and is not measured.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import resource
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from _results import data, keep, rows
from steelyard import parts
from steelyard.parts.measures import parse
from steelyard.parts.recommenders._stacking import blend, features, trees
from steelyard.values.interactions import Interactions
from steelyard.values.ranking import Ranking
from steelyard.values.scale import Scale

KEPT = Path("runs") / "games"
TITLE = "Recommenders: given candidates with texts (amazon_games_seq)"
PARTS = ("popularity", "item_knn", "ease", "sasrec", "two_tower", "cross_encoder")
#: Those for which every pair is a pass through a network: they read some users of each half (``--read``).
READERS = ("cross_encoder",)
MEASURES = ("ndcg@10", "hit@10", "mrr")
DRAWS, LENGTH = 2000, 100
NOTES = """
Intervals: users drawn 2,000 times, paired. One thread, bf16 for the encoder; CPU seconds of a loaded machine.
Fewer rows learned: `--rows listed`, or for the cross-encoder the rows of those users alone whom it reads (`--read`),
since every pair is a pass through the network. Features and blend are those of `stacked`, taught by the
given lists of users who are not tested; `Stacked.learn`, which holds out rows and draws lists of its own, is not
measured."""


@dataclasses.dataclass(frozen=True)
class Asked:
    """learn: what recommenders learn from. user: (b,) of each list. items: (b, c), the item taken first, -1 behind the
    last. tested: (b,) False for lists that teach."""

    learn: Interactions
    user: np.ndarray
    items: np.ndarray
    tested: np.ndarray


def asked(users: int | None) -> Asked:
    """Return the rows to learn from and the lists; users: at most that many lists, half of them to teach."""
    folder = data("amazon_games_seq")
    found, items = pq.read_table(folder / "sequences.parquet"), pq.read_table(folder / "items.parquet")
    given = pq.read_table(folder / "candidates_random.parquet")
    user, item = (found[c].to_numpy().astype(np.int64) for c in ("user_id", "item_id"))
    split = np.array(found["split"].to_pylist(), dtype=object)
    n, m = len(user), int(items["item_id"].to_numpy().max()) + 1
    titles = np.full(m, "", dtype=object)
    titles[items["item_id"].to_numpy()] = items["title"].to_pylist()
    everything = Interactions(
        row_key=np.arange(n).astype(str).astype(object),
        user=user,
        item=item,
        value=np.ones(n),
        user_ids=np.arange(user.max() + 1).astype(str).astype(object),
        item_ids=np.arange(m).astype(str).astype(object),
        split=split,
        titles=titles,
    )
    rng = np.random.default_rng(7)
    drawn = rng.permutation(len(given))[:users]
    listed = given["user_id"].to_numpy().astype(np.int64)[drawn]
    tested = np.arange(len(drawn)) % 2 == 1
    teaches = np.isin(user, listed[~tested])
    learn = (split == "train") | ((split == "valid") & ~teaches)
    seen = everything.take(learn).matrix().tocsr()
    target = np.full((2, everything.n_users), -1)
    for which, name in enumerate(("valid", "test")):
        target[which, user[split == name]] = item[split == name]
    lists = np.full((len(drawn), LENGTH + 1), -1)
    for row, (who, where) in enumerate(zip(listed, drawn, strict=True)):
        wanted = target[int(tested[row]), who]
        own = np.array(given["candidates"][int(where)].as_py())
        own = own[~np.isin(own, seen.indices[seen.indptr[who] : seen.indptr[who + 1]]) & (own != wanted)]
        lists[row, 0], lists[row, 1 : 1 + len(own)] = wanted, own
    return Asked(everything.take(learn), listed, lists, tested)


def measured(name: str, it: Asked, listed: bool, few: int) -> None:
    """Fit a recommender, ask it for its lists, keep what it says.

    listed: learn from users with a list alone. few: users of each half that a reader reads.
    """
    who = np.arange(len(it.user))
    learn = it.learn.take(np.isin(it.learn.user, it.user)) if listed else it.learn
    if name in READERS:  # it learns from the rows of those whom it is asked about
        who = np.concatenate([who[it.tested == half][:few] for half in (False, True)])
        learn = learn.take(np.isin(learn.user, it.user[who]))
    started = time.process_time()
    fitted = parts.make("recommenders", name).fit(learn, seed=0)
    fit = time.process_time() - started
    said = np.full(it.items.shape, np.nan, np.float32)
    said[who] = fitted.among(it.user[who], it.items[who])
    about = {"fit": fit, "ask": time.process_time() - started - fit, "rows": len(learn), "listed": listed}
    about["memory"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    KEPT.mkdir(parents=True, exist_ok=True)
    np.savez(KEPT / f"{name}.npz", said=said, user=it.user, about=json.dumps(about))
    print(name, about, {m: f"{v.mean():.4f}" for m, v in values(said, it, who[~it.tested[who]]).items()}, flush=True)


def values(said: np.ndarray, it: Asked, lists: np.ndarray) -> dict[str, np.ndarray]:
    """Return measure -> (k,) of each of the lists; equals share what their places are worth."""
    shown = it.items[lists] >= 0
    place = np.broadcast_to(np.arange(len(lists))[:, None], shown.shape)
    label = np.zeros(shown.shape, np.int32)
    label[:, 0] = 1
    ranking = Ranking(place[shown], label[shown], Scale(("no", "yes"), True), said[lists][shown].astype(float))
    return {m: parse(m).per_query(ranking) for m in MEASURES}


def stacked(names: list[str], said: dict[str, np.ndarray], it: Asked, who: np.ndarray) -> tuple[np.ndarray, str]:
    """Return what the stacked ranker says of the lists ``who``, taught by those of them that teach; and its way."""
    learn = it.learn
    length = np.bincount(learn.user, minlength=learn.n_users)
    popularity = np.bincount(learn.item, minlength=learn.n_items).astype(np.float32)
    nothing = np.zeros((learn.n_items, 0))
    own = {name: said[name][who] for name in names}
    x = features(own, it.items[who], popularity, nothing, length[it.user[who]])
    teach = np.flatnonzero(~it.tested[who])
    found = blend(x.take(teach), np.ones(len(teach)), tuple(names), trees(100), seed=0)
    out = np.full(it.items.shape, np.nan, np.float32)
    out[who] = found.relevance(x)
    return out, found.way


def remembered(it: Asked) -> dict[str, tuple[np.ndarray, dict]]:
    """Return what each recommender said of these lists, and what is known of its training."""
    found = {}
    for name in PARTS:
        path = KEPT / f"{name}.npz"
        if path.exists():
            kept = np.load(path)
            if np.array_equal(kept["user"], it.user):
                found[name] = (kept["said"], json.loads(str(kept["about"])))
    return found


def commands(found: dict[str, tuple[np.ndarray, dict]], users: int | None) -> str:
    """Return the calls that make the table, those that learned from fewer rows apart; users: as asked for."""
    fewer = "" if users is None else f" --users {users}"
    few = [name for name, (_, about) in found.items() if about.get("listed")]
    called = [([n for n in found if n not in few], ""), (few, " --rows listed")]
    only = [("".join(f" --only {n}" for n in names), rest) for names, rest in called if names]
    return " && ".join(f"python benchmarks/games.py{names}{rest}{fewer}" for names, rest in only)


def table(it: Asked, found: dict[str, tuple[np.ndarray, dict]]) -> str:
    """Return both tables: all lists, and those that the cross-encoder read too."""
    out = []
    for names in ([n for n in found if n not in READERS], list(found)):
        said = {n: found[n][0] for n in names}
        who = np.flatnonzero(np.all([np.isfinite(s[:, 0]) for s in said.values()], axis=0))
        if out and not set(names) & set(READERS):
            break
        said["stacked"], way = stacked(names, said, it, who)
        tests = who[it.tested[who]]
        per = {n: values(s, it, tests) for n, s in said.items()}
        times = np.random.default_rng(3).poisson(1.0, (DRAWS, len(tests)))
        body: list[list[object]] = []
        for name in said:
            cells = [f"{per[name][m].mean():.4f}" for m in MEASURES]
            gap = per["stacked"][MEASURES[0]] - per[name][MEASURES[0]]
            low, high = np.quantile(times @ gap / np.maximum(times.sum(1), 1), [0.025, 0.975])
            against = "-" if name == "stacked" else f"{gap.mean():+.4f} [{low:+.4f}, {high:+.4f}]"
            about = found[name][1] if name in found else None
            cost = [f"{about['rows']:,}", f"{about['fit']:.0f}", f"{about['ask']:.0f}"] if about else ["-", "-", "-"]
            body.append([name, *cells, against, *cost])
        head = ["recommender", *MEASURES, "stacked - this, ndcg@10", "rows learned", "fit, CPU s", "lists, CPU s"]
        taught = len(who) - len(tests)
        out.append(f"{len(tests):,} test users; {taught:,} others teach the stacked ranker (way kept: {way}).\n\n"
                   + rows(head, body))  # fmt: skip
    return "\n\n".join(out)


if __name__ == "__main__":
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--only", choices=[*PARTS, "stacked"], action="append", help="all when it is not given")
    words.add_argument("--users", type=int, help="at most that many lists, half of them to teach")
    words.add_argument("--read", type=int, default=400, help="users of each half that the cross-encoder reads (400)")
    words.add_argument("--rows", choices=["all", "listed"], default="all", help="what recommenders learn from")
    args = words.parse_args()
    it = asked(args.users)
    for name in args.only or PARTS:
        if name != "stacked":
            measured(name, it, args.rows == "listed", args.read)
    found = remembered(it)
    keep(TITLE, commands(found, args.users), table(it, found), NOTES)
