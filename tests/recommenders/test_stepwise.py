"""Recommenders that are trained step by step: their gradients against plain numbers, their weights, their windows."""

from dataclasses import replace
from typing import ClassVar

import numpy as np
import pytest

from steelyard import parts
from steelyard.acts.stepping import Inside, Noted
from steelyard.errors import EnvironmentProblem
from steelyard.parts.recommenders import mf, sasrec
from steelyard.parts.recommenders._adam import Table, gathered
from steelyard.parts.recommenders._negatives import Negatives, at_most, hardest
from steelyard.parts.recommenders._pairs import pairwise
from steelyard.parts.recommenders._steps import epochs
from steelyard.parts.recommenders.bpr import Bpr
from steelyard.parts.recommenders.lightgcn import Graph, LightGcn, added
from steelyard.parts.recommenders.mf import Mf
from steelyard.testing.recommenders import table

ROWS = table()
RNG = np.random.default_rng(0)


def test_pairwise_gradients_are_those_of_small_moves():
    x, met, other = RNG.normal(size=(3, 5, 4))
    alpha = RNG.random(5)

    def total(x, met, other):
        return np.mean(alpha * np.log1p(np.exp(-np.sum(x * (met - other), axis=1))))

    loss, weight, pulls = pairwise(lambda loss: alpha, x, met, other)
    assert weight is alpha
    np.testing.assert_allclose(np.mean(alpha * loss), total(x, met, other))
    for which, pull in enumerate(pulls):
        for place in np.ndindex(5, 4):
            moved = [v.copy() for v in (x, met, other)]
            moved[which][place] += 1e-6
            found = (total(*moved) - total(x, met, other)) / 1e-6
            np.testing.assert_allclose(pull[place], found, atol=1e-5)


def test_the_gradient_of_the_graph_is_that_of_small_moves():
    """What LightGCN moves by: the average of the gradient of the averages, held against the loss moved by hand."""
    graph = Graph(ROWS, layers=3)
    vectors = RNG.normal(size=(ROWS.n_users + ROWS.n_items, 2))
    ends = (ROWS.user[:9], ROWS.n_users + ROWS.item[:9], ROWS.n_users + (ROWS.item[:9] + 11) % ROWS.n_items)

    def total(vectors):
        final = graph.averaged(vectors)
        loss, _, pulls = pairwise(np.ones_like, *(final[end] for end in ends))
        return loss.mean(), added(ends, pulls, final.shape)

    gradient = graph.averaged(total(vectors)[1])
    for place in [(0, 0), (ends[0][0], 1), (ends[1][3], 0), (ends[2][5], 1), (len(vectors) - 1, 0)]:
        moved = vectors.copy()
        moved[place] += 1e-4
        np.testing.assert_allclose(gradient[place], (total(moved)[0] - total(vectors)[0]) / 1e-4, atol=1e-6)


def test_the_graph_averages_along_normalised_edges():
    x = ROWS.matrix().toarray()
    u, m = x.shape
    edges = np.block([[np.zeros((u, u)), x], [x.T, np.zeros((m, m))]])
    degree = np.maximum(edges.sum(axis=1), 1)
    edges = edges / np.sqrt(np.outer(degree, degree))
    vectors = RNG.normal(size=(u + m, 3))
    expected = (vectors + edges @ vectors + edges @ edges @ vectors) / 3
    np.testing.assert_allclose(Graph(ROWS, layers=2).averaged(vectors), expected, atol=1e-6)


@pytest.mark.parametrize("move", [lambda t, *how: t.move_all(*how), lambda t, *how: t.move(np.arange(6), *how)])
def test_adam_is_adam_where_every_row_is_touched(move):
    torch = pytest.importorskip("torch")
    start = RNG.normal(size=(6, 3)).astype(np.float32)
    ours, theirs = Table(start.copy()), torch.nn.Parameter(torch.from_numpy(start.copy()))
    optimizer = torch.optim.Adam([theirs], lr=0.05)
    for step in range(1, 9):
        gradient = RNG.normal(size=(6, 3)).astype(np.float32)
        move(ours, gradient, 0.05, step)
        theirs.grad = torch.from_numpy(gradient)
        optimizer.step()
    np.testing.assert_allclose(ours.value, theirs.detach().numpy(), atol=1e-5)


def test_a_row_that_comes_twice_is_moved_by_the_sum():
    rows, gradient = np.array([4, 1, 4, 0]), np.arange(8.0).reshape(4, 2)
    touched, summed = gathered(rows, gradient)
    assert touched.tolist() == [0, 1, 4]
    assert summed.tolist() == [[6, 7], [2, 3], [4, 6]]


