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
