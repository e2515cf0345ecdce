"""Both views of a row: places against clicks by chance, equal to what is worked out one row at a time."""

from dataclasses import replace

import numpy as np
import pytest

from steelyard import parts
from steelyard.acts import viewing
from steelyard.features.titles import vectors
from steelyard.values.interactions import Interactions

TASTES = ("garden hose green", "silver ring band", "puzzle game box", "运动 跑鞋 男款")


def rows(users: int = 60, each: int = 10, planted: float = 0.0, seed: int = 0) -> tuple[Interactions, np.ndarray]:
    """Return users who each buy from one of four shelves of 20 items with a title, some clicks by chance; and which."""
    rng = np.random.default_rng(seed)
    user, item, wrong = [], [], []
    for u in range(users):
        shelf = 20 * (u % 4) + rng.choice(20, each, replace=False)
        lost = rng.random(each) < planted
        taken = np.where(lost, rng.integers(0, 80, each), shelf)
        _, first = np.unique(taken, return_index=True)
        user += [u] * len(first)
        item += taken[first].tolist()
        wrong += (lost & (taken // 20 != u % 4))[first].tolist()
    n = len(user)
    words = [f"{TASTES[i // 20]} {chr(97 + i % 5) * 3}" for i in range(80)]
    found = Interactions(
        row_key=np.array([f"r{k}" for k in range(n)], object),
        user=np.array(user),
        item=np.array(item),
        value=np.ones(n),
        user_ids=np.array([f"u{k:03d}" for k in range(users)], object),
        item_ids=np.array([f"i{k:02d}" for k in range(80)], object),
        split=np.full(n, "train", object),
        titles=np.array(words, object),
    )
    return found, np.array(wrong)


def ease(of: Interactions) -> object:
    return parts.make("recommenders", "ease", reg=5.0, precision="double").fit(of)


def test_a_view_by_text_leaves_the_item_out_and_compares_with_what_the_user_left() -> None:
    of, _ = rows(planted=0.1)
    held = vectors(of.titles)
    found = viewing.view(of, held, ease(of), strangers=3000).text_place
    alike = (held @ held.T).toarray()
    takers = np.bincount(of.item, minlength=80)
    for row in range(0, len(of), 37):
        own = of.item[of.user == of.user[row]]
        rest = own[own != of.item[row]]
        here = alike[of.item[row], rest].mean()
        left = np.setdiff1d(np.arange(80), own)
        there = alike[left][:, own].mean(axis=1)
        exact = np.average((there < here - 1e-12) + 0.5 * (np.abs(there - here) <= 1e-12), weights=takers[left])
        assert found[row] == pytest.approx(exact, abs=0.04)


def test_a_view_by_others_is_that_of_a_model_without_the_user() -> None:
    of, _ = rows(planted=0.1)
    found = viewing.view(of, vectors(of.titles), ease(of), strangers=3000).others_place
    takers = np.bincount(of.item, minlength=80)
    for row in range(0, len(of), 97):
        user, item = of.user[row], of.item[row]
        rest = of.take(of.user != user).matrix().toarray()
        inverse = np.linalg.inv(rest.T @ rest + 5.0 * np.eye(80))
        weights = -inverse / np.diag(inverse)
        np.fill_diagonal(weights, 0)
        score = of.take(of.user == user).matrix().toarray()[user] @ weights
        left = np.setdiff1d(np.arange(80), of.item[of.user == user])
        there, here = score[left], score[item]
        exact = np.average((there < here - 1e-9) + 0.5 * (np.abs(there - here) <= 1e-9), weights=takers[left])
        assert found[row] == pytest.approx(exact, abs=0.04)


def test_clicks_by_chance_have_even_places_and_are_found_by_both_views_together() -> None:
    of, wrong = rows(users=160, planted=0.15)
    found = viewing.view(of, vectors(of.titles), ease(of))
    assert found.chance.sum() == pytest.approx(1)
    assert np.abs(found.chance.sum(axis=1).cumsum() - np.arange(0.1, 1.05, 0.1)).max() < 0.06
    name = viewing.quadrant(found.text_place, found.others_place)
    lost = wrong[name == "mis_click"].mean()
    assert lost > 3 * wrong.mean()
    assert wrong[name == "redundant"].mean() < 0.5 * wrong.mean()
    told = viewing.counted(found)
    assert sum(q["rows"] for q in told["quadrants"].values()) == told["known"] == np.sum(told["grid"]["rows"])
    assert sum(q["chance"] for q in told["quadrants"].values()) == pytest.approx(1)
    assert told["quadrants"]["mis_click"]["share"] < told["quadrants"]["mis_click"]["chance"]


def test_the_order_of_rows_and_repeats_do_not_matter() -> None:
    of, _ = rows(planted=0.1)
    held, fitted = vectors(of.titles), ease(of)
    base = viewing.view(of, held, fitted)
    order = np.random.default_rng(1).permutation(len(of))
    moved = viewing.view(of.take(order), held, fitted)
    assert np.array_equal(moved.text_place, base.text_place[order])
    assert np.array_equal(moved.others_place, base.others_place[order])
    twice = viewing.view(of.take(np.r_[np.arange(len(of)), 3, 3]), held, fitted)
    assert np.array_equal(twice.text_place[: len(of)], base.text_place)
    dense = viewing.view(of, held[:, np.unique(held.indices)].toarray(), fitted)
    assert np.allclose(dense.text_place, base.text_place, atol=0.02)


def test_what_a_view_cannot_say_is_not_said() -> None:
    of, _ = rows()
    first = of.take(np.r_[0, np.flatnonzero(of.user > 0)])  # the first user has one row left
    quiet = replace(first, titles=np.array([t if i % 20 else "" for i, t in enumerate(first.titles)], object))
    found = viewing.view(quiet, vectors(quiet.titles), ease(quiet))
    assert np.isnan(found.text_place[0])
    assert np.isnan(found.others_place[0])
    assert np.array_equal(np.isnan(found.text_place[1:]), (quiet.item % 20 == 0)[1:])
    assert np.isfinite(found.others_place[1:]).all()
    assert viewing.quadrant(found.text_place, found.others_place)[0] is None


def test_an_item_that_nobody_else_took_is_low_by_others() -> None:
    of, _ = rows()
    rare = of.item[5]
    kept = of.take((of.item != rare) | (np.arange(len(of)) == 5))
    found = viewing.view(kept, vectors(kept.titles), ease(kept)).others_place
    assert found[np.flatnonzero(kept.item == rare)] < 0.01


def test_titles_meet_by_rare_words_in_both_scripts() -> None:
    held = vectors(["garden hose", "Garden HOSES", "红色跑鞋", "蓝色跑鞋", "", "zebra"])
    alike = (held @ held.T).toarray()
    assert alike[0, 1] == pytest.approx(1)
    assert alike[2, 3] > 0.5 > alike[0, 2] == 0
    assert held[4].nnz == 0 == held[5].nnz  # nothing to meet by


def test_a_place_is_the_share_of_the_own_strangers_below_wherever_the_users_stand() -> None:
    """Equal to counting one by one; codes of users far apart cost nothing, so a block does not pay for the table."""
    rng = np.random.default_rng(3)
    user, who = np.sort(rng.integers(0, 9, 60)), rng.integers(0, 9, 400)
    who = who[np.isin(who, user) & (who != user[0])]
    value, strange = rng.integers(0, 6, len(user)) / 7, rng.integers(0, 6, len(who)) / 7
    value[::11], strange[::13] = np.nan, np.nan

    def counted(v: float, rest: np.ndarray) -> float:
        rest = rest[np.isfinite(rest)]
        if np.isnan(v) or not len(rest):
            return np.nan
        return ((rest < v).sum() + (rest == v).sum() / 2 + 0.5) / (len(rest) + 1)

    found, strangers = viewing._placed(user, value, who, strange)
    by_hand = [counted(v, strange[who == u]) for u, v in zip(user, value, strict=True)]
    each = np.arange(len(who))
    among = [counted(v, strange[(who == u) & (each != i)]) for i, (u, v) in enumerate(zip(who, strange, strict=True))]
    np.testing.assert_allclose(found, by_hand, rtol=1e-12)
    np.testing.assert_allclose(strangers, among, rtol=1e-12)
    assert np.isnan(found[user == user[0]]).all()
    again = viewing._placed(10**10 * user + 7, value, 10**10 * who + 7, strange)
    np.testing.assert_array_equal(again[0], found)
    np.testing.assert_array_equal(again[1], strangers)
