"""Every estimator and policy, found by file: contract, polarity, row order, rows without a label."""

import numpy as np
import pytest

from steelyard import parts
from steelyard.acts import estimating, scoring
from steelyard.features.table import Table
from steelyard.values.readings import Readings
from steelyard.values.signals import KNOWN, Signals

N, C = 120, 3


@pytest.fixture(scope="module")
def signals() -> Signals:
    rng = np.random.default_rng(1)
    truth = rng.integers(0, C, N)
    given = truth.copy()
    given[:12] = (given[:12] + 1) % C
    given[-3:] = -1
    p = np.full((N, C), 0.1)
    p[np.arange(N), truth] = 0.8
    p += 0.02 * rng.random((N, C))
    p /= p.sum(1, keepdims=True)
    table = Table(None, np.zeros((N, 0)), given, np.arange(N), C, np.array([0, 0.5, 1]))
    columns = {
        "fold": np.arange(N) % 5, "probability": p, "repaired": p, "posterior": p,
        "learned": (rng.random((N, 4)) < 0.5).astype(np.int8), "gradient_norm": rng.random(N),
        "alignment": rng.random(N) - 0.5,
        "confidently_wrong": given != truth, "agreeing": rng.integers(0, 3, N).astype(np.int32),
        "contradicting": rng.integers(0, 3, N).astype(np.int32),
    }  # fmt: skip
    return scoring.as_signals(np.array([f"k{i}" for i in range(N)], object), table, columns)


@pytest.fixture(scope="module")
def readings(signals: Signals) -> Readings:
    found = estimating.read_out(signals, parts.of_samples("estimators"))
    return found.with_columns(basis=np.linspace(0, 2, N))


@pytest.mark.parametrize("name", list(parts.of_samples("estimators")))
def test_estimator_keeps_its_contract(name: str, signals: Signals) -> None:
    estimator = parts.make("estimators", name)
    assert set(estimator.needs) <= set(KNOWN)
    value = estimator.estimate(signals)
    assert value.shape == (N,)
    known = signals["given"] >= 0
    assert np.isfinite(value[known]).all()
    if estimator.reading == "suspicion":
        assert value[known].min() >= 0
        assert value[known].max() <= 1


@pytest.mark.parametrize("name", list(parts.of_samples("estimators")))
def test_estimator_commutes_with_row_order(name: str, signals: Signals) -> None:
    order = np.random.default_rng(0).permutation(N)
    estimator = parts.make("estimators", name)
    np.testing.assert_allclose(estimator.estimate(signals)[order], estimator.estimate(signals.take(order)), rtol=1e-9)


@pytest.mark.parametrize("name", ["out_of_fold_loss", "confident_margin", "repaired", "evidence"])
def test_suspicion_is_higher_for_wrong_labels(name: str, signals: Signals) -> None:
    value = parts.make("estimators", name).estimate(signals)
    assert np.nanmin(value[:12]) > np.nanmedian(value[12:])


@pytest.mark.parametrize("name", list(parts.of_samples("policies")))
def test_policy_keeps_its_contract(name: str, readings: Readings) -> None:
    weights = parts.make("policies", name).weigh(readings)
    assert weights.weight.shape == (N,)
    assert np.isfinite(weights.weight).all()
    assert weights.weight.min() >= 0
    assert weights.weight.mean() == pytest.approx(1.0)
    assert 0 < weights.effective_size <= N + 1e-9
    if weights.target is not None:
        known = readings["given"] >= 0
        np.testing.assert_allclose(weights.target[known].sum(1), 1, rtol=1e-6)


def test_uniform_is_ones_bit_for_bit(readings: Readings) -> None:
    assert np.array_equal(parts.make("policies", "uniform").weigh(readings).weight, np.ones(N))


def test_shuffled_has_the_same_histogram(readings: Readings) -> None:
    weight = parts.make("policies", "shuffled", seed=3).weigh(readings).weight
    np.testing.assert_allclose(np.sort(weight), np.sort(readings["basis"] / readings["basis"].mean()))
    assert not np.array_equal(weight, readings["basis"])


def test_a_weight_shrinks_to_one_by_its_standard_error(readings: Readings) -> None:
    plain, shrunk = parts.make("policies", "gate", shrink=False), parts.make("policies", "gate")
    sure = readings.with_columns(p_wrong_se=np.zeros(N))
    np.testing.assert_allclose(plain.raw(sure), shrunk.raw(sure), rtol=1e-12)
    wrong = np.where(np.arange(N) < 60, 0.05, 0.7)
    se = np.zeros(N)
    se[-30:] = np.linspace(0.01, 0.3, 30)
    doubtful = readings.with_columns(p_wrong=wrong, p_wrong_se=se)
    raw, drawn = plain.raw(doubtful), shrunk.raw(doubtful)
    np.testing.assert_allclose(drawn[:-30], raw[:-30], rtol=1e-12)
    assert (np.diff(drawn[-30:]) > 0).all()
    assert (raw[-30:] < drawn[-30:]).all()
    assert (drawn[-30:] < 1).all()
    slope = 0.95 * (raw[-1] - 0.05) / 0.95 * (1 - (raw[-1] - 0.05) / 0.95) / 0.1
    spread = raw.var() - np.square(slope * se).mean()
    assert drawn[-1] == pytest.approx(1 + spread / (spread + (slope * 0.3) ** 2) * (raw[-1] - 1))