def test_negatives_were_not_met_and_all_others_come_alike():
    met = ROWS.matrix().toarray() > 0
    rows = np.repeat(np.arange(4), 20_000)
    drawn = Negatives(ROWS).draw(np.random.default_rng(1), rows, 2)
    assert drawn.shape == (80_000, 2)
    assert not met[ROWS.user[rows][:, None], drawn].any()
    for row in range(4):
        count = np.bincount(drawn[rows == row].ravel(), minlength=ROWS.n_items)[~met[ROWS.user[row]]]
        assert count.min() > 0.9 * count.mean()
        assert count.max() < 1.1 * count.mean()


def test_the_hardest_candidate_is_the_one_put_highest():
    x, items, drawn = RNG.normal(size=(7, 3)), RNG.normal(size=(20, 3)), RNG.integers(0, 20, (7, 4))
    expected = [row[np.argmax(items[row] @ v)] for v, row in zip(x, drawn, strict=True)]
    assert hardest(x, items, drawn).tolist() == expected


@pytest.mark.parametrize("recommender", [Bpr(epochs=4, batch_size=64), LightGcn(epochs=4, batch_size=64)])
def test_cutting_the_largest_losses_at_every_step_is_asked_with_the_losses_of_that_step(recommender):
    """T-CE: the weight function sees the losses and cuts a growing share of the largest."""
    cut = []

    def importance(rows, loss, progress):
        kept = loss <= np.quantile(loss, 1 - 0.2 * progress)
        cut.append((progress, 1 - kept.mean()))
        return kept.astype(float)

    *_, last = recommender.train(ROWS, importance, seed=1)
    *_, plain = recommender.train(ROWS, seed=1)
    progress, share = np.array(cut).T
    assert progress[0] == 0
    assert (np.diff(progress) > 0).all()
    assert share[0] == 0
    assert share[-1] > 0.1
    assert np.abs(last.fitted.scores(np.arange(9)) - plain.fitted.scores(np.arange(9))).max() > 0


def test_windows_show_each_row_once_with_what_came_before():
    windows = sasrec.Windows(ROWS, 5)
    seen_rows = []
    order = ROWS.chronological
    for first in range(0, len(windows), 7):
        shown, rows, inside = windows.shown(np.arange(first, min(first + 7, len(windows))))
        assert inside.sum() == len(rows)
        at = 0
        for line, here in zip(shown, inside, strict=True):
            own = rows[at : at + here.sum()]
            at += here.sum()
            seen_rows += own.tolist()
            assert len(set(ROWS.user[own])) == 1
            assert (np.diff(ROWS.ts[own]) > 0).all()
            assert line[0] == ROWS.n_items
            assert line[1 : len(own)].tolist() == ROWS.item[own][:-1].tolist()
    assert sorted(seen_rows) == list(range(len(ROWS)))
    for user in (0, 1, 46):
        shown, count = windows.latest(np.array([user, 2]))
        own = ROWS.item[order[ROWS.user[order] == user]]
        assert shown[0, 1 : count[0]].tolist() == own[-4:].tolist()


def test_what_follows_does_not_change_what_is_said_before():
    torch = pytest.importorskip("torch")
    from steelyard.parts.recommenders._attention import Attention

    network = Attention(items=9, width=8, length=6, blocks=2, heads=2, dropout=0.5, seed=0).eval()
    items = torch.randint(0, 9, (3, 6), generator=torch.Generator().manual_seed(1))
    other = items.clone()
    other[:, 4:] = (other[:, 4:] + 1) % 9
    a, b = network(items), network(other)
    torch.testing.assert_close(a[:, :4], b[:, :4])
    assert not torch.allclose(a[:, 4], b[:, 4])


def test_the_order_of_time_is_learned_and_not_only_the_taste():
    """A walk around a circle: the next item is the one after the last, which no model without order can say."""
    pytest.importorskip("torch")
    users, length, items = 40, 9, 12
    begin = np.arange(users) % items
    walk = (begin[:, None] + np.arange(length)) % items
    n = users * length
    rows = replace(
        ROWS,
        row_key=np.arange(n).astype(str).astype(object),
        user=np.repeat(np.arange(users), length),
        item=walk.ravel(),
        value=np.ones(n),
        user_ids=np.arange(users).astype(str).astype(object),
        item_ids=np.arange(items).astype(str).astype(object),
        split=np.full(n, "train", dtype=object),
        ts=np.tile(np.arange(length), users).astype(float),
        titles=None,
    )
    fitted = sasrec.SasRec(embedding_size=16, epochs=30, batch_size=8, dropout=0.0, learning_rate=0.01).fit(rows)
    assert (fitted.scores(np.arange(users)).argmax(axis=1) == (begin + length) % items).mean() > 0.95


