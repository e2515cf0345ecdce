"""What every recommender keeps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from steelyard.errors import DataError
from steelyard.testing.holding import hold, same
from steelyard.values.interactions import Interactions

USERS, ITEMS = 48, 24
#: A user with one interaction, and one with none.
ONCE, NEVER = 46, 47


def check_recommender(recommender: Any, *, personal: bool = True) -> None:
    """Hold a Recommender to its contract: shapes, seeds, weights, users it does not know, learning, training.

    personal: that it recommends to users by their own interactions; False for one that tells them all the same.
    """
    rows = table()
    everybody = np.arange(USERS)

    def scores(**options: Any) -> np.ndarray:
        return _scores(recommender, rows, everybody, **options)

    plain = scores()
    again = scores()
    hold(np.array_equal(plain, again), recommender, "must score the same after the same fit with the same seed")
    hold(np.array_equal(plain, scores(sample_weight=np.ones(len(rows)))), recommender, "must not change with weights 1")
    some = np.random.default_rng(1).integers(1, 4, len(rows)).astype(float)
    weighted = scores(sample_weight=some)
    hold(not same(plain, weighted), recommender, "must let weights count")
    hold(same(weighted, scores(sample_weight=4 * some)), recommender, "must not change when all weights grow alike")
    kept = np.arange(len(rows)) % 5 > 0
    lost = scores(sample_weight=kept.astype(float))
    removed = _scores(recommender, rows.take(kept), everybody)
    hold(_near(lost, removed), recommender, "must learn from weights of 0 as if the rows were not there")
    for wrong, code in ((-1.0, "D280"), (np.nan, "D280"), (0.0, "D281")):
        try:
            recommender.fit(rows, np.full(len(rows), wrong))
        except DataError as e:
            hold(e.code == code, recommender, f"must refuse weights of {wrong} by {code}, not {e.code}")
        else:
            hold(False, recommender, f"must refuse weights of {wrong}")
    _check_users(recommender, rows, plain)
    if personal:
        hold(_share_of_own_taste(rows, plain) > 0.9, recommender, "must learn the taste that is plain to see")
    if recommender.stepwise:
        _check_training(recommender, rows)


def table() -> Interactions:
    """Return two tastes: even users take items of the first half, red ones, odd users of the second, most of them."""
    rng = np.random.default_rng(0)
    taken = rng.random((USERS, ITEMS)) < np.linspace(0.85, 0.55, ITEMS)
    taken &= (np.arange(USERS) % 2)[:, None] == (np.arange(ITEMS) >= ITEMS // 2)
    taken[[ONCE, NEVER]] = False
    taken[ONCE, 3] = True
    user, item = taken.nonzero()
    order = rng.permutation(len(user))
    n = len(order)
    return Interactions(
        row_key=np.array([f"r{i}" for i in range(n)], dtype=object),
        user=user[order],
        item=item[order],
        value=np.ones(n),
        user_ids=np.array([f"u{i}" for i in range(USERS)], dtype=object),
        item_ids=np.array([f"i{i}" for i in range(ITEMS)], dtype=object),
        split=np.full(n, "train", dtype=object),
        ts=rng.permutation(n).astype(float),
        titles=np.array(
            [f"{'blue' if i >= ITEMS // 2 else 'red'} shirt {chr(97 + i)}" for i in range(ITEMS)], dtype=object
        ),
    )


def _scores(recommender: Any, rows: Interactions, users: np.ndarray, **options: Any) -> np.ndarray:
    out = recommender.fit(rows, seed=3, **options).scores(users)
    hold(out.shape == (len(users), ITEMS), recommender, f"must score every item (b, m), not {out.shape}")
    hold(out.dtype == np.float32, recommender, f"must score in float32, not {out.dtype}")
    hold(np.isfinite(out).all(), recommender, "must give finite scores")
    return out


def _check_users(recommender: Any, rows: Interactions, plain: np.ndarray) -> None:
    fitted = recommender.fit(rows, seed=3)
    popular = np.bincount(rows.item, minlength=ITEMS)
    unknown = fitted.scores(np.array([NEVER, -1]))
    hold((unknown == popular).all(), recommender, "must give popularity to users that it does not know, and to -1")
    rng = np.random.default_rng(2)
    users, items = rng.integers(0, USERS, 300), rng.integers(0, ITEMS, 300)
    hold(_near(fitted.pairs(users, items), plain[users, items]), recommender, "must give pairs what scores gives")
    given = np.stack([items[:100], np.full(100, -1), items[100:200]], axis=1)
    listed = fitted.among(users[:100], given)
    hold((listed[:, 1] == -np.inf).all(), recommender, "must say -inf of an item of -1")
    hold(
        recommender.by_list or _near(listed[:, [0, 2]], plain[users[:100, None], given[:, [0, 2]]]),
        recommender,
        "must give items of a list what scores gives",
    )
    one, stranger, none = np.array([0]), np.array([USERS]), np.array([-1])
    for wrong, asked in (
        ("users from n_users on", lambda: fitted.scores(stranger)),
        ("users from n_users on in pairs", lambda: fitted.pairs(stranger, one)),
        ("users from n_users on in lists", lambda: fitted.among(stranger, one[:, None])),
        ("users below -1", lambda: fitted.scores(np.array([-2]))),
        ("an item of -1 in pairs", lambda: fitted.pairs(one, none)),
        ("items from n_items on in pairs", lambda: fitted.pairs(one, np.array([ITEMS]))),
        ("items from n_items on in lists", lambda: fitted.among(one, np.array([[ITEMS]]))),
    ):
        hold(_refused_by(asked) == "D284", recommender, f"must refuse {wrong} by D284")
    hold(_near(fitted.pairs(none, one), popular[:1].astype(np.float32)), recommender, "must take a user of -1 in pairs")
    some = np.array([5, 0, NEVER, 5])
    hold(_near(fitted.scores(some), plain[some]), recommender, "must score a user alike in any company")


def _refused_by(asked: Callable[[], Any]) -> str | None:
    """Return the code of the error, None without one, and for an error without a code."""
    try:
        asked()
    except DataError as e:
        return e.code
    except IndexError:
        pass
    return None


def _check_training(recommender: Any, rows: Interactions) -> None:
    n = len(rows)
    asked = np.zeros(n)

    def importance(row: np.ndarray, loss: np.ndarray, progress: float) -> np.ndarray:
        hold(loss.shape == row.shape and np.isfinite(loss).all(), recommender, "must say a finite loss for each row")
        hold(0 <= progress <= 1, recommender, f"must say a progress of 0..1, not {progress}")
        asked[row] += 1
        return np.ones(len(row))

    everybody = np.arange(USERS)
    losses: list[float] = []
    last = np.zeros(0)
    for number, epoch in enumerate(recommender.train(rows, importance, seed=3), start=1):
        hold(epoch.number == number, recommender, "must count its epochs from 1")
        hold(epoch.loss.shape == (n,), recommender, f"must have a loss for each row, not {epoch.loss.shape}")
        hold((asked == number).all(), recommender, "must ask for the weight of each row once an epoch")
        losses.append(float(epoch.loss.mean()))
        last = epoch.fitted.scores(everybody)
    hold(np.array_equal(last, _scores(recommender, rows, everybody)), recommender, "must fit what its epochs end with")
    hold(losses[-1] < losses[0], recommender, "must lower the loss")
    cut = rows.user % 2 == 0
    for epoch in recommender.train(rows, lambda row, loss, progress: cut[row] * 1.0, seed=3):
        odd = epoch.loss[~cut].mean()
        even = epoch.loss[cut].mean()
    hold(np.isfinite(odd) and odd > even, recommender, "must measure rows of weight 0, and not learn from them")


def _share_of_own_taste(rows: Interactions, plain: np.ndarray) -> float:
    """Return how often an item of the user's own half that it has not taken scores above one of the other half."""
    taken = rows.matrix().toarray() > 0
    own = (np.arange(USERS) % 2)[:, None] == (np.arange(ITEMS) >= ITEMS // 2)
    won = [
        (plain[u][own[u] & ~taken[u]][:, None] > plain[u][~own[u]]).mean()
        for u in range(ONCE)
        if (own[u] & ~taken[u]).any()
    ]
    return float(np.mean(won))


def _near(a: np.ndarray, b: np.ndarray) -> bool:
    return a.shape == b.shape and bool(np.allclose(a, b, rtol=1e-4, atol=1e-5))
