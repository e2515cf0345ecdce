"""The charts: they show the numbers they are given, where they belong."""

import re

import sample_facts

from steelyard.page.charts.arms import arms_charts
from steelyard.page.charts.curves import curves_chart
from steelyard.page.charts.frame import Axis
from steelyard.page.charts.histogram import histogram_chart
from steelyard.page.charts.scatter import scatter_chart, suspicion_edges
from steelyard.page.charts.strip import strip


def test_an_axis_is_linear_and_holds_what_is_outside() -> None:
    axis = Axis(-1, 1, 100, 300)
    assert [axis.at(v) for v in (-1, 0, 1, 5)] == [100, 200, 300, 300]
    assert not axis.holds(5)


def test_each_arm_is_drawn_with_its_seeds_and_controls_are_marked() -> None:
    compare = sample_facts.facts("prune")["compare"]
    for chart in arms_charts(compare):
        assert chart.count('class="arm control"') == 4
        assert chart.count('class="arm"') == 5
        inside = sum(len(a["per_seed"]) for a in compare["arms"] if a["name"] != "item_knn")
        assert chart.count('class="seed"') == inside
        assert "◂" in chart
        assert "−0.3100" in chart
        assert "★" in chart


def test_a_positive_difference_stands_right_of_zero() -> None:
    arm = {"name": "a", "delta": 0.01, "low": 0.005, "high": 0.015}
    chart = arms_charts({"arms": [arm, {"name": "b", "delta": -0.01, "low": -0.02, "high": -0.001}]})[0]
    zero = float(re.findall(r'class="zero" x1="([\d.]+)"', chart)[0])
    points = [float(x) for x in re.findall(r'class="point" cx="([\d.]+)"', chart)]
    assert points[1] < zero < points[0]


def test_no_arms_no_chart() -> None:
    assert arms_charts({}) == []
    assert arms_charts({"arms": [{"name": "a"}]}) == []


def test_the_map_puts_flagged_points_into_their_own_shape() -> None:
    chart = scatter_chart({"x": [0.1, 0.2, 0.3], "y": [0.9, 0.5, 0.1], "s": [0.05, 0.95, 0.99], "n": 3}, 0.9)
    crosses = re.findall(r'<path class="pt pt3" d="([^"]*)"', chart)[0]
    assert crosses.count("M") == 2
    assert suspicion_edges(0.9)[-1] == 0.9
    assert list(suspicion_edges(0.4)) == sorted(suspicion_edges(0.4))


def test_bars_beyond_the_threshold_are_hatched() -> None:
    facts = {"edges": [0, 0.25, 0.5, 0.75, 1], "counts": [100, 10, 5, 1]}
    chart = histogram_chart(facts, 0.5)
    assert chart.count("column flagged") == 2
    bars = re.findall(r'<rect class="column[^>]*>', chart)
    heights = [float(re.findall(r'height="([\d.]+)"', b)[0]) for b in bars]
    assert len(heights) == 4
    assert heights == sorted(heights, reverse=True)
    assert histogram_chart({"edges": [0, 1], "counts": [1, 2]}, None) == ""


def test_a_strip_with_nothing_known_is_only_a_rail() -> None:
    drawn = strip(None, None, None, (0, 1))
    assert "rail" in drawn
    assert "point" not in drawn


def test_learning_curves_show_every_fold_where_it_belongs() -> None:
    chart = curves_chart(
        {"training": [[2.0, 1.0, 0.5], [2.1, 1.1, 0.4]], "held_out": [[2.0, 1.5, 1.6], [2.2, 1.4, 1.5]]}
    )
    assert chart.count('class="training curve"') == 2
    assert chart.count('class="held_out curve"') == 2
    assert chart.count("knot") == 12
    heights = [float(y) for y in re.findall(r'class="training knot" cx="[\d.]+" cy="([\d.]+)"', chart)][:3]
    assert heights[0] < heights[1] < heights[2]
    words = [float(y) for y in re.findall(r'class="value" x="[\d.]+" y="([\d.]+)"', chart)]
    close = curves_chart({"training": [[1.0, 1.0]], "held_out": [[1.0, 1.01]]})
    beside = [float(y) for y in re.findall(r'class="value" x="[\d.]+" y="([\d.]+)"', close)]
    assert len(words) == len(beside) == 2
    assert abs(beside[0] - beside[1]) >= 18
    assert curves_chart({}) == ""
    assert curves_chart({"training": [], "held_out": []}) == ""
    assert "NaN" not in curves_chart({"training": [[1.0]], "held_out": [[None]]})
