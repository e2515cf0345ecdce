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


def test_slices_weigh_each_cosine_by_its_gradients_length(found: dict[str, np.ndarray]) -> None:
    length = np.linalg.norm(GRADIENT, axis=1)
    assert len(found["slice_code"]) == 6
    for f in range(FOLDS):
        rows = np.flatnonzero(np.equal(FOLD, f) & (LABEL >= 0))
        for s, (c, v) in enumerate(zip(found["slice_column"], found["slice_code"], strict=True)):
            inside = rows[CODES[rows, c] == v]
            outside = rows[CODES[rows, c] != v]
            reference = GRADIENT[inside].sum(0)
            rest = sum(length[i] * cosine(GRADIENT[i], reference) for i in outside) / length[outside].sum()
            assert found["slice_rest"][f, s] == pytest.approx(rest, abs=1e-5)
            if len(inside) < 2:
                assert np.isnan(found["slice_own"][f, s])
                continue
            own = sum(length[i] * cosine(GRADIENT[i], reference - GRADIENT[i]) for i in inside) / length[inside].sum()
            assert found["slice_own"][f, s] == pytest.approx(own, abs=1e-5)


def test_rows_without_a_label_say_nothing(found: dict[str, np.ndarray]) -> None:
    for name in ("alignment", "gradient_norm", "alignment_own"):
        assert np.isnan(found[name][LABEL < 0]).all()


@pytest.mark.parametrize("together", [1, 2])
def test_references_that_do_not_fit_together_are_summed_in_turn(
    found: dict[str, np.ndarray], monkeypatch: pytest.MonkeyPatch, together: int
) -> None:
    monkeypatch.setattr(aligning, "MOST_NUMBERS", together * WIDTH * CLASSES)
    again = aligning.align(TABLE, RESIDUAL, FOLD, FOLDS, CODES)
    for name, values in found.items():
        np.testing.assert_allclose(again[name], values, atol=1e-6, err_msg=name)


def test_the_smallest_slices_go_without_a_reference_when_passes_run_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aligning, "MOST_NUMBERS", WIDTH * CLASSES)
    monkeypatch.setattr(aligning, "MOST_PASSES", 2)
    found = aligning.align(TABLE, RESIDUAL, FOLD, FOLDS, CODES)
    known = CODES[LABEL >= 0]
    sizes = sorted(((known[:, c] == v).sum() for c in range(2) for v in range(4)), reverse=True)
    kept = [(known[:, c] == v).sum() for c, v in zip(found["slice_column"], found["slice_code"], strict=True)]
    assert kept == sizes[:2]
    assert np.isfinite(found["alignment"][LABEL >= 0]).all()


def test_without_room_for_one_reference_nothing_is_told_of_cosines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aligning, "MOST_NUMBERS", WIDTH * CLASSES - 1)
    found = aligning.align(TABLE, RESIDUAL, FOLD, FOLDS, CODES)
    assert np.isnan(found["alignment"]).all()
    assert found["slice_own"].shape == (FOLDS, 0)
    assert np.isfinite(found["gradient_norm"][LABEL >= 0]).all()


@pytest.mark.parametrize("whose", ["own", "rest"])
def test_the_interval_of_a_slice_is_students_over_the_folds(found: dict[str, np.ndarray], whose: str) -> None:
    columns = [Category("shop", CODES[:, 0], ("a", "b")), Category("kind", CODES[:, 1], tuple("wxyz"))]
    told = aligning.whole_slices(columns, found)[whose]
    for s, (c, v) in enumerate(zip(found["slice_column"], found["slice_code"], strict=True)):
        values = found[f"slice_{whose}"][:, s]
        if np.isfinite(values).all():
            mean, low, high = told[columns[c].name, int(v)]
            assert mean == pytest.approx(values.mean())
            assert high - mean == pytest.approx(mean - low)
            assert high - mean == pytest.approx(4.302653 * values.std(ddof=1) / np.sqrt(3), rel=1e-5)


def test_columns_that_mean_nothing_are_rarely_sure() -> None:
    """Of slices drawn by dice, about one in twenty lies off the others by its interval, not four in ten."""
    rng = np.random.default_rng(1)
    n = 3000
    x = sp.random(n, 200, 0.05, format="csr", random_state=1, dtype=np.float64)
    truth = np.asarray(x @ rng.standard_normal(200))
    residual = (np.tanh(truth) * 0.2 + rng.standard_normal(n))[:, None] * np.array([[1.0, -1.0]])
    table = Table(lambda a, b: x[a:b], np.empty((n, 0), np.uint8), np.zeros(n, np.int64), np.arange(n), 2, None)
    codes = np.stack([rng.integers(0, 6, n) for _ in range(20)], axis=1).astype(np.int32)
    columns = [Category(str(c), codes[:, c], tuple("abcdef")) for c in range(20)]
    found = aligning.whole_slices(columns, aligning.align(table, residual, rng.integers(0, 5, n), 5, codes))["own"]
    common = np.mean([mean for mean, _, _ in found.values()])
    missed = np.mean([not low <= common <= high for _, low, high in found.values()])
    assert len(found) == 120
    assert missed < 0.12