def test_gate_lowers_planted_errors(readings: Readings) -> None:
    weight = parts.make("policies", "gate").weigh(readings).weight
    assert weight[:12].max() < np.median(weight[12:])


def soft(chances: list[float], given: list[int], **options: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the posteriors of rows of two labels with these chances of error, and the targets made of them."""
    wrong, label = np.array(chances), np.array(given)
    p = np.nan_to_num(wrong, nan=0.4)
    posterior = np.where(np.arange(2) == np.maximum(label, 0)[:, None], 1 - p[:, None], p[:, None])
    readings = Readings(np.arange(len(label)).astype(str), {"posterior": posterior, "given": label, "p_wrong": wrong})
    before = posterior.copy()
    target = parts.make("policies", "soft_label", **options).weigh(readings).target
    np.testing.assert_array_equal(posterior, before)
    return posterior, target


def test_labels_hardly_in_doubt_stay_as_given() -> None:
    below = np.nextafter(0.25, 0)
    posterior, target = soft([0.0, 0.1, below, 0.25, 0.6, 1.0], [0, 1, 0, 1, 0, 1])
    np.testing.assert_array_equal(target[:3], [[1, 0], [0, 1], [1, 0]])
    np.testing.assert_array_equal(target[3:], posterior[3:])


def test_labels_in_doubt_are_blended_with_the_given_one() -> None:
    posterior, target = soft([0.1, 0.3, 0.6], [0, 1, 0], trust=0.5)
    np.testing.assert_array_equal(target[0], [1, 0])
    np.testing.assert_allclose(target[1:], 0.5 * posterior[1:] + 0.5 * np.array([[0, 1], [1, 0]]), rtol=1e-12)


def test_without_a_limit_every_label_is_softened() -> None:
    posterior, target = soft([0.0, 0.1, 0.3, 0.9], [0, 1, 0, 1], least=0.0)
    np.testing.assert_array_equal(target, posterior)


def test_a_chance_that_nobody_knows_softens_no_label() -> None:
    posterior, target = soft([np.nan, np.nan, 0.3], [1, -1, 0])
    np.testing.assert_array_equal(target[0], [0, 1])
    np.testing.assert_array_equal(target[1:], posterior[1:])


def test_soft_labels_move_planted_errors_and_nothing_else(readings: Readings) -> None:
    target, given = parts.make("policies", "soft_label").weigh(readings).target, readings["given"]
    assert target is not None
    np.testing.assert_array_equal(target[12:-3], np.eye(C)[given[12:-3]])
    np.testing.assert_array_equal(target[:12], readings["posterior"][:12])
    np.testing.assert_array_equal(target[-3:], readings["posterior"][-3:])
    assert (target[:12].argmax(1) != given[:12]).all()


def test_flags_are_capped_by_the_expected_number_of_errors(readings: Readings) -> None:
    expected = np.nansum(readings["p_wrong"])
    assert 0 < readings["flagged"].sum() <= round(expected)


def test_readings_read_what_they_wrote(readings: Readings, tmp_path) -> None:
    readings.write(tmp_path / "r.parquet")
    again = Readings.read(tmp_path / "r.parquet")
    assert list(again) == list(readings)
    for name in readings:
        np.testing.assert_array_equal(again[name], readings[name])


def test_forgetting_counts_steps_from_right_to_wrong() -> None:
    learned = np.array([[1, 0, 1, 0], [1, 1, 1, 1], [0, 0, 0, 0], [0, 1, 1, 0], [1, 1, 1, 0]], np.int8)
    signals = Signals(np.arange(5).astype(str), {"given": np.array([0, 0, 0, 0, -1]), "learned": learned})
    value = parts.make("estimators", "forgetting").estimate(signals)
    np.testing.assert_array_equal(value, [1.0, 0.0, 1.0, 0.5, np.nan])


def test_reducible_loss_by_hand() -> None:
    rows = {"given": np.array([0, 1, -1, 0]), "loss_seen": np.array([0.5, 0.1, 1.0, np.nan]),
            "loss_unseen": np.array([0.2, 3.0, 1.0, 1.0])}  # fmt: skip
    value = parts.make("estimators", "reducible_loss").estimate(Signals(np.array(list("abcd"), object), rows))
    np.testing.assert_allclose(value, [0.3, -2.9, np.nan, np.nan])
