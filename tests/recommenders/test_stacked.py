"""The stacked recommender: what it learns from, what it weighs, and that it can be its best part."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from steelyard import parts
from steelyard.errors import DataError
from steelyard.parts.recommenders import Fitted, Recommender, counted, stacked
from steelyard.parts.recommenders._kin import kin
from steelyard.parts.recommenders._stacking import BOTH, LINEAR, TREES, _linear, blend, features, trees
from steelyard.parts.recommenders.stacked import Stacked, about
from steelyard.testing.recommenders import ITEMS, NEVER, ONCE, USERS, table

ROWS = table()
RNG = np.random.default_rng(0)


@dataclass(frozen=True)
class Told(Fitted):
    """Says what it is told."""

    said: np.ndarray

    def relevance(self, users):
        return self.said[users]


@dataclass(frozen=True)
class Noting(Recommender):
    """Notes the rows that it learns from; says nothing but noise, or what its rows will be."""

    knows: bool = False
    seen: list = None

    def learn(self, interactions, weight, seed):
        self.seen.append(interactions.row_key)
        said = np.random.default_rng(5).random((USERS, ITEMS)).astype(np.float32)
        if self.knows:
            said += 3 * (ROWS.matrix().toarray() > 0)
        return Told(*counted(interactions, weight), said)


@dataclass(frozen=True)
class Memory(Noting):
    """Says what it has seen, and nothing else."""

    def learn(self, interactions, weight, seed):
        self.seen.append(interactions.row_key)
        return Told(*counted(interactions, weight), interactions.matrix().toarray().astype(np.float32))


@dataclass(frozen=True)
class Noise(Noting):
    """The same under another name."""


def test_what_teaches_the_lists_was_seen_by_no_recommender():
    seen: list = []
    fitted = Stacked(of=(Noting(seen=seen),), teach=20, rounds=5).fit(ROWS)
    held = np.setdiff1d(ROWS.row_key, seen[0])
    assert len(held) == 20
    assert sorted(seen[1]) == sorted(ROWS.row_key)  # and then it learns from all
    for row in np.flatnonzero(np.isin(ROWS.row_key, held)):
        own = ROWS.user == ROWS.user[row]
        assert own.sum() > 1
        assert ROWS.ts[row] == ROWS.ts[own].max()
    assert fitted.members.keys() == {"noting"}


def test_a_repeated_purchase_is_held_out_with_all_its_rows():
    """Users who bought their last item before: a memory of pairs learns no list by heart, and is not believed."""
    order = ROWS.chronological
    ends = order[np.append(np.diff(ROWS.user[order]) != 0, True)]
    twice = ROWS.take(np.concatenate([np.arange(len(ROWS)), ends]))
    twice = replace(twice, row_key=np.array([f"r{k}" for k in range(len(twice))], object))
    twice = replace(twice, ts=np.concatenate([ROWS.ts, np.full(len(ends), ROWS.ts.max() + 1)]))
    seen: list = []
    fitted = Stacked(of=(Memory(seen=seen), "item_knn"), teach=20, rounds=5).fit(twice)
    held = np.setdiff1d(twice.row_key, seen[0])
    known, taught = np.isin(twice.row_key, held), np.isin(twice.row_key, seen[0])
    assert len(held) == 40
    assert not np.isin(twice.pair[known], twice.pair[taught]).any()
    assert fitted.blend.value["memory"] < fitted.blend.value["item_knn"]
    assert fitted.blend.way != "memory"


def test_a_user_of_one_item_teaches_nothing_however_often_it_was_bought():
    once = np.unique(ROWS.user, return_index=True)[1]
    again = ROWS.take(np.repeat(once, 3))
    with pytest.raises(DataError) as e:
        Stacked().fit(again)
    assert e.value.code == "D283"


def test_the_one_that_knows_is_heard_and_noise_is_not():
    """One recommender that knows what is taken, one that says noise: the whole is as good as the first."""
    fitted = Stacked(of=(Noting(knows=True, seen=[]), Noise(seen=[])), teach=46, rounds=10).fit(ROWS)
    scores, taken = fitted.scores(np.arange(ONCE)), ROWS.matrix().toarray()[:ONCE] > 0
    for own, which in zip(scores, taken, strict=True):
        assert (own[which][:, None] > own[~which]).mean() > 0.99
    assert np.abs(fitted.blend.linear[0]) > 5 * np.abs(fitted.blend.linear[1])


def test_two_of_a_kind_are_two(monkeypatch):
    """And a catalogue that is weighed some users at a time is weighed the same."""
    of = (Noting(knows=True, seen=[]), Noting(seen=[]), "popularity")
    fitted = Stacked(of=of, teach=20, rounds=5).fit(ROWS)
    assert list(fitted.members) == ["noting", "noting#2", "popularity"]
    whole = fitted.scores(np.arange(9))
    monkeypatch.setattr(stacked, "_ITEMS", 2 * ITEMS)
    np.testing.assert_array_equal(fitted.scores(np.arange(9)), whole)


def described(rows=ROWS):
    """Return the table with what an item table says: the half an item belongs to, a price, and a thing unknown."""
    half = (np.arange(ITEMS) >= ITEMS // 2).astype(float)
    told = np.stack([half, 1 - half, np.arange(ITEMS) % 5 + 0.5, np.full(ITEMS, np.nan)], axis=1).astype(np.float32)
    return replace(rows, item_features=told, item_feature_names=("kind=red", "kind=blue", "price", "size"))


def test_items_of_the_users_kind_are_near_and_nothing_is_far_where_nothing_is_said():
    assert kin(ROWS) is None
    told = described()
    near = kin(told).of(np.arange(2), np.tile(np.arange(ITEMS), (2, 1)))
    assert near[0, : ITEMS // 2].min() > 0.2 > -0.2 > near[0, ITEMS // 2 :].max()
    assert near[1, ITEMS // 2 :].min() > 0.2 > -0.2 > near[1, : ITEMS // 2].max()
    np.testing.assert_allclose(kin(told).of(np.array([NEVER]), np.array([[0, 1]])), 0)
    z = np.stack([told.item_features[:, 0], told.item_features[:, 2]], axis=1)
    z = (z - z.mean(0)) / z.std(0)
    z = np.stack([z[:, 0], -z[:, 0], z[:, 1]], axis=1)  # what is unknown of all says nothing
    z /= np.linalg.norm(z, axis=1, keepdims=True)
    own = z[ROWS.item[ROWS.user == 4]].sum(0)
    expected = z @ own / np.linalg.norm(own)
    np.testing.assert_allclose(kin(told).of(np.array([4]), np.arange(ITEMS)[None])[0], expected, rtol=1e-5)


def test_a_cold_item_is_ranked_by_what_its_table_says():
    """Recommenders that say noise, or nothing of an item that nobody took: only its kind tells who wants it."""
    cold = [0, 5, ITEMS - 6, ITEMS - 1]
    told = described(ROWS.take(~np.isin(ROWS.item, cold)))
    own = (np.arange(ONCE) % 2 == 0)[:, None] == (np.array(cold) < ITEMS // 2)

    def right(rows) -> float:
        scores = (
            Stacked(of=(Noise(seen=[]),), teach=46, negatives=20, rounds=40)
            .fit(rows, seed=1)
            .scores(np.arange(ONCE))[:, cold]
        )
        return float(np.mean([s[k][:, None] > s[~k] for s, k in zip(scores, own, strict=True)]))

    assert right(told) > 0.8
    assert right(replace(told, item_features=None, item_feature_names=())) < 0.65


def lists(rows: int, signal: np.ndarray):
    """Return lists whose first item is told by a sum of two recommenders, ``signal`` of each."""
    said = RNG.normal(size=(2, rows, 10))
    said[:, :, 0] += signal[:, None]
    items = np.tile(np.arange(10), (rows, 1))
    return features({"a": said[0], "b": said[1]}, items, np.ones(10), np.zeros((10, 0)), np.ones(rows, np.int64))


def first_place(relevance: np.ndarray) -> float:
    return float((relevance.argmax(1) == 0).mean())


def test_two_that_know_a_little_are_better_together():
    x, test = lists(600, np.array([1.2, 1.2])), lists(2000, np.array([1.2, 1.2]))
    found = blend(x, np.ones(600), ("a", "b"), trees(30), 0)
    assert found.way in (LINEAR, BOTH, TREES)
    alone = [first_place(test.said[:, :, k]) for k in (0, 1)]
    assert first_place(found.relevance(test)) > max(alone) + 0.08


def test_one_alone_is_kept_where_it_is_best_on_the_lists_set_aside():
    """On these the first recommender is right; on the lists that the sum and the trees learn from it is wrong."""
    aside = np.random.default_rng(0).permutation(40)[:10]
    said = RNG.normal(size=(2, 40, 10))
    said[0, :, 0] = np.where(np.isin(np.arange(40), aside), 9, -9)
    x = features(
        {"a": said[0], "b": said[1]}, np.tile(np.arange(10), (40, 1)), np.ones(10), np.zeros((10, 0)), np.ones(40)
    )
    found = blend(x, np.ones(40), ("a", "b"), trees(10), 0)
    assert found.way == "a"
    assert found.value["a"] == 1 > max(found.value[way] for way in (LINEAR, TREES, BOTH, "b"))
    np.testing.assert_array_equal(found.relevance(x), x.said[:, :, 0])


def test_the_linear_weights_are_those_of_least_loss():
    x = lists(50, np.array([1.0, 0.3]))
    weight = RNG.integers(1, 4, 50).astype(float)
    best = _linear(x, weight)

    def cost(w):
        z = x.said.astype(float) @ w
        return weight @ (np.log(np.exp(z).sum(1)) - z[:, 0]) + 0.5 * w @ w

    for step in 1e-3 * np.eye(3):
        assert cost(best) < min(cost(best + step), cost(best - step))


def test_weight_2_of_a_list_is_the_list_twice():
    x = lists(30, np.array([1.0, 0.3]))
    twice = np.repeat(np.arange(30), 1 + (np.arange(30) < 10))
    np.testing.assert_allclose(
        _linear(x, 1.0 + (np.arange(30) < 10)), _linear(x.take(twice), np.ones(len(twice))), atol=1e-4
    )


def test_a_shorter_list_is_the_list_without_the_gap():
    x = features({"a": np.array([[3.0, 1.0, 9.0, 2.0]])}, np.array([[4, 2, -1, 0]]), np.arange(5.0),
                 np.full((5, 1), 0.5), np.array([3]))  # fmt: skip
    y = features({"a": np.array([[3.0, 1.0, 2.0]])}, np.array([[4, 2, 0]]), np.arange(5.0),
                 np.full((5, 1), 0.5), np.array([3]))  # fmt: skip
    np.testing.assert_allclose(x.flat(), y.flat(), rtol=1e-6)
    assert len(x.flat()) == 3


def test_a_list_given_and_users_that_nobody_knows():
    fitted = Stacked(rounds=5).fit(ROWS)
    items = np.array([[3, 20, -1], [3, 20, 5], [3, 20, 5]])
    said = fitted.among(np.array([0, NEVER, -1]), items)
    assert said[0, 2] == -np.inf
    assert said[0, 0] > said[0, 1]  # user 0 takes red ones
    popular = np.bincount(ROWS.item, minlength=ITEMS)[[3, 20, 5]]
    assert said[1].tolist() == said[2].tolist() == popular.tolist()


def test_age_is_the_time_since_the_last_row():
    ts = np.arange(len(ROWS), dtype=float)
    age = about(replace(ROWS, ts=ts))
    item = ROWS.item[-1]
    assert age[item, 0] == 0
    other = next(i for i in range(ITEMS) if i != item)
    last = np.flatnonzero(ROWS.item == other).max()
    assert age[other, 0] == pytest.approx((ts[-1] - last) / (ts[-1] - ts[0]))
    assert about(replace(ROWS, ts=None)).shape == (ITEMS, 0)
    unseen = about(replace(ROWS.take(ROWS.item != 4), ts=ts[ROWS.item != 4]))
    assert unseen[4, 0] == 1


def test_users_of_one_row_each_teach_nothing():
    once = np.unique(ROWS.user, return_index=True)[1]
    with pytest.raises(DataError) as e:
        parts.make("recommenders", "stacked").fit(ROWS.take(once))
    assert e.value.code == "D283"
    assert "item_knn" in e.value.say("en")
