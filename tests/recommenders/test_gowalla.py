"""Published figures that take seconds: Gowalla in the split of LightGCN. Others stand in benchmarks/recommend.py."""

import os
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from steelyard import parts
from steelyard.acts.recalling import best, hits, ndcg, recall
from steelyard.values.interactions import Interactions


@pytest.fixture(scope="module")
def gowalla() -> Interactions:
    root = Path(os.environ.get("STEELYARD_DATA") or Path(__file__).parents[3] / "shared" / "data")
    path = root / "gowalla_lightgcn" / "interactions.parquet"
    if not path.is_file():
        pytest.skip("real data is not here: set STEELYARD_DATA")
    found = pq.read_table(path)
    user, item = (found[c].to_numpy().astype(np.int64) for c in ("user_id", "item_id"))
    n = len(user)
    return Interactions(
        row_key=np.arange(n).astype(str).astype(object),
        user=user,
        item=item,
        value=np.ones(n),
        user_ids=np.arange(user.max() + 1).astype(str).astype(object),
        item_ids=np.arange(item.max() + 1).astype(str).astype(object),
        split=np.array(found["split"].to_pylist(), dtype=object),
    )


@pytest.mark.real
@pytest.mark.slow
def test_popularity_has_its_published_figures(gowalla: Interactions) -> None:
    """Recall@20 .0416 and nDCG@20 .0317 (Open-CF-Benchmarks): the data, the ranking and the measures are theirs."""
    train, test = gowalla.take(gowalla.split == "train"), gowalla.take(gowalla.split == "test")
    held, users = test.matrix(), np.unique(test.user)
    fitted = parts.make("recommenders", "popularity").fit(train)
    hit = hits(best(fitted.scores, train.matrix(), users, 20), held, users)
    relevant = np.diff(held.indptr)[users]
    np.testing.assert_allclose(recall(hit, relevant).mean(), 0.0416, atol=5e-5)
    np.testing.assert_allclose(ndcg(hit, relevant).mean(), 0.0317, atol=5e-5)
