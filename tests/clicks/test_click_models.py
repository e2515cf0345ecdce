"""Click models: fields are the same tomorrow, the machine is its formula, pairs that lines cannot say are learned."""

import numpy as np
import pyarrow as pa
import pytest

from steelyard.errors import EnvironmentProblem
from steelyard.features.fields import fields
from steelyard.parts.models import deepfm
from steelyard.parts.models.deepfm import DeepFm
from steelyard.parts.models.fm import Fitted, Fm, rows_of
from steelyard.values.fields import Fields

RNG = np.random.default_rng(0)
TABLE = pa.table({
    "site": ["a", "b", None, "a", "", "9"],
    "price": [0.0, 1.0, 2.0, None, 250.0, -3.0],
    "clicks": [0, 1, 1, 3, 250, 9],
})  # fmt: skip


def test_a_category_is_the_same_in_any_table():
    every = fields(TABLE, ["site", "price", "clicks"])
    some = fields(TABLE.take([3, 0, 4]), ["site", "price", "clicks"])
    assert (every.code[[3, 0, 4]] == some.code).all()
    assert (fields(TABLE, ["price"]).code[:, 0] == every.code[:, 1]).all()


def test_equal_values_are_one_category_and_other_fields_other_ones():
    code = fields(TABLE, ["site", "price", "clicks"]).code
    assert code[0, 0] == code[3, 0] != code[1, 0]
    assert code[2, 0] == code[4, 0], "missing text is empty text"
    assert len(set(code[:, 1])) == 6, "0, 1, 2, missing, large and negative stay apart"
    assert not set(code[:, 1]) & set(code[:, 2])


def test_numbers_close_on_the_scale_fall_together():
    near = fields(pa.table({"x": [10_000.0, 10_001.0, 0.5, 20_000_000.0]}), ["x"]).code[:, 0]
    assert near[0] == near[1]
    assert len(set(near)) == 3


def test_no_rows_and_no_dictionary_are_fields_too():
    assert fields(TABLE.slice(0, 0), ["site", "price"]).code.shape == (0, 2)


def test_sparse_rows_have_length_one():
    x = fields(TABLE, ["site", "price"]).sparse()
    np.testing.assert_allclose(np.sqrt(x.multiply(x).sum(axis=1)), 1, rtol=1e-6)


def test_the_machine_is_the_sum_over_pairs():
    x = RNG.normal(size=(5, 4)).astype(np.float32)
    w, v, b = RNG.normal(size=(4, 2)), RNG.normal(size=(4, 2 * 3)), RNG.normal(size=2)
    rows = rows_of(x)
    found, _ = Fitted(b, w, v).logits(rows, rows.multiply(rows).tocsr(), w, v)
    x = rows.toarray()
    for n in range(5):
        for c in range(2):
            own = v[:, 3 * c : 3 * c + 3]
            pairs = sum(own[i] @ own[j] * x[n, i] * x[n, j] for i in range(4) for j in range(i + 1, 4))
            np.testing.assert_allclose(found[n, c], b[c] + w[:, c] @ x[n] + pairs, rtol=1e-5)


def crossed(n: int, seed: int) -> tuple[Fields, np.ndarray]:
    """Return two fields of four categories whose click depends on the pair, and on neither field alone."""
    code = np.random.default_rng(seed).integers(0, 4, (n, 2))
    label = (code.sum(axis=1) % 2).astype(np.int64)
    return Fields(code + np.array([0, 4]), np.ones((n, 2), np.float32), 8, np.array(["a", "b"], dtype=object)), label


@pytest.mark.parametrize(
    "model", [Fm(epochs=20, scale=0.3, learning_rate=0.2), DeepFm(epochs=25, batch_size=64, learning_rate=0.01)]
)
def test_what_only_a_pair_of_fields_says_is_learned(model):
    if isinstance(model, DeepFm):
        pytest.importorskip("torch")
    seen, label = crossed(800, 1)
    new, truth = crossed(200, 2)
    assert (model.fit(seen, label, 2, seed=0).predict(new).argmax(axis=1) == truth).mean() > 0.95


def test_a_category_that_training_has_not_seen_says_next_to_nothing():
    pytest.importorskip("torch")
    seen, label = crossed(400, 1)
    label[:] = np.arange(400) % 2
    wide = Fields(seen.code, seen.value, 100, seen.names)
    unseen = Fields(np.array([[50, 60], [70, 80]]), np.ones((2, 2), np.float32), 100, seen.names)
    for model in (Fm(), DeepFm()):
        p = model.fit(wide, label, 2, seed=0).predict(unseen)
        np.testing.assert_allclose(p, 0.5, atol=0.05)
        np.testing.assert_allclose(p[0], p[1], atol=0.01)


def test_without_torch_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(deepfm, "find_spec", lambda name: None)
    with pytest.raises(EnvironmentProblem) as e:
        DeepFm().fit(*crossed(9, 0), 2)
    assert e.value.code == "E242"
