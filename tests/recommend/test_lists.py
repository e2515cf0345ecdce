"""Lists of recommendations: measures by name, where an item stands, how the lists spread."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from steelyard import parts
from steelyard.acts.placing import places
from steelyard.acts.recalling import best, coverage, gini, hits, ndcg, ranking, recall
from steelyard.parts.measures import parse

RNG = np.random.default_rng(3)
RELEVANCE = np.round(RNG.normal(size=(9, 14)), 1)
SEEN = csr_array((RNG.random((9, 14)) < 0.3).astype(float))
HELD = csr_array(((RNG.random((9, 14)) < 0.25) & (SEEN.toarray() == 0)).astype(float))
USERS = np.array([0, 2, 3, 5, 7, 8])


class Told:
    """A recommender whose relevance is given."""

    def __init__(self, relevance):
        self.relevance = relevance

    def scores(self, users):
        return self.relevance[users]


def lists(k: int):
    return best(Told(RELEVANCE).scores, SEEN, USERS, k)


@pytest.mark.parametrize("k", [1, 3, 5])
def test_measures_of_the_package_agree_with_the_fast_ones(k: int) -> None:
    items = lists(k)
    relevant = np.diff(HELD.tocsr().indptr)[USERS]
    hit, ranked = hits(items, HELD, USERS), ranking(items, HELD, USERS)
    np.testing.assert_allclose(parse(f"recall@{k}").per_query(ranked), recall(hit, relevant))
    np.testing.assert_allclose(parse(f"ndcg@{k}").per_query(ranked), ndcg(hit, relevant))


def test_measures_worked_out_by_hand() -> None:
    items = np.array([[4, 1, 0], [2, -1, -1]])
    held = csr_array(np.array([[1.0, 0, 0, 1, 0], [0, 0, 1, 0, 0]]))
    ranked = ranking(items, held, np.array([0, 1]))
    for name, wanted in (("hit@3", [1, 1]), ("hit@2", [0, 1]), ("mrr@3", [1 / 3, 1]), ("map@3", [1 / 3 / 2, 1])):
        np.testing.assert_allclose(parse(name).per_query(ranked), wanted, err_msg=name)
    np.testing.assert_allclose(parse("recall@3").per_query(ranked), [0.5, 1])


def test_coverage_and_gini_by_hand() -> None:
    assert coverage(np.array([[0, 1], [1, -1]]), 4) == 0.5
    assert gini(np.array([[0, 1], [2, 3]]), 4) == 0.0
    assert gini(np.array([[0], [0], [0]]), 4) == pytest.approx(0.75)
    assert np.isnan(gini(np.array([[-1]]), 4))
    count = np.array([1, 5, 2, 0, 7])
    apart = np.abs(count[:, None] - count).sum() / (2 * len(count) ** 2 * count.mean())
    assert gini(np.repeat(np.arange(5), count)[None], 5) == pytest.approx(apart)


@pytest.mark.parametrize("block", [1, 4, 100])
def test_places_count_the_items_left_below(block: int) -> None:
    user, item = np.nonzero(SEEN.toarray())
    order = RNG.permutation(len(user))
    user, item = user[order], item[order]
    extra = np.array([[1, int(np.flatnonzero(SEEN.toarray()[1] == 0)[0])]])  # a row that the model never saw
    user, item = np.append(user, extra[:, 0]), np.append(item, extra[:, 1])
    found = places(Told(RELEVANCE), SEEN, user, item, block=block)
    for u, i, place in zip(user, item, found, strict=True):
        others = [j for j in range(14) if SEEN[u, j] == 0 and j != i]
        below = sum(RELEVANCE[u, j] < RELEVANCE[u, i] for j in others)
        ties = sum(RELEVANCE[u, j] == RELEVANCE[u, i] for j in others)
        assert place == pytest.approx((below + ties / 2 + 0.5) / (len(others) + 1))


def test_places_of_a_large_catalogue_are_near_the_exact_ones() -> None:
    rng = np.random.default_rng(0)
    relevance = rng.normal(size=(3, 20_000)).astype(np.float32)
    seen = csr_array((np.ones(3), ([0, 1, 2], [5, 6, 7])), shape=(3, 20_000))
    found = places(Told(relevance), seen, np.arange(3), np.array([5, 6, 7]))
    exact = [(relevance[u] < relevance[u, i]).mean() for u, i in enumerate((5, 6, 7))]
    np.testing.assert_allclose(found, exact, atol=0.03)


def test_truncated_loss_drops_the_largest_and_ramps_up() -> None:
    alpha, loss = parts.make("alphas", "t_ce", most=0.2, ramp=0.5), np.linspace(1, 2, 10)
    assert alpha.raw({"loss": loss}, 0.0).tolist() == [1] * 10
    assert alpha.raw({"loss": loss}, 0.25).tolist() == [1] * 9 + [0]
    assert alpha.raw({"loss": loss[::-1]}, 1.0).tolist() == [0, 0] + [1] * 8


def test_reweighted_loss_is_the_probability_to_a_power() -> None:
    p = np.array([0.9, 0.5, 0.01])
    raw = parts.make("alphas", "r_ce", power=0.5).raw({"loss": -np.log(p)}, 0.3)
    np.testing.assert_allclose(raw, np.sqrt(p))
