"""Numbers as people read them."""

import pytest

from steelyard.page.measure import measure_name
from steelyard.page.numerals import (
    count,
    decimals_for,
    duration,
    figure,
    fixed,
    interval,
    nice_ticks,
    percent,
    percent_with_interval,
    probability,
)


@pytest.mark.parametrize(
    ("shown", "wanted"),
    [
        (count(1983272), "1,983,272"),
        (count(-3), "−3"),
        (count(None), "–"),
        (count(float("nan")), "–"),
        (figure(0.82134), "0.821"),
        (figure(12.345), "12.3"),
        (figure(4810.2), "4,810"),
        (figure(0.7), "0.7"),
        (figure(0), "0"),
        (figure(-0.00123), "−0.00123"),
        (fixed(-0.00004, 4), "0.0000"),
        (fixed(0.0008, 4, sign=True), "+0.0008"),
        (fixed(-0.0112, 4, sign=True), "−0.0112"),
        (interval(-0.0009, 0.0024, 4, sign=True), "[−0.0009, +0.0024]"),
        (interval(None, 1, 2), ""),
        (percent(0.0481), "4.81%"),
        (percent(0.123), "12.3%"),
        (percent(1), "100%"),
        (percent(0.00001), "<0.01%"),
        (percent(0), "0%"),
        (probability(0.0004), "<0.001"),
        (probability(0.31), "0.310"),
        (duration(28.4), "28 s"),
        (duration(192), "3 min 12 s"),
        (duration(7500), "2 h 5 min"),
        (measure_name("ndcg@10[gain=esci]"), "NDCG@10 (gain=esci)"),
        (measure_name("macro_f1"), "macro f1"),
    ],
)
def test_shown(shown: str, wanted: str) -> None:
    assert shown == wanted


def test_the_value_and_its_interval_share_their_decimals() -> None:
    assert percent_with_interval(0.0483, 0.0391, 0.0588) == ("4.8%", "[3.9, 5.9]")


def test_decimals_show_the_narrowest_interval() -> None:
    assert decimals_for(0.0017, 0.02) == 4
    assert decimals_for(None, 0.02) == 3
    assert decimals_for() == 4


def test_ticks_are_round_and_within() -> None:
    assert nice_ticks(-0.012, 0.011, 5) == [-0.01, -0.005, 0.0, 0.005, 0.01]
    assert nice_ticks(3.0, 3.0) == [3.0]
