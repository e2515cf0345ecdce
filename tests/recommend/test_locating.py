"""Where doubt lies: bands hold every row once, their means are means, the interval is that of a slow count."""

import numpy as np
import pytest

from steelyard.acts.locating import COLD, NAMED, bands, carriers, locate, mean_with_interval


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(3)
    user = np.repeat(np.arange(40), rng.integers(1, 30, 40))
    item = (200 * rng.random(len(user)) ** 3).astype(int)
    return user, item, rng.random(len(user)), rng.integers(-1, 2, len(user))


@pytest.mark.parametrize(
    ("count", "ends"),
    [(1, (1, 1)), (2, (2, 4)), (4, (2, 4)), (5, (5, 9)), (10, (10, 19)), (49, (20, 49)), (50, (50, 99)),
     (199, (100, 199)), (200, (200, 499)), (999, (500, 999)), (1000, (1000, 1999)), (123_456, (100_000, 199_999))],
)  # fmt: skip
def test_a_count_lies_in_its_band(count, ends) -> None:
    index, found = bands(np.array([count]))
    assert index.tolist() == [0]
    assert (found[0]["low"], found[0]["high"]) == ends


def test_bands_and_grid_hold_every_row_once(rows) -> None:
    user, item, doubt, wrong = rows
    found = locate(user, item, doubt, wrong)
    for way, codes in (("activity", user), ("popularity", item)):
        assert sum(b["rows"] for b in found[way]) == len(doubt)
        assert sum(b["members"] for b in found[way]) == len(np.unique(codes))
        assert sum(b["share"] for b in found[way]) == pytest.approx(1)
        assert sum(b["rows"] * b["doubt"] for b in found[way]) == pytest.approx(doubt.sum())
        assert sum(b["rows"] * b["doubted"] for b in found[way]) == pytest.approx(len(doubt) * found["doubted"])
        assert sum(b["known"] for b in found[way]) == (wrong >= 0).sum()
        assert sum(b["known"] * (b["wrong"] or 0) for b in found[way]) == pytest.approx((wrong == 1).sum())
    count, mean = np.array(found["grid"]["count"]), np.array(found["grid"]["doubt"], float)
    assert count.sum(axis=0).tolist() == [b["rows"] for b in found["activity"]]
    assert count.sum(axis=1).tolist() == [b["rows"] for b in found["popularity"]]
    assert np.nansum(count * mean) == pytest.approx(doubt.sum(), abs=0.02)
    assert (np.isnan(mean) == (count == 0)).all()


def test_popularity_counts_users_and_activity_counts_rows() -> None:
    user, item = np.array([0, 0, 0, 1]), np.array([0, 0, 0, 1])
    found = locate(user, item, np.array([0.1, 0.2, 0.3, 0.4]))
    assert [(b["low"], b["rows"]) for b in found["activity"]] == [(1, 1), (2, 3)]
    assert [(b["low"], b["rows"]) for b in found["popularity"]] == [(1, 4)]
    assert found["popularity"][0]["wrong"] is None


def test_cold_are_those_of_few_rows_and_few_takers(rows) -> None:
    user, item, doubt, _ = rows
    found = locate(user, item, doubt)["cold"]
    few = np.bincount(user) < COLD
    assert found["users"]["members"] == few.sum()
    assert found["users"]["rows"] == few[user].sum()
    takers = np.array([len(set(user[item == k].tolist())) for k in range(item.max() + 1)])
    assert found["items"]["members"] == ((takers < COLD) & (takers > 0)).sum()
    assert found["items"]["of"] == len(np.unique(item))
    warm = locate(np.repeat(np.arange(6), 6), np.tile(np.arange(6), 6), np.linspace(0, 1, 36))["cold"]["users"]
    assert (warm["members"], warm["rows"], warm["doubt"]) == (0, 0, None)


def test_the_interval_counts_pairs_of_rows_that_share_a_user_or_an_item(rows) -> None:
    user, item, doubt, _ = rows
    rest = doubt - doubt.mean()
    together = (user[:, None] == user) | (item[:, None] == item)
    half = 1.96 * np.sqrt((np.outer(rest, rest) * together).sum()) / len(rest)
    mean, low, high = mean_with_interval(user, item, doubt)
    assert (mean, high - mean, mean - low) == pytest.approx((doubt.mean(), half, half))


def test_rows_of_one_user_count_as_less_than_as_many_users() -> None:
    rng = np.random.default_rng(0)
    own = np.repeat(rng.random(20), 10)
    item = np.arange(200)
    _, low, high = mean_with_interval(np.repeat(np.arange(20), 10), item, own)
    _, low_each, high_each = mean_with_interval(np.arange(200), item, own)
    assert high - low > 2 * (high_each - low_each)
    assert mean_with_interval(np.zeros(3, int), np.arange(3), np.arange(3.0)) == (1.0, None, None)
    assert mean_with_interval(np.array([], int), np.array([], int), np.array([])) == (None, None, None)


def test_carriers_are_named_by_what_they_hold_beyond_their_share() -> None:
    member = np.repeat([0, 1, 2], [100, 10, 10])
    doubted = np.zeros(120, bool)
    doubted[:12], doubted[100:108] = True, True  # 12 of 100, 8 of 10, 0 of 10
    found = carriers(member, doubted, np.ones(120) / 2)
    assert [(c["code"], c["rows"], c["doubted"]) for c in found] == [(1, 10, 8)]
    many = carriers(np.arange(50), np.arange(50) < 30, np.ones(50))
    assert len(many) == NAMED
