"""Labels: ordered where people know the order, cut where they are numbers, refused where nobody knows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelyard.acts.labelling import cut
from steelyard.errors import DataError, DataErrors, UsageError


def labelled(*labels, **more):
    return [
        {"query": "q", "title": f"t{i}", "label": x} | {k: v[i] for k, v in more.items()} for i, x in enumerate(labels)
    ]


@pytest.mark.parametrize(
    ("labels", "gains"),
    [
        (("I", "C", "S", "E"), (0, 0.01, 0.1, 1)),
        (("Irrelevant", "Complement", "Substitute", "Exact"), (0, 0.01, 0.1, 1)),
        (("Irrelevant", "Partial", "Exact"), (0, 0.5, 1)),
        (("Bad", "Fair", "Good", "Excellent", "Perfect"), (0, 1, 2, 3, 4)),
        (("not_relevant", "relevant"), (0, 1)),
        (("no", "yes"), (0, 1)),
        (("不相关", "配套品", "替代品", "完全匹配"), (0, 0.01, 0.1, 1)),
        (("不相关", "部分相关", "相关"), (0, 1, 2)),
        (("低", "中", "高"), (0, 1, 2)),
    ],
)
def test_scales_that_people_know(reading, labels, gains):
    s = reading(labelled(*labels[::-1]))
    assert s.scale.names == labels
    assert s.scale.gains == gains
    assert s.label.tolist() == list(range(len(labels)))[::-1]


def test_unknown_grades_are_refused_with_counts_and_remedy(reading):
    with pytest.raises(DataError) as e:
        reading(labelled("meh", "wow", "wow"))
    assert e.value.code == "D104"
    assert "'wow' (2), 'meh' (1)" in e.value.say("en")
    assert "--labels" in e.value.say("zh")


def test_given_labels_order_and_weigh(reading):
    s = reading(labelled("wow", "meh"), labels={"wow": 1, "meh": 0.25, "ugh": 0})
    assert (s.scale.names, s.scale.gains, s.label.tolist()) == (("ugh", "meh", "wow"), (0, 0.25, 1), [2, 1])
    with pytest.raises(DataError) as e:
        reading(labelled("wow", "what"), labels={"wow": 1})
    assert "'what' (1)" in e.value.say("en")


def test_numbers_are_ordered_by_value_and_that_is_said(reading):
    s = reading(labelled(10.0, 9.0, 0.5))
    assert s.scale.names == ("0.5", "9", "10")
    assert s.scale.gains == (0, 8.5, 9.5)
    assert next(n for n in s.notes if n.code == "D110").facts == {"lowest": "0.5", "highest": "10"}
    text = reading(labelled("10", "9.0", "0.50"))
    assert (text.scale, text.label.tolist()) == (s.scale, s.label.tolist())


def test_the_order_can_be_turned_or_given(reading):
    s = reading(labelled(1, 2, 3), label_order="desc")
    assert (s.scale.names, s.scale.gains, s.label.tolist()) == (("3", "2", "1"), (0, 1, 2), [2, 1, 0])
    assert "D110" not in [n.code for n in s.notes]
    assert reading(labelled("b", "a"), label_order=["a", "b"]).label.tolist() == [1, 0]
    with pytest.raises(UsageError):
        reading(labelled(1, 2), label_order="up")


def test_many_numbers_are_cut_and_the_points_said(reading):
    values = np.random.default_rng(3).random(500).round(3)
    s = reading(labelled(*values.tolist()))
    assert len(s.scale) == 7
    assert np.bincount(s.label).min() > 50
    assert np.all(np.diff(s.label[np.argsort(values)]) >= 0)
    note = next(n for n in s.notes if n.code == "D111")
    assert len(note.facts["points"].split(", ")) == 6


def test_thirteen_values_stay_as_they_are(reading):
    assert len(reading(labelled(*[1 + i / 6 for i in range(13)])).scale) == 13


@given(st.lists(st.integers(1, 1000), min_size=21, max_size=80), st.integers(0, 10**6))
def test_cuts_keep_order_and_every_value(weights, heavy):
    weights[0] += heavy
    values = [float(i) for i in range(len(weights))]
    parts = cut(values, weights)
    assert [v for p in parts for v in p] == values
    assert 2 <= len(parts) <= 7


def test_a_value_of_nearly_all_rows_stands_alone():
    assert cut([float(i) for i in range(30)], [10_000] + [1] * 29)[0] == [0.0]


@pytest.mark.parametrize("nothing", [None, float("nan"), "", "  ", "NaN", "#N/A"])
def test_rows_without_label_are_kept_and_counted(reading, nothing):
    labels = ("1", nothing, "0") if isinstance(nothing, str) else (1.0, nothing, 0.0)
    s = reading(labelled(*labels))
    assert s.label.tolist() == [1, -1, 0]
    assert s.table["label"][1].as_py() is None
    assert next(n for n in s.notes if n.code == "D105").count == 1


@pytest.mark.parametrize("infinite", [float("inf"), float("-inf"), "inf", "-Infinity"])
def test_infinite_labels_are_an_error_finding(reading, infinite):
    labels = ("1", infinite, "0") if isinstance(infinite, str) else (1.0, infinite, 0.0)
    s = reading(labelled(*labels))
    assert s.label.tolist() == [1, -1, 0]
    found = next(n for n in s.notes if n.code == "D106")
    assert (found.severity, found.count) == ("error", 1)


def test_a_column_without_any_label_is_refused(reading):
    with pytest.raises(DataError) as e:
        reading(labelled(None, "", None))
    assert (e.value.code, e.value.facts["rows"]) == ("D109", 3)


def test_one_class_one_query_and_equal_rows_are_read(reading):
    s = reading([{"query": "q", "title": "t", "label": 1}] * 5)
    assert (len(s.scale), s.label.tolist(), s.group.tolist()) == (1, [0] * 5, [0] * 5)
    assert [k.partition("#")[2] for k in s.row_key] == ["", "2", "3", "4", "5"]


def test_classes_have_no_order(reading):
    s = reading([{"text": f"x{i}", "label": c} for i, c in enumerate(["b", "a", "c", "a"])])
    assert (s.scale.names, s.scale.ordered, s.label.tolist()) == (("a", "b", "c"), False, [1, 0, 2, 0])
    s = reading([{"text": f"x{i}", "label": c} for i, c in enumerate([10, 9])])
    assert (s.scale.names, s.scale.ordered) == (("9", "10"), False)


def test_more_than_a_thousand_classes_are_none(reading):
    with pytest.raises(DataError) as e:
        reading([{"text": f"x{i}", "label": f"c{i}"} for i in range(1001)])
    assert (e.value.code, e.value.facts["count"]) == ("D108", 1001)


def test_trusted_labels_share_the_scale(reading):
    s = reading(labelled(0, 1, 1, gold=[1.0, None, 0.0]))
    assert s.gold.tolist() == [1, -1, 0]
    with pytest.raises(DataError) as e:
        reading(labelled(0, 1, gold=[1, 7]))
    assert e.value.code == "D113"
    assert "'7' (1)" in e.value.say("zh")


def test_tags_make_the_scale_of_tagging(reading):
    s = reading([{"tokens": ["a", "b"], "tags": ["O", "B-X"]}, {"tokens": ["c"], "tags": ["O"]}])
    assert (s.task, s.scale.names, s.scale.ordered, s.label.tolist()) == ("tagging", ("B-X", "O"), False, [0, 0])
    assert s.table["tokens"].to_pylist() == [["a", "b"], ["c"]]
    text = reading([{"tokens": "a b", "tags": "O B-X"}, {"tokens": '["c"]', "tags": '["O"]'}])
    assert text.row_key.tolist() == s.row_key.tolist()


def test_tags_that_do_not_fit_are_named(reading):
    with pytest.raises(DataError) as e:
        reading([{"tokens": ["a", "b"], "tags": ["O"]}, {"tokens": ["c"], "tags": ["O"]}])
    assert (e.value.code, e.value.facts["rows"]) == ("D136", "1 (2/1)")


def test_problems_of_a_table_are_reported_together(reading):
    with pytest.raises(DataErrors) as e:
        reading([{"tokens": ["a", "b"], "tags": []}])
    assert [p.code for p in e.value.problems] == ["D136", "D109"]
    assert len(e.value.say("zh").split("\n")) == 2
