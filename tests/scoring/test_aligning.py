"""Who helps whom: gradients against references of all rows and of slices, beside a slow oracle."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from steelyard.acts import aligning
from steelyard.features.table import Table
from steelyard.values.slices import Category

N, WIDTH, CLASSES, FOLDS = 60, 30, 3, 3
RNG = np.random.default_rng(0)
X = sp.random(N, WIDTH, 0.3, format="csr", random_state=0, dtype=np.float64)
LABEL = RNG.integers(0, CLASSES, N)
LABEL[::11] = -1
RESIDUAL = RNG.standard_normal((N, CLASSES)) * (LABEL >= 0)[:, None]
FOLD = RNG.integers(0, FOLDS, N)
CODES = np.stack([RNG.integers(-1, 2, N), RNG.integers(0, 4, N)], axis=1).astype(np.int32)
TABLE = Table(lambda a, b: X[a:b], np.empty((N, 0), np.uint8), LABEL, np.arange(N), CLASSES, None)
GRADIENT = np.stack([np.outer(X[i].toarray()[0], RESIDUAL[i]).ravel() for i in range(N)])


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float(a @ b / np.sqrt((a @ a) * (b @ b)))


def peers(i: int, inside: np.ndarray) -> np.ndarray:
    """The other labelled rows of row i's fold that lie inside."""
    return np.flatnonzero(np.equal(FOLD, FOLD[i]) & (LABEL >= 0) & inside & (np.arange(N) != i))


@pytest.fixture(params=[7, 50_000], ids=["blocks of 7 rows", "one block"])
def found(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> dict[str, np.ndarray]:
    monkeypatch.setattr(aligning, "ROWS_AT_ONCE", request.param)
    return aligning.align(TABLE, RESIDUAL, FOLD, FOLDS, CODES)


def test_the_cosine_is_with_the_other_unseen_rows(found: dict[str, np.ndarray]) -> None:
    for i in np.flatnonzero(LABEL >= 0):
        others = GRADIENT[peers(i, np.ones(N, bool))].sum(0)
        assert found["alignment"][i] == pytest.approx(cosine(GRADIENT[i], others), abs=1e-5)
        assert found["gradient_norm"][i] == pytest.approx(np.linalg.norm(GRADIENT[i]))


def test_the_own_cosine_is_with_the_other_unseen_rows_of_the_slice(found: dict[str, np.ndarray]) -> None:
    for i in np.flatnonzero(LABEL >= 0):
        for c in range(2):
            same = peers(i, CODES[:, c] == CODES[i, c])
            if CODES[i, c] < 0 or not len(same):
                assert np.isnan(found["alignment_own"][i, c])
                continue
            expected = cosine(GRADIENT[i], GRADIENT[same].sum(0))
            assert found["alignment_own"][i, c] == pytest.approx(expected, abs=1e-5)


def test_the_rest_is_the_mean_cosine_of_all_rows_outside_with_the_slice(found: dict[str, np.ndarray]) -> None:
    assert len(found["slice_code"]) == 6
    for f in range(FOLDS):
        rows = np.flatnonzero(np.equal(FOLD, f) & (LABEL >= 0))
        for s, (c, v) in enumerate(zip(found["slice_column"], found["slice_code"], strict=True)):
            inside = CODES[rows, c] == v
            reference = GRADIENT[rows[inside]].sum(0)
            expected = np.mean([cosine(g, reference) for g in GRADIENT[rows[~inside]]])
            assert found["alignment_rest"][f, s] == pytest.approx(expected, abs=1e-5)


def test_rows_without_a_label_say_nothing(found: dict[str, np.ndarray]) -> None:
    for name in ("alignment", "gradient_norm", "alignment_own"):
        assert np.isnan(found[name][LABEL < 0]).all()


def test_the_smallest_slices_go_without_a_reference_when_memory_is_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aligning, "MOST_NUMBERS", (2 + 2) * WIDTH * CLASSES)
    found = aligning.align(TABLE, RESIDUAL, FOLD, FOLDS, CODES)
    known = CODES[LABEL >= 0]
    sizes = sorted(((known[:, c] == v).sum() for c in range(2) for v in range(4)), reverse=True)
    kept = [(known[:, c] == v).sum() for c, v in zip(found["slice_column"], found["slice_code"], strict=True)]
    assert kept == sizes[:2]
    assert np.isfinite(found["alignment"][LABEL >= 0]).all()


def test_the_interval_of_the_rest_is_students_over_the_folds(found: dict[str, np.ndarray]) -> None:
    columns = [Category("shop", CODES[:, 0], ("a", "b")), Category("kind", CODES[:, 1], tuple("wxyz"))]
    told = aligning.whole_slices(columns, found)
    assert set(told) == {("shop", 0), ("shop", 1), *(("kind", v) for v in range(4))}
    for s, (c, v) in enumerate(zip(found["slice_column"], found["slice_code"], strict=True)):
        values = found["alignment_rest"][:, s]
        mean, low, high = told[columns[c].name, int(v)]
        assert mean == pytest.approx(values.mean())
        assert high - mean == pytest.approx(mean - low)
        assert high - mean == pytest.approx(4.302653 * values.std(ddof=1) / np.sqrt(3), rel=1e-5)
