"""Slices: noise gets no stars, a planted slice does, twins are merged, examples are right, 2M rows are quick."""

import time

import numpy as np
import pyarrow as pa
import pytest

from steelyard.acts.slicing import Benefit, slices

COLUMNS = {"shop": np.array(["a", "b", "a", "b", "c", "a"] * 50)}


def noise(seed: int, rows: int = 60_000, columns: int = 12, values: int = 100) -> tuple[dict, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {f"c{i}": rng.integers(0, values, rows) for i in range(columns)}, rng.random(rows) < 0.05


def test_pure_noise_gets_no_stars() -> None:
    stars, low_p = 0, 0
    for seed in range(10):
        columns, flagged = noise(seed)
        found = slices(columns, flagged)
        assert len(found) == 1200
        stars += any(s.star for s in found)
        low_p += sum(s.p < 0.05 for s in found)
    assert stars <= 2
    assert 10 * 20 < low_p < 10 * 80  # without the correction there would be dozens each time


def test_a_planted_slice_is_found_first() -> None:
    columns, flagged = noise(3)
    rng = np.random.default_rng(0)
    flagged |= (columns["c4"] == 17) & (rng.random(len(flagged)) < 0.12)
    found = slices(columns, flagged)
    assert found[0].name == "c4=17"
    assert found[0].star
    assert found[0].lift > 2
    assert found[0].low < found[0].share < found[0].high
    assert sum(s.star for s in found) <= 2


def test_a_slice_with_fewer_flags_has_a_star_and_a_lift_below_one() -> None:
    columns, flagged = noise(4, columns=1, values=4)
    flagged &= columns["c0"] != 2
    fewest = next(s for s in slices(columns, flagged) if s.values == ("2",))
    assert fewest.star
    assert fewest.lift == 0.0
    assert fewest.suspicion is None


def test_counts_add_up() -> None:
    rng = np.random.default_rng(5)
    flagged = rng.random(300) < 0.3
    found = slices(COLUMNS, flagged)
    assert sum(s.n for s in found) == 300
    assert sum(s.flagged for s in found) == flagged.sum()
    assert sum(s.of_all for s in found) == pytest.approx(1.0)
    for s in found:
        here = COLUMNS["shop"] == s.values[0]
        assert s.share == flagged[here].mean()
        assert s.lift == pytest.approx(flagged[here].mean() / flagged[~here].mean())


def test_the_order_of_the_rows_does_not_matter() -> None:
    columns, flagged = noise(6, rows=5000, columns=3, values=8)
    order = np.random.default_rng(0).permutation(5000)
    one = slices(columns, flagged, depth=2)
    two = slices({k: v[order] for k, v in columns.items()}, flagged[order], depth=2)
    key = [(s.name, s.n, s.flagged, s.p, s.q_value) for s in one]
    assert sorted(key) == sorted((s.name, s.n, s.flagged, s.p, s.q_value) for s in two)


def test_twins_are_merged_and_named() -> None:
    rng = np.random.default_rng(7)
    shop = rng.choice(["a", "b", "c"], 6000)
    code = np.array([f"x{s}" for s in shop])
    code[:20] = "xb"  # still the same rows, nearly
    found = slices({"shop": shop, "code": code, "other": rng.integers(0, 3, 6000)}, rng.random(6000) < 0.1, depth=2)
    singles = [s for s in found if len(s.columns) == 1]
    assert {s.name for s in singles} == {"shop=a", "shop=b", "shop=c", "other=0", "other=1", "other=2"}
    assert next(s for s in singles if s.name == "shop=a").also == ("code=xa",)
    assert {s.columns for s in found if len(s.columns) == 2} == {("shop", "other")}


def test_depth_two_finds_what_only_the_pair_shows() -> None:
    rng = np.random.default_rng(8)
    a, b = rng.integers(0, 4, 20_000), rng.integers(0, 4, 20_000)
    flagged = rng.random(20_000) < np.where((a == 1) & (b == 2), 0.3, 0.05)
    best = slices({"a": a, "b": b}, flagged, depth=2)[0]
    assert best.name == "a=1 & b=2"
    assert best.n == ((a == 1) & (b == 2)).sum()


def test_examples_are_the_most_suspected_flagged_rows() -> None:
    rng = np.random.default_rng(9)
    flagged, suspicion = rng.random(300) < 0.3, rng.random(300)
    keys = np.array([f"k{i}" for i in range(300)], dtype=object)
    for s in slices(COLUMNS, flagged, suspicion=suspicion, row_key=keys):
        here = np.flatnonzero((COLUMNS["shop"] == s.values[0]) & flagged)
        assert s.example == here[np.argmax(suspicion[here])]
        assert s.row_key == f"k{s.example}"
        assert s.suspicion == pytest.approx(suspicion[COLUMNS["shop"] == s.values[0]].mean())


def test_minimum_follows_the_size_of_the_table() -> None:
    shop = np.array(["small"] * 12 + ["big"] * 488)
    assert {s.values[0] for s in slices({"shop": shop}, np.arange(500) < 40)} == {"small", "big"}
    assert {s.values[0] for s in slices({"shop": shop}, np.arange(500) < 40, minimum=13)} == {"big"}
    many = np.array(["small"] * 99 + ["big"] * 9901)
    assert {s.values[0] for s in slices({"shop": many}, np.arange(10_000) < 40)} == {"big"}


def test_missing_values_and_constant_columns_are_no_slices() -> None:
    shop = pa.array(["a", None, "", "b"] * 50)
    price = np.array([1.0, np.nan] * 100)
    found = slices({"shop": shop, "price": price, "same": ["x"] * 200}, np.arange(200) % 3 == 0)
    assert {s.name for s in found} == {"shop=a", "shop=b", "price=1.0"}


def test_extremes() -> None:
    nothing = np.zeros(0, dtype=bool)
    assert slices({"shop": np.array([])}, nothing) == []
    assert slices({}, np.ones(5, dtype=bool)) == []
    for flagged in (np.zeros(300, dtype=bool), np.ones(300, dtype=bool)):
        found = slices(COLUMNS, flagged)
        assert [(s.p, s.lift, s.star) for s in found] == [(1.0, 1.0, False)] * 3
    only_there = slices(COLUMNS, COLUMNS["shop"] == "c")
    assert only_there[0].lift == float("inf")
    assert only_there[0].as_dict()["lift"] is None
    with pytest.raises(ValueError, match="differ in length"):
        slices(COLUMNS, np.ones(5, dtype=bool))
    with pytest.raises(ValueError, match="depth"):
        slices(COLUMNS, np.ones(300, dtype=bool), depth=3)


def test_two_million_rows_take_seconds() -> None:
    rng = np.random.default_rng(10)
    columns = {
        f"c{i}": pa.array([f"v{j}" for j in range(120)]).take(pa.array(rng.integers(0, 120, 2_000_000)))
        for i in range(10)
    }
    start = time.perf_counter()
    found = slices(columns, rng.random(2_000_000) < 0.05, suspicion=rng.random(2_000_000))
    assert len(found) == 1200
    assert time.perf_counter() - start < 30


def test_without_suspicion_the_example_is_the_first_flagged_row() -> None:
    flagged = np.arange(300) % 7 == 3
    for s in slices(COLUMNS, flagged):
        assert s.example == np.flatnonzero((COLUMNS["shop"] == s.values[0]) & flagged)[0]


def test_benefit_of_a_slice_is_the_weighted_mean_over_the_folds() -> None:
    rng = np.random.default_rng(0)
    shop, code, fold = rng.choice(["a", "b"], 800), rng.choice(["x", "y", "z"], 800), rng.integers(0, 4, 800)
    cosine, length = rng.uniform(-1, 1, 800), rng.exponential(size=800)
    cosine[::7] = np.nan
    told = Benefit(cosine, length, fold, {"own": {("shop", 1): (0.1, -0.2, 0.4)}, "rest": {}})
    for s in slices({"shop": shop, "code": code}, rng.random(800) < 0.2, benefit=told, depth=2):
        inside = np.isfinite(cosine)
        for column, value in zip(s.columns, s.values, strict=True):
            inside &= {"shop": shop, "code": code}[column] == value
        means = [np.average(cosine[i], weights=length[i]) for f in range(4) if (i := inside & (fold == f)).any()]
        assert s.benefit == pytest.approx(np.mean(means))
        half = 3.182446 * np.std(means, ddof=1) / 2
        assert s.benefit_low == pytest.approx(s.benefit - half, rel=1e-5)
        assert s.benefit_high == pytest.approx(s.benefit + half, rel=1e-5)
        own = (0.1, -0.2, 0.4) if s.values == ("b",) else (None,) * 3
        assert (s.benefit_own, s.benefit_own_low, s.benefit_own_high) == own
        assert s.benefit_rest is None


def test_without_benefit_nothing_is_told_of_it() -> None:
    nothing = Benefit(np.full(200, np.nan), np.ones(200), np.arange(200) % 5)
    found = slices({"shop": ["a", "b"] * 100}, np.arange(200) < 20, benefit=nothing)
    assert found
    assert all(s.benefit is None for s in found)