def test_without_torch_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(sasrec, "find_spec", lambda name: None)
    with pytest.raises(EnvironmentProblem) as e:
        sasrec.SasRec().fit(ROWS)
    assert e.value.code == "E242"
    assert "steelyard[torch]" in e.value.say("en")


def test_without_vectors_the_bias_of_an_item_follows_how_often_it_is_met():
    rows = replace(
        ROWS,
        row_key=np.arange(900).astype(str).astype(object),
        user=np.arange(900) % 40,
        item=np.repeat([0, 0, 0, 0, 0, 1, 1, 1, 2], 100),
        value=np.ones(900),
        split=np.full(900, "train", dtype=object),
        ts=None,
    )
    fitted = Mf(embedding_size=1, scale=0.0, reg=0.0, epochs=30, learning_rate=0.02, batch_size=300).fit(rows)
    odds = np.exp(fitted.bias[[0, 1, 2]])
    assert odds[0] > odds[1] > odds[2] > np.exp(fitted.bias[3:]).max()


class Kept:
    """Stands for a table of vectors: keeps the gradients and moves nothing. Every bias is log(1/3)."""

    made: ClassVar[list] = []

    def __init__(self, value):
        self.value = np.full_like(value, np.log(1 / 3)) if value.shape[1] == 1 else value
        self.gradients = []
        self.made.append(self)

    def move(self, rows, gradient, rate, step):
        self.gradients.append(gradient)


@pytest.mark.parametrize(
    ("alpha", "row", "drawn"),
    [
        (parts.make("alphas", "r_ce", power=0.5), 0.25**0.5, (1 - 0.25) ** 0.5),
        (parts.make("alphas", "t_ce"), 1.0, 1.0),
        (None, 1.0, 1.0),
    ],
)
def test_what_is_drawn_is_weighed_as_published(alpha, row: float, drawn: float, monkeypatch):
    """Worked by hand: every z is log(1/3), so p = 1/4; the gradient of a bias is w (p - 1) / b for a row, w p / b for
    an item drawn against it. R-CE takes w = p ** power and (1 - p) ** power (Wang et al. 2021, eq. 6)."""
    monkeypatch.setattr(mf, "Table", Kept)
    part = Mf(embedding_size=2, scale=0.0, reg=0.0, epochs=1, negatives=2)
    list(part.train(ROWS, None if alpha is None else Inside(alpha), seed=0))
    gradient, b = Kept.made[-1].gradients[0][:, 0], len(ROWS) // 40 + 1
    assert len(gradient) == 3 * b
    np.testing.assert_allclose(gradient[:b], row * (0.25 - 1) / b, rtol=1e-5)
    np.testing.assert_allclose(gradient[b:], drawn * 0.25 / b, rtol=1e-5)


def test_drawn_weights_are_shuffled_with_those_of_the_rows():
    loss = RNG.random(50)
    for name, weighs in (("r_ce", True), ("t_ce", False)):
        alpha = parts.make("alphas", name)
        plain, control = Inside(alpha), Inside(alpha, np.random.default_rng(0))
        for said in (plain, Noted(np.ones(9), plain)):
            expected = alpha.raw({"loss": loss}, 1.0) if weighs else np.ones(50)
            np.testing.assert_array_equal(said.drawn(loss, 1.0), expected)
        mixed = control.drawn(loss, 1.0)
        np.testing.assert_allclose(np.sort(mixed), np.sort(plain.drawn(loss, 1.0)))
        assert (mixed != plain.drawn(loss, 1.0)).any() == weighs
    assert Noted(np.ones(9), None).drawn(loss, 0.0).tolist() == [1.0] * 50


@pytest.mark.parametrize(("batch_size", "size"), [(4, 4), (4096, len(ROWS) // 40 + 1)])
def test_steps_pass_every_row_once_an_epoch_with_items_not_met(batch_size: int, size: int) -> None:
    met = ROWS.matrix().toarray() > 0
    orders, number = [], 0
    total = 3 * -(-len(ROWS) // size)
    for epoch, steps in epochs(ROWS, np.random.default_rng(1), 3, batch_size, 2):
        rows = []
        for step in steps:
            assert step.number == number + 1
            assert step.progress == pytest.approx(number / total)
            assert 1 <= len(step.rows) <= size
            assert step.drawn.shape == (len(step.rows), 2)
            assert not met[ROWS.user[step.rows][:, None], step.drawn].any()
            rows += step.rows.tolist()
            number += 1
        assert sorted(rows) == list(range(len(ROWS)))
        orders.append(rows)
        assert epoch == len(orders)
    assert number == total
    assert orders[0] != orders[1]


def test_candidates_are_one_in_a_thousand_items_at_most() -> None:
    assert [at_most(32, items) for items in (10, 1999, 9000, 10**6)] == [1, 1, 9, 32]
    assert at_most(0, 10**6) == 1
