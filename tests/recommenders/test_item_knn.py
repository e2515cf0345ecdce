"""Item-kNN against the plain formula, a pair at a time."""

import numpy as np
import pytest

from steelyard.parts.recommenders.item_knn import ItemKnn
from steelyard.testing.recommenders import NEVER, table

ROWS = table()


def plain(x: np.ndarray, k: int, shrink: float, popular: float) -> np.ndarray:
    length = np.linalg.norm(x, axis=0)
    m = x.shape[1]
    near = np.zeros((m, m))
    for i in range(m):
        similar = {j: x[:, i] @ x[:, j] / (length[i] * length[j] ** popular + shrink) for j in range(m) if j != i}
        for j in sorted(similar, key=lambda j: (-similar[j], j))[:k]:
            near[j, i] = similar[j]
    return x @ near


@pytest.mark.parametrize("block", [7, 2048])
@pytest.mark.parametrize(("k", "shrink", "popular"), [(4, 0.0, 1.0), (9, 5.0, 0.6)])
def test_it_is_the_plain_formula_in_blocks(block, k, shrink, popular):
    weight = np.random.default_rng(5).random(len(ROWS)) + 0.1
    x = np.sqrt(ROWS.matrix(weight / weight.mean()).toarray())
    fitted = ItemKnn(k=k, shrink=shrink, popular=popular, block=block).fit(ROWS, weight)
    users = np.arange(NEVER)
    np.testing.assert_allclose(fitted.scores(users), plain(x, k, shrink, popular)[users], rtol=1e-5, atol=1e-6)
