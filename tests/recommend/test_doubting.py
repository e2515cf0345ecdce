"""What is said of interactions: out of fold, by user and item; planted mis-clicks are doubted."""

from dataclasses import replace

import numpy as np
import pytest

from steelyard import parts, recommendation
from steelyard.acts import doubting, taking
from steelyard.values.interactions import Interactions
from steelyard.values.readings import Readings

from .shop import shop


def signals(rows: Interactions, model: str = "item_knn", **options):
    return doubting.as_signals(rows, doubting.measure(rows, parts.make("recommenders", model), **options))


def doubt(rows: Interactions, name: str):
    return recommendation.estimators()[name].estimate(signals(rows))


@pytest.fixture(scope="module")
def rows() -> Interactions:
    return shop()


def test_every_user_is_dealt_over_the_folds(rows: Interactions) -> None:
    fold = doubting.folds(rows, 4, 0)
    for user in range(rows.n_users):
        count = np.bincount(fold[rows.user == user], minlength=4)
        assert count.max() - count.min() <= 1
    assert np.bincount(fold).min() > 0.8 * len(rows) / 4


def test_users_of_one_row_are_dealt_over_all_folds(rows: Interactions) -> None:
    once = rows.take(np.unique(rows.user, return_index=True)[1])
    assert np.bincount(doubting.folds(once, 3, 0), minlength=3).min() > 0.2 * len(once)


def test_standing_does_not_ask_whether_a_user_is_active(rows: Interactions) -> None:
    """A user whose losses are all larger changes no item's standing."""
    measured = signals(rows)
    larger = measured.with_columns(loss=measured["loss"] + 0.5 * (measured["user"] % 3))
    estimator = parts.make("estimators", "standing", user_share=0.0, prior=0.0)
    there, back = estimator.estimate(measured), estimator.estimate(larger)
    assert np.corrcoef(there, back)[0, 1] > 0.99
    plain = parts.make("estimators", "reliability")
    assert np.corrcoef(plain.estimate(measured), plain.estimate(larger))[0, 1] < 0.99


def test_a_held_out_loss_does_not_know_its_row(rows: Interactions) -> None:
    """The loss of a row stays the same whatever becomes of the other rows of its fold."""
    fold = doubting.folds(rows, 5, 0)
    model = parts.make("recommenders", "item_knn")
    learn, out = rows.take(fold != 0), np.flatnonzero(fold == 0)
    one = doubting._losses(model, learn, rows.take(out[:1]), 0)["loss"]
    assert doubting.measure(rows, model)["loss"][out[0]] == pytest.approx(one[0])


def test_order_of_the_rows_changes_only_chance(rows: Interactions) -> None:
    order = np.random.default_rng(0).permutation(len(rows))
    there, back = (signals(r)["fitted_loss"] for r in (rows, rows.take(order)))
    np.testing.assert_allclose(there[order], back, rtol=1e-5)


@pytest.mark.parametrize("name", ["out_of_fold_loss", "user_loss", "reliability", "standing"])
def test_planted_misclicks_are_doubted(rows: Interactions, name: str) -> None:
    found = taking.detection(rows.gold == 0, doubt(rows, name))
    assert found["auc"] > 0.62


def test_the_headline_beats_the_loss_in_training(rows: Interactions) -> None:
    wrong = rows.gold == 0
    base, ours = (taking.detection(wrong, doubt(rows, n))["auc"] for n in ("in_sample_loss", "standing"))
    assert ours > base + 0.02


def test_propensity_follows_popularity_and_is_clipped(rows: Interactions) -> None:
    found = doubting.exposure(rows, power=1.0, clip=0.3)["propensity"]
    takers = np.bincount(rows.item, minlength=rows.n_items)
    np.testing.assert_allclose(found, np.maximum(takers / takers.max(), 0.3)[rows.item])
    weight = parts.make("policies", "ips").weigh(Readings(rows.row_key, {"propensity": found})).weight
    assert weight.mean() == pytest.approx(1)
    np.testing.assert_allclose(weight * found, (weight * found)[0])


def test_logged_propensities_stand_in_place_of_popularity(rows: Interactions) -> None:
    """ips weighs by one over them; their scale says nothing, and no row weighs more than 20 times another."""
    logged = np.random.default_rng(0).uniform(0.002, 0.1, len(rows))
    logged[:2] = 0.2, 0.0004
    known = replace(rows, propensity=logged)
    np.testing.assert_array_equal(signals(known)["propensity"], logged)
    np.testing.assert_array_equal(signals(known)["loss"], signals(rows)["loss"])
    policy = parts.make("policies", "ips")
    weight = policy.weigh(Readings(rows.row_key, {"propensity": logged})).weight
    raw = 1 / np.maximum(logged / 0.2, 0.05)
    np.testing.assert_allclose(weight, raw / raw.mean())
    assert weight[1] / weight[0] == pytest.approx(20)
    larger = policy.weigh(Readings(rows.row_key, {"propensity": 5 * logged})).weight
    np.testing.assert_allclose(weight, larger)


def test_the_gate_takes_from_every_user_alike() -> None:
    rng = np.random.default_rng(0)
    user = np.repeat(np.arange(4), [10, 20, 50, 3])
    doubts = rng.random(len(user)) + user  # the last users are doubted most
    weight = parts.make("policies", "user_gate", width=1e-3).raw(
        Readings(np.array([str(i) for i in range(len(user))], object), {"suspicion": doubts, "user": user})
    )
    lowered = np.bincount(user, weights=weight < 0.5)
    assert lowered[:3].tolist() == [2, 4, 10]
    assert lowered[3] == 3  # too few rows to have a fifth: ranked among all
    worst = np.argmax(np.where(user == 0, doubts, -1))
    assert weight[worst] == pytest.approx(0.05, abs=1e-6)


def test_small_groups_are_drawn_to_the_mean() -> None:
    from steelyard.parts.estimators._means import ranked, shrunk, standardised

    code, value = np.array([0, 0, 1]), np.array([1.0, 3.0, 8.0])
    np.testing.assert_allclose(shrunk(code, value, 1.0), [(4 + 4) / 3, (4 + 4) / 3, (8 + 4) / 2])
    np.testing.assert_allclose(standardised(code, value, 0.0), [-1, 1, 0])
    assert ranked(np.array([5.0, 1, 5])).tolist() == [2 / 3, 1 / 6, 2 / 3]
