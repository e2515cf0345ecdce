"""Weights inside the step: every alpha's contract, the stabilisers one by one, the ledger by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from steelyard import parts
from steelyard.acts.batching import plan
from steelyard.acts.finetuning import Reference, disjoint
from steelyard.acts.ledger import KNOWN, Ledger
from steelyard.acts.weighing import HIGH, LEAST, LOW, STEP, Stages, Weighing, over_spread, ranks, tame
from steelyard.errors import DataError
from steelyard.values.weights import effective_sample_size

N = 40
ROWS = np.arange(N)


def seen(seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {name: rng.normal(size=N) if name.startswith("dot") or name == "margin" else rng.random(N) for name in STEP}


@pytest.mark.parametrize("name", parts.names("alphas"))
def test_alpha_keeps_its_contract(name: str) -> None:
    alpha = parts.make("alphas", name)
    assert set(alpha.needs) <= {*STEP, *KNOWN}
    assert alpha.reference == any(n.startswith("dot") for n in alpha.needs)
    columns = seen() | {"aum": seen()["margin"], "aum_all": seen(1)["margin"]}
    raw = alpha.raw(
        {n: v for n, v in columns.items() if n.removesuffix("_all") in alpha.needs} or {"loss": columns["loss"]}, 0.5
    )
    assert raw.shape == (N,)
    assert np.isfinite(raw).all()
    assert raw.min() >= 0


@pytest.mark.parametrize("name", [n for n in parts.names("alphas") if n not in ("uniform", "importance_sampling")])
def test_weights_are_safe_after_any_alpha(name: str) -> None:
    alpha = parts.make("alphas", name)
    weighing = Weighing(N, alpha, stages=Stages(0.1, 0.9))
    weighing.epoch({"aum": seen()["margin"]})
    told = {n: v for n, v in seen().items() if n in weighing.needs(0.5)}
    assert weighing.weigh(ROWS, told, 0.05) is None  # warm-up
    weight = weighing.weigh(ROWS, told, 0.5)
    assert weight.mean() == pytest.approx(1.0)
    assert weight.min() > 0
    assert effective_sample_size(weight) >= LEAST * N - 1e-9
    assert weight.std() > 0.05
    assert weighing.needs(0.95) == ()
    np.testing.assert_allclose(weighing.weigh(ROWS, {}, 0.95), weight, atol=1e-3)  # frozen, but for the floor


def test_alignment_raises_what_helps_and_lowers_what_harms() -> None:
    weighing = Weighing(N, parts.make("alphas", "alignment"), stages=Stages(0.0, 1.1))
    told = {"dot_adam": np.linspace(-1, 1, N)}
    weight = weighing.weigh(ROWS, told, 0.5)
    assert np.all(np.diff(weight) >= 0)
    assert weight[0] < 0.8 < 1.2 < weight[-1]


def test_l2rw_is_the_positive_part() -> None:
    raw = parts.make("alphas", "l2rw").raw({"dot": np.array([-1.0, 0.0, 2.0])}, 0.5)
    np.testing.assert_array_equal(raw, [0, 0, 2])


def test_importance_sampling_is_unbiased() -> None:
    alpha = parts.make("alphas", "importance_sampling")
    bound, g = seen()["el2n"], seen()["margin"]
    draws = np.array([alpha.raw({"el2n": bound}, i / 4000) for i in range(4000)])
    assert (draws == 0).mean() > 0.5
    standard = draws.std(0) / np.sqrt(4000)
    assert np.all(np.abs(draws.mean(0) - 1) < 5 * standard)
    assert abs((draws * g).mean(1).mean() - g.mean()) < 5 * (draws * g).mean(1).std() / np.sqrt(4000)


def test_gate_lowers_rows_of_negative_margin_and_at_most_the_share_asked() -> None:
    aum = np.r_[np.full(4, -3.0), np.linspace(1.5, 3, 36)]
    weighing = Weighing(N, parts.make("alphas", "gate"), stages=Stages(0.0, 1.1))
    assert np.array_equal(weighing.weigh(ROWS, {}, 0.1), np.ones(N))  # no epoch has ended
    weighing.epoch({"aum": aum})
    weight = weighing.weigh(ROWS, {}, 0.5)
    assert weight[:4].max() < 0.1 < 0.9 < weight[4:].min()
    weighing.epoch({"aum": aum - 10})
    assert (weighing.weigh(ROWS, {}, 0.5) < 0.5).sum() <= 0.3 * N


def test_shuffled_weights_have_the_same_histogram_on_other_rows() -> None:
    plain, mixed = (
        Weighing(N, parts.make("alphas", "alignment"), stages=Stages(0.0, 1.1), shuffled=s) for s in (False, True)
    )
    told = {"dot_adam": seen()["dot_adam"]}
    a, b = plain.weigh(ROWS, told, 0.5), mixed.weigh(ROWS, told, 0.5)
    np.testing.assert_array_equal(np.sort(a), np.sort(b))
    assert abs(np.corrcoef(a, b)[0, 1]) < 0.5


def test_shuffled_importance_sampling_gives_its_weights_to_other_rows() -> None:
    alpha, rows = parts.make("alphas", "importance_sampling"), np.arange(64)
    el2n = {"el2n": np.linspace(0.01, 1, 64)}
    own, other = (Weighing(64, alpha, shuffled=shuffled).weigh(rows, el2n, 0.5) for shuffled in (False, True))
    assert sorted(own) == sorted(other)
    assert not np.array_equal(own, other)


def test_a_moving_average_belongs_to_the_row_not_to_the_place() -> None:
    weighing = Weighing(N, parts.make("alphas", "alignment"), stages=Stages(0.0, 1.1))
    told, order = {"dot_adam": seen()["dot_adam"]}, np.random.default_rng(1).permutation(N)
    first = weighing.weigh(ROWS, told, 0.2)
    again = weighing.weigh(ROWS[order], {"dot_adam": told["dot_adam"][order]}, 0.4)
    np.testing.assert_allclose(again, first[order])


@given(arrays(float, st.integers(1, 60), elements=st.floats(0, 1e6)))
def test_tame_weights_any(raw: np.ndarray) -> None:
    weight = tame(raw)
    assert np.isfinite(weight).all()
    assert weight.mean() == pytest.approx(1.0)
    assert weight.min() >= 0
    assert effective_sample_size(weight) >= LEAST * len(raw) * (1 - 1e-9)
    assert weight.max() <= HIGH / LOW


def test_tame_by_hand() -> None:
    np.testing.assert_array_equal(tame(np.zeros(3)), np.ones(3))
    np.testing.assert_allclose(tame(np.array([1.0, np.nan, 1.0])), np.ones(3))
    np.testing.assert_allclose(tame(np.array([0.5, 1.5])), [0.5, 1.5])
    one = tame(np.r_[100.0, np.zeros(9)])
    assert effective_sample_size(one) == pytest.approx(LEAST * 10)


def test_scales() -> None:
    np.testing.assert_allclose(ranks(np.array([3.0, 1.0, 1.0])), [1, -0.5, -0.5])
    np.testing.assert_allclose(over_spread(np.array([-2.0, 1.0, 1.0, 1e9])), [-2 / 1.5, 1 / 1.5, 1 / 1.5, 1e9 / 1.5])
    assert np.array_equal(over_spread(np.zeros(3)), np.zeros(3))


def visit(ledger: Ledger, epoch: int, loss, margin, confidence, right, **more) -> None:
    facts = {"loss": loss, "margin": margin, "confidence": confidence, "right": right, "el2n": loss, **more}
    ledger.add(np.arange(2), epoch, {k: np.array(v, float) for k, v in facts.items()}, None, 0.1)


def test_ledger_by_hand() -> None:
    ledger = Ledger(3, 3)
    visit(ledger, 0, [1.0, 2.0], [1.0, -1.0], [0.8, 0.2], [1, 0])
    visit(ledger, 1, [3.0, 2.0], [-1.0, -3.0], [0.4, 0.2], [0, 0], dot_adam=[5.0, -5.0], norm=[2.0, 4.0])
    visit(ledger, 2, [1.0, 2.0], [3.0, -2.0], [0.9, 0.2], [1, 0])
    c = ledger.columns()
    assert set(KNOWN) <= set(c)
    np.testing.assert_allclose(c["aum"], [1.0, -2.0, np.nan])
    np.testing.assert_allclose(c["forgetting"], [1, 0, np.nan])
    np.testing.assert_allclose(c["never_learned"], [0, 1, np.nan])
    np.testing.assert_allclose(c["confidence"], [0.7, 0.2, np.nan])
    np.testing.assert_allclose(c["variability"][:2], [np.std([0.8, 0.4, 0.9]), 0], atol=1e-9)
    np.testing.assert_allclose(c["loss_ema"][0], (0.081 * 1 + 0.09 * 3 + 0.1 * 1) / 0.271)
    np.testing.assert_allclose(c["benefit"], [0.5, -0.5, 0])
    np.testing.assert_allclose(c["norm"], [2, 4, np.nan])
    assert c["learned"].tolist() == [[1, 0, 1], [0, 0, 0], [0, 0, 0]]
    again = Ledger(3, 3)
    again.resume(ledger.state())
    for name, column in c.items():
        np.testing.assert_array_equal(again.columns()[name], column)


def test_reference_rows_that_training_sees_are_taken_out() -> None:
    group = np.array([0, 0, 1, 1, 2])
    np.testing.assert_array_equal(disjoint(np.array([1, 2, 4]), np.array([0]), group), [2, 4])
    with pytest.raises(DataError, match="T102"):
        disjoint(np.array([1]), np.array([0]), group)
    looks = [Reference(np.arange(10), 4, 8).at(8 * i).tolist() for i in range(3)]
    assert looks == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 0, 1]]


def test_batches_hold_every_row_once_an_epoch_and_like_lengths() -> None:
    length = np.random.default_rng(0).integers(1, 100, 500)
    rows = np.arange(0, 500, 2)
    batches = plan(rows, length, None, 2, 16, 3)
    for epoch in (0, 1):
        found = np.concatenate([b for b, e in zip(batches.steps, batches.epoch, strict=True) if e == epoch])
        np.testing.assert_array_equal(np.sort(found), rows)
    spread = np.mean([np.ptp(length[b]) for b in batches.steps])
    assert spread < 15
    assert not np.array_equal(batches.steps[0], plan(rows, length, None, 2, 16, 4).steps[0])
    for a, b in zip(batches.steps, plan(rows, length, None, 2, 16, 3).steps, strict=True):
        np.testing.assert_array_equal(a, b)
