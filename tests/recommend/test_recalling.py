import numpy as np
import pytest
from scipy.sparse import csr_array

from steelyard.acts.recalling import best, hits, ndcg, recall

RNG = np.random.default_rng(0)
RELEVANCE = RNG.integers(0, 9, (7, 12)).astype(float)
SEEN = csr_array((RNG.random((7, 12)) < 0.4).astype(float))
USERS = np.array([6, 0, 3, 2])


def scores(users):
    return RELEVANCE[users]


@pytest.mark.parametrize("block", [1, 3, 100])
def test_blocks_of_users_do_not_matter_and_seen_items_are_left_out(block):
    found = best(scores, SEEN, USERS, 5, block)
    for row, user in enumerate(USERS):
        unseen = [i for i in range(12) if SEEN[user, i] == 0]
        assert found[row].tolist() == sorted(unseen, key=lambda i: (-RELEVANCE[user, i], i))[:5]


def test_a_list_ends_where_the_items_end():
    seen = csr_array(np.array([[1.0, 0, 1]]))
    assert best(lambda users: np.zeros((1, 3)), seen, np.array([0]), 4).tolist() == [[1, -1, -1, -1]]


def test_measures_worked_out_by_hand():
    items = np.array([[2, 0, 1], [0, 1, -1], [1, 2, 0]])
    held = csr_array(np.array([[1.0, 0, 0, 1], [0, 0, 0, 0], [0, 1, 1, 0]]))
    users, relevant = np.arange(3), np.array([2, 0, 2])
    hit = hits(items, held, users)
    assert hit.tolist() == [[0, 1, 0], [0, 0, 0], [1, 1, 0]]
    np.testing.assert_allclose(recall(hit, relevant), [0.5, np.nan, 1])
    top = 1 + 1 / np.log2(3)
    np.testing.assert_allclose(ndcg(hit, relevant), [1 / np.log2(3) / top, np.nan, 1])


def test_a_long_catalogue_with_many_ties_is_ranked_like_a_full_sort():
    rng = np.random.default_rng(1)
    relevance = np.round(rng.normal(size=(20, 700)), 1) * (rng.random((20, 700)) < np.linspace(0, 1, 20)[:, None])
    seen = csr_array((rng.random((20, 700)) < 0.1).astype(float))
    users = np.arange(20)
    masked = np.where(seen.toarray() > 0, -np.inf, relevance)
    expected = np.argsort(-masked, axis=1, kind="stable")[:, :15]
    np.testing.assert_array_equal(best(lambda u: relevance[u], seen, users, 15), expected)
