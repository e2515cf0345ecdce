"""Candidates that a table gives: how they are read, which lists are made of them, and what a comparison says."""

from dataclasses import replace
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import steelyard as sy
from steelyard import parts
from steelyard.acts import recommending, shortlisting
from steelyard.acts.recalling import best
from steelyard.acts.stages import keep_nothing
from steelyard.apps.cli import main
from steelyard.errors import DataError, UsageError

from .shop import ITEMS, USERS, shop
from .test_recommending import SETTINGS, made

ROWS = shop()
RNG = np.random.default_rng(3)
LISTS = {f"u{u:03d}": [f"i{i:02d}" for i in RNG.choice(ITEMS, 12, replace=False)] for u in range(0, USERS, 2)}
TABLE = pa.table({"user_id": list(LISTS), "candidates": list(LISTS.values())})


def test_a_list_a_row_and_an_item_a_row_are_the_same():
    flat = [(u, i) for u, own in LISTS.items() for i in own]
    long = pa.table({"用户": [u for u, _ in flat], "商品": [i for _, i in flat]})
    text = pa.table({"user": list(LISTS), "items": [str(own).replace("'", '"') for own in LISTS.values()]})
    given = [shortlisting.read(t, ROWS) for t in (TABLE, long, text)]
    for other in given[1:]:
        assert (given[0].given != other.given).nnz == 0
        assert other.fingerprint == given[0].fingerprint
    assert (np.diff(given[0].given.indptr) == np.where(np.arange(USERS) % 2 == 0, 12, 0)).all()


def test_who_and_what_stands_in_no_interaction_is_counted_and_left_out():
    more = pa.table({"user_id": ["u000", "nobody"], "candidates": [["i01", "i02", "new", None], ["i03"]]})
    found = shortlisting.read(more, ROWS)
    assert found.given.sum() == 2
    assert (found.strangers, found.unknown, found.listed) == (1, 1, 4)


@pytest.mark.parametrize(
    ("table", "code"),
    [
        ({"user_id": ["u000"], "other": [["i01"]]}, "D155"),
        ({"candidates": [["i01"]]}, "D155"),
        ({"user_id": ["nobody"], "candidates": [["i01"]]}, "D232"),
        ({"user_id": ["u000"], "candidates": [["what"]]}, "D232"),
        ({"user_id": ["u000"], "candidates": [[]]}, "D232"),
    ],
)
def test_tables_that_say_nothing_are_refused(table, code):
    with pytest.raises(DataError) as e:
        shortlisting.read(pa.table(table), ROWS)
    assert e.value.code == code


def test_a_list_is_what_was_given_and_what_was_taken_then():
    whole = recommending.three_sets(ROWS, 0)
    lists = shortlisting.read(TABLE, ROWS)
    sets = shortlisting.shortened(whole, lists)
    shown, given, test = (m.toarray() > 0 for m in (sets.candidates, lists.given, sets.test))
    assert test.sum() == (whole.test.toarray()[::2] > 0).sum()
    assert not test[1::2].any()
    users = np.flatnonzero(test.any(axis=1))
    fitted = parts.make("recommenders", "item_knn").fit(sets.learn)
    items = best(sets.scores(fitted), sets.seen_test, users, ITEMS)
    seen = sets.seen_test.toarray() > 0
    for user, own in zip(users, items, strict=True):
        listed = np.zeros(ITEMS, bool)
        listed[own[own >= 0]] = True
        assert (listed == (shown[user] & ~seen[user])).all()
        assert (listed >= test[user]).all()
        assert (given[user] & ~seen[user] <= listed).all()
        order = own[own >= 0]
        assert (np.diff(fitted.scores(np.array([user]))[0][order]) <= 0).all()


def test_nobody_with_a_list_and_a_test_is_refused():
    table = pa.table({"user_id": ["u000"], "candidates": [["i01"]]})
    whole = recommending.three_sets(ROWS, 0)
    none = replace(whole, test=(whole.test * 0).tocsr())
    with pytest.raises(DataError) as e:
        shortlisting.shortened(none, shortlisting.read(table, ROWS))
    assert e.value.code == "D230"


def test_every_arm_of_a_cell_ranks_the_lists():
    """Of 12 or so candidates the right one is found more often than of all 60 items, by every arm."""
    lists = shortlisting.read(TABLE, ROWS)
    plain = recommending.run(ROWS, made(), SETTINGS, 0, keep_nothing)
    narrow = partial(shortlisting.shortened, lists=lists)
    short = recommending.run(ROWS, made(), SETTINGS, 0, keep_nothing, narrow)
    assert short.values.keys() == plain.values.keys()
    for name, own in short.values.items():
        assert np.isnan(own[1::2]).all()
        tested = np.isfinite(own)
        assert own[tested].mean() > plain.values[name][tested].mean() + 0.05


def test_a_comparison_of_lists_has_a_plan_of_its_own_and_says_so(tmp_path, capsys):
    rows = [
        {"user": f"u{u}", "item": f"i{(u % 5) * 8 + k % 8}", "rating": 1, "timestamp": 86400 * (9 * u + k)}
        for u in range(60)
        for k in range(8)
    ]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "rows.parquet")
    lists = pa.table({"user": [f"u{u}" for u in range(60)], "candidates": [[f"i{i}" for i in range(0, 40, 3)]] * 60})
    pq.write_table(lists, tmp_path / "lists.parquet")
    where = ["--run-dir", str(tmp_path / "runs"), "--quiet"]
    assert main(["score", str(tmp_path / "rows.parquet"), *where]) == 0
    how = {"seeds": 1, "model": "item_knn", "run_dir": tmp_path / "runs", "arms": ["user_gate"]}
    plain = sy.compare("last", **how)
    capsys.readouterr()
    words = ["compare", "last", "--seeds", "1", "--model", "item_knn", "--arms", "user_gate"]
    assert main([*words, "--candidates", str(tmp_path / "lists.parquet"), *where]) == 0
    assert "candidates given" in capsys.readouterr().out
    listed = sy.compare("last", **how, candidates=tmp_path / "lists.parquet")
    told = dict(listed.limits)
    assert told["VL14"]["users"] == listed.groups
    assert 10 < told["VL14"]["each"] <= 14
    assert listed.arms != plain.arms
    assert main([*words, "--candidates", str(tmp_path / "rows.parquet"), "--lang", "zh", *where]) == 0
    assert "候选" in capsys.readouterr().out


def test_candidates_of_samples_are_refused(tmp_path):
    rows = [
        {"query": f"red shoe {q}", "title": f"shoe {k} {q}", "label": "EI"[k % 2]} for q in range(30) for k in range(4)
    ]
    run = sy.score(rows, run_dir=tmp_path)
    with pytest.raises(UsageError) as e:
        sy.compare(run, candidates=TABLE, run_dir=tmp_path)
    assert e.value.code == "U197"
