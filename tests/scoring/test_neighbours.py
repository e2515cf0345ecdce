"""Neighbours: nearly all of the true nearest rows are found, never of the own group, whatever the shape."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp

from steelyard import parts
from steelyard.acts.neighbouring import neighbour_labels
from steelyard.features import nearest as act
from steelyard.features.nearest import directions, nearest
from steelyard.features.table import Table
from steelyard.values.signals import Signals


def unit(x: np.ndarray) -> np.ndarray:
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)


def clustered(n: int, seed: int = 0, noise: float = 0.4) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return unit(rng.standard_normal((40, 16))[rng.integers(0, 40, n)] + noise * rng.standard_normal((n, 16)))


def found(vectors: np.ndarray, group: np.ndarray, rows: np.ndarray, k: int) -> np.ndarray:
    return np.concatenate([near for _, near in nearest(vectors, group, rows, k, seed=0)])


def brute(vectors: np.ndarray, group: np.ndarray, rows: np.ndarray, k: int) -> np.ndarray:
    alike = vectors @ vectors[rows].T
    alike[group[:, None] == group[rows][None]] = -np.inf
    return rows[np.argsort(-alike, axis=1, kind="stable")[:, :k]]


def test_nine_of_ten_true_neighbours_are_found_among_many_buckets() -> None:
    vectors, n, k = clustered(6000, noise=0.8), 6000, 10
    group, rows = np.arange(n) // 3, np.arange(0, n, 2)
    assert len(rows) > 4 * act.BUCKET
    got, true = found(vectors, group, rows, k), brute(vectors, group, rows, k)
    share = np.mean([len(set(a) & set(b)) / k for a, b in zip(got, true, strict=True)])
    assert share > 0.9
    assert not (group[got] == group[:, None]).any()
    assert (got % 2 == 0).all()
    assert all(len(set(row)) == k for row in got)


def test_few_rows_are_found_exactly_and_nearest_first() -> None:
    vectors = clustered(120)
    group, rows = np.arange(120), np.arange(120)
    assert np.array_equal(found(vectors, group, rows, 5), brute(vectors, group, rows, 5))


def test_all_rows_equal_stay_bounded() -> None:
    vectors = unit(np.ones((5000, 4)))
    got = found(vectors, np.arange(5000), np.arange(5000), 7)
    assert got.shape == (5000, 7)
    assert (got >= 0).all()


@pytest.mark.parametrize("n", [0, 1, 2, 3, 5])
@pytest.mark.parametrize("sparse", [False, True])
def test_tiny_tables(n: int, sparse: bool) -> None:
    x = np.eye(max(n, 1), 6, dtype=np.float32)[:n]
    text = (lambda a, b: sp.csr_matrix(x)[a:b]) if sparse else None
    table = Table(text, np.zeros((n, 0)) if sparse else x, np.arange(n) % 2, np.arange(n), 2, None)
    near = neighbour_labels(table, k=3)["neighbour_label"]
    assert near.shape == (n, 3)
    assert ((near >= 0).sum(1) == min(3, max(n - 1, 0))).all()


def test_equal_directions_for_sparse_and_dense_rows_of_one_subspace() -> None:
    """A truncated decomposition of rank-2 rows keeps every angle."""
    rng = np.random.default_rng(0)
    x = unit(rng.standard_normal((200, 2)) @ rng.standard_normal((2, 50)))
    kept = directions(sp.csr_matrix(x), 0)(sp.csr_matrix(x))
    np.testing.assert_allclose(kept @ kept.T, x @ x.T, atol=1e-3)


def test_unlabelled_rows_are_no_neighbours_but_have_some() -> None:
    x = clustered(60)
    label = np.where(np.arange(60) < 20, -1, np.arange(60) % 3)
    near = neighbour_labels(Table(None, x, label, np.arange(60), 3, None), k=4)["neighbour_label"]
    assert (near >= 0).all()


def test_labels_of_mute_rows_tell_nobody_anything() -> None:
    label = np.arange(60) % 3
    mute = np.arange(60) % 4 == 0
    table = Table(None, clustered(60), label, np.arange(60), 3, None)
    near = neighbour_labels(table.muted(mute), k=4)["neighbour_label"]
    other = replace(table, label=np.where(mute, (label + 1) % 3, label)).muted(mute)
    np.testing.assert_array_equal(near, neighbour_labels(other, k=4)["neighbour_label"])
    assert (near >= 0).all()
    assert not np.array_equal(near, neighbour_labels(table, k=4)["neighbour_label"])


def test_one_group_does_not_silence_all_neighbours() -> None:
    near = neighbour_labels(Table(None, clustered(30), np.zeros(30, int), np.zeros(30, int), 1, None), k=4)
    assert (near["neighbour_label"] == 0).all()


def test_planted_errors_disagree_with_their_neighbours() -> None:
    x = clustered(900, seed=3)
    truth = (x[:, 0] > 0).astype(int)
    given = truth.copy()
    given[:30] = 1 - given[:30]
    table = Table(None, x, given, np.arange(900), 2, None)
    columns = {"given": given, "distance": 1.0 - np.eye(2)[given], **neighbour_labels(table)}
    doubt = parts.make("estimators", "neighbours").estimate(Signals(np.arange(900).astype(str), columns))
    assert doubt[:30].mean() > 0.8
    assert doubt[30:].mean() < 0.2
