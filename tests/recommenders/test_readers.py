"""Recommenders that read texts: what they read, what a row's loss depends on, and items without a text."""

from dataclasses import replace

import numpy as np
import pytest

from steelyard import parts
from steelyard.errors import DataError, EnvironmentProblem
from steelyard.parts.recommenders import _titles
from steelyard.parts.recommenders._prefixes import Prefixes
from steelyard.testing.recommenders import ITEMS, NEVER, ONCE, table

ROWS = table()
EVEN, ODD = 0, 1
TOWERS = {"embedding_size": 16, "negatives": 4, "learning_rate": 0.01, "precision": "fp32", "epochs": 3}


def test_a_history_is_what_came_before_newest_last():
    before = Prefixes(ROWS, 3)
    own = np.flatnonzero(ROWS.user == 4)
    own = own[np.argsort(ROWS.ts[own])]
    items = [-1, -1, -1, *ROWS.item[own]]
    for place, row in enumerate(own):
        assert before.before(np.array([row]))[0].tolist() == items[place : place + 3]
    assert before.latest(np.array([4, ONCE, NEVER])).tolist() == [items[-3:], [-1, -1, 3], [-1, -1, -1]]


def test_an_item_that_nobody_took_is_recommended_by_its_text(bert):
    """A blue item that stands in no row is above every red one for who takes blue ones, and the other way about."""
    kept = (ROWS.item != 0) & (ROWS.item != ITEMS - 1)
    fitted = parts.make("recommenders", "two_tower", pretrained=bert, **TOWERS).fit(ROWS.take(kept))
    red, blue = fitted.scores(np.array([EVEN, ODD]))
    assert red[0] > red[ITEMS // 2 :].max()
    assert blue[ITEMS - 1] > blue[: ITEMS // 2].max()


def test_an_item_without_a_text_is_at_zero(bert):
    titles = ROWS.titles.copy()
    titles[5] = ""
    fitted = parts.make("recommenders", "two_tower", pretrained=bert, **TOWERS).fit(replace(ROWS, titles=titles))
    scores = fitted.scores(np.arange(ONCE))
    assert (scores[:, 5] == 0).all()
    assert (np.delete(scores, 5, axis=1) != 0).all()


def test_the_loss_of_a_row_does_not_depend_on_its_batch_mates():
    pytest.importorskip("torch")
    from steelyard.parts.recommenders._towers import Pair

    rng = np.random.default_rng(0)
    towers = Pair(rng.normal(size=(9, 6)).astype(np.float32), 4, 0.8, 0.1)
    history, items = rng.integers(-1, 9, (7, 3)), rng.integers(0, 9, (7, 5))
    together = towers.look(history, items)
    alone = [float(towers.look(history[i : i + 1], items[i : i + 1])[0]) for i in range(7)]
    np.testing.assert_allclose(together, alone, rtol=1e-5)


def test_a_step_moves_by_the_weighted_rows_alone():
    pytest.importorskip("torch")
    from steelyard.parts.recommenders._towers import Pair

    rng = np.random.default_rng(0)
    texts = rng.normal(size=(9, 6)).astype(np.float32)
    history, items = rng.integers(-1, 9, (4, 3)), rng.integers(0, 9, (4, 5))
    moved = []
    for rows, alpha in ((slice(0, 4), [2, 0, 2, 0]), (slice(0, 4, 2), [1, 1])):
        towers = Pair(texts, 4, 0.8, 0.1)
        towers.look(history[rows], items[rows])
        towers.move(np.array(alpha, np.float32), 0.01)
        moved.append(towers.relevance(history))
    np.testing.assert_allclose(moved[0], moved[1], atol=1e-4)
    assert np.abs(moved[0] - Pair(texts, 4, 0.8, 0.1).relevance(history)).max() > 1e-3


@pytest.mark.parametrize("titles", [None, np.full(ITEMS, " ", dtype=object)])
def test_a_table_without_texts_is_refused(titles):
    pytest.importorskip("torch")
    with pytest.raises(DataError) as e:
        parts.make("recommenders", "two_tower").fit(replace(ROWS, titles=titles))
    assert e.value.code == "D282"
    assert "items.csv" in e.value.say("en")


def test_without_torch_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(_titles, "find_spec", lambda name: None)
    with pytest.raises(EnvironmentProblem) as e:
        parts.make("recommenders", "two_tower").fit(ROWS)
    assert e.value.code == "E242"


CROSS = {"negatives": 1, "history": 3, "learning_rate": 3e-3, "max_length": 32, "precision": "fp32"}


@pytest.fixture(scope="module")
def cross(bert):
    """A cross-encoder that reads the three best of item-kNN and what the user has taken."""
    return parts.make("recommenders", "cross_encoder", pretrained=bert, best=3, **CROSS).fit(ROWS)


def test_what_is_not_read_follows_in_the_order_of_the_first_stage(cross):
    users = np.arange(8)
    scores, stage = cross.scores(users), cross.first.scores(users)
    met = ROWS.matrix().toarray() > 0
    listed = cross.among(users, np.tile(np.arange(ITEMS), (8, 1)))
    for user in users:
        free = np.flatnonzero(~met[user])
        order = free[np.argsort(-stage[user][free], kind="stable")]
        best, rest = order[:3], order[3:]
        assert scores[user][rest].max() < scores[user][best].min()
        assert np.argsort(-scores[user][rest], kind="stable").tolist() == list(range(len(rest)))
        read = np.concatenate([best, np.flatnonzero(met[user])])
        np.testing.assert_allclose(scores[user][read], listed[user][read], rtol=1e-4, atol=1e-5)


def test_a_list_is_read_whole_whatever_the_first_stage_thinks(cross):
    items = np.array([[0, 20, -1, 13]])
    said = cross.among(np.array([EVEN]), items)[0]
    history = cross.history.latest(np.array([EVEN]))
    expected = [cross.reader.relevance(history, np.array([item]))[0] for item in (0, 20, 13)]
    np.testing.assert_allclose(said[[0, 1, 3]], expected, rtol=1e-4, atol=1e-5)
    assert said[2] == -np.inf
    popular = np.bincount(ROWS.item, minlength=ITEMS)
    assert cross.among(np.array([NEVER]), items)[0, [0, 1, 3]].tolist() == popular[[0, 20, 13]].tolist()


def test_the_first_stage_learns_with_the_weights_of_the_rows(bert):
    part = parts.make("recommenders", "cross_encoder", pretrained=bert, best=3, **CROSS)
    knn, users = parts.make("recommenders", "item_knn"), np.arange(ONCE)
    weight = np.random.default_rng(0).integers(1, 4, len(ROWS)).astype(float)
    first = part.fit(ROWS, weight).first.scores(users)
    np.testing.assert_allclose(first, knn.fit(ROWS, weight).scores(users), rtol=1e-4, atol=1e-6)
    assert np.abs(first - knn.fit(ROWS).scores(users)).max() > 1e-2
    cut = (ROWS.item % 3 > 0).astype(float)
    *_, last = part.train(ROWS, lambda rows, loss, progress: cut[rows])
    inside = last.fitted.first.scores(users)
    np.testing.assert_allclose(inside, knn.fit(ROWS, cut).scores(users), rtol=1e-4, atol=1e-6)


def test_the_newest_item_is_read_first_and_the_oldest_is_cut(cross):
    reader = cross.reader
    encoded = reader._encoded(np.array([[-1, 0, 13]]), np.array([5]), np.zeros(1, np.int64))
    ids = encoded.sides[0].ids.tolist()
    said = reader.tokenizer.convert_ids_to_tokens(ids)
    assert said.index("blue") < said.index("red")  # 13 is blue and newest; 5, the item read, is red too
    assert said[-4:] == ["red", "shirt", "f", "[SEP]"]


def test_weighting_a_row_is_weighting_its_list(bert):
    """Weights 2 and 0 on two rows move the network as the first row alone does; by plain descent, for Adam makes
    steps of a gradient that is only rounding."""
    import torch

    from steelyard.parts.recommenders._reading import Reader
    from steelyard.values.recipe import Recipe

    recipe = Recipe(epochs=1, batch_size=4, learning_rate=1e-2, warmup=0.0, weight_decay=0.0, seed=1)
    model = parts.make("models", "transformer", pretrained=bert)
    history, items = np.array([[0, 1], [13, 14]]), np.array([[2, 15], [16, 3]])
    moved, losses = [], []
    for rows, alpha in (([0, 1], [2.0, 0.0]), ([0], [1.0])):
        reader = Reader(model, recipe, tuple(ROWS.titles), 1, 32, 3)
        reader.learner.optimiser = torch.optim.SGD([{**g, "share": 1.0} for g in _parameters(reader)])
        untrained = reader.relevance(history, items[:, 0])
        reader.take(history, items)
        losses.append(reader.look(np.array(rows))[0])
        reader.move(np.array(alpha), 1e-2)
        moved.append(reader.relevance(history, items[:, 0]))
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
    np.testing.assert_allclose(moved[0], moved[1], atol=1e-5)
    assert np.abs(moved[0] - untrained).max() > 1e-3


def _parameters(reader):
    return [{"params": g["params"]} for g in reader.learner.optimiser.param_groups]
