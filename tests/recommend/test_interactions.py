import numpy as np
import pytest

from steelyard.acts.dividing import by_global_time, by_user_time, leave_last_out
from steelyard.errors import DataError
from steelyard.values.interactions import Interactions


def table(user, item, ts=None, value=None):
    n = len(user)
    return Interactions(
        row_key=np.array([f"r{i}" for i in range(n)], dtype=object),
        user=np.array(user, dtype=np.int64),
        item=np.array(item, dtype=np.int64),
        value=np.ones(n) if value is None else np.array(value, dtype=float),
        user_ids=np.array(["a", "b", "c"], dtype=object),
        item_ids=np.array(["p", "q", "r", "s"], dtype=object),
        split=np.full(n, "train", dtype=object),
        ts=None if ts is None else np.array(ts, dtype=float),
    )


def test_the_last_in_time_is_left_out_whatever_the_order_of_the_file():
    rows = table([0, 1, 0, 0, 1, 2], [0, 1, 2, 3, 0, 1], ts=[30, 5, 10, 20, 1, 9])
    assert leave_last_out(rows).tolist() == ["test", "train", "train", "valid", "train", "train"]
    order = np.array([5, 3, 1, 0, 4, 2])
    assert leave_last_out(rows.take(order)).tolist() == leave_last_out(rows)[order].tolist()


def test_a_row_of_unknown_time_is_not_held_out_before_known_ones():
    rows = table([0, 0, 0], [0, 1, 2], ts=[1, 2, np.nan])
    assert leave_last_out(rows).tolist() == ["valid", "test", "train"]


def test_no_train_row_of_a_user_is_later_than_its_test_rows():
    rng = np.random.default_rng(0)
    rows = table(rng.integers(0, 3, 90), rng.integers(0, 4, 90), ts=rng.permutation(90))
    split = by_user_time(rows, valid=0.1, test=0.2)
    for user in range(3):
        own = rows.user == user
        assert rows.ts[own & (split == "train")].max() < rows.ts[own & (split == "valid")].min()
        assert rows.ts[own & (split == "valid")].max() < rows.ts[own & (split == "test")].min()
        assert (own & (split == "test")).sum() == int(0.2 * own.sum())


def test_a_global_cut_needs_every_time():
    rows = table([0, 0, 1], [0, 1, 2], ts=[1, 2, 3])
    assert by_global_time(rows, 2, 3).tolist() == ["train", "valid", "test"]
    for ts, count in (([1, np.nan, 3], 1), (None, 3)):
        with pytest.raises(DataError) as error:
            by_global_time(table([0, 0, 1], [0, 1, 2], ts=ts), 2, 3)
        assert (error.value.code, error.value.facts["count"]) == ("D196", count)


def test_weight_two_is_the_row_twice():
    rows = table([0, 0, 1], [0, 1, 2])
    twice = rows.take(np.array([0, 0, 1, 2]))
    assert (rows.matrix(np.array([2.0, 1, 1])).toarray() == twice.matrix().toarray()).all()


@pytest.mark.parametrize(
    ("columns", "code"),
    [({"user": [0, 3], "item": [0, 1]}, "D194"), ({"user": [0, 1], "item": [-1, 1]}, "D194")],
)
def test_a_code_without_a_name_is_refused(columns, code):
    with pytest.raises(DataError) as error:
        table(**columns)
    assert error.value.code == code


def test_a_value_that_is_no_number_is_refused():
    with pytest.raises(DataError) as error:
        table([0, 1], [0, 1], value=[1, np.inf])
    assert (error.value.code, error.value.facts["first"]) == ("D195", 1)
