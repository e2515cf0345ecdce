"""Item-kNN against the plain formula, a pair at a time."""

import numpy as np
import pytest

from steelyard.parts.recommenders.item_knn import ItemKnn
from steelyard.testing.recommenders import NEVER, table

ROWS = table()


def plain(x: np.ndarray, k: int, shrink: float, target: float, popular: float, active: float) -> np.ndarray:
    y = x * np.maximum((x**2).sum(axis=1), 1e-12)[:, None] ** -active
    length, users = np.linalg.norm(y, axis=0), (y[y > 0] ** 2).mean()
    m = x.shape[1]
    near = np.zeros((m, m))
    for i in range(m):
        below = length[i] ** target * length**popular + shrink * users
        similar = {j: y[:, i] @ y[:, j] / below[j] for j in range(m) if j != i}
        for j in sorted(similar, key=lambda j: (-similar[j], j))[:k]:
            near[j, i] = similar[j]
    return x @ near


@pytest.mark.parametrize("block", [7, 2048])
@pytest.mark.parametrize(
    "options",
    [
        {"k": 4, "shrink": 0.0, "target": 1.0, "popular": 1.0, "active": 0.0},
        {"k": 9, "shrink": 5.0, "target": 0.9, "popular": 0.6, "active": 0.5},
    ],
)
def test_it_is_the_plain_formula_in_blocks(block, options):
    weight = np.random.default_rng(5).random(len(ROWS)) + 0.1
    x = np.sqrt(ROWS.matrix(weight / weight.mean()).toarray())
    fitted = ItemKnn(**options, block=block).fit(ROWS, weight)
    users = np.arange(NEVER)
    np.testing.assert_allclose(fitted.scores(users), plain(x, **options)[users], rtol=1e-4, atol=1e-6)
