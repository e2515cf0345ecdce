"""Identical and near-identical pairs, and contradictions, against slow oracles."""

import itertools

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steelyard.features import near
from steelyard.features.duplicates import contradicting, near_codes, pair_codes, query_codes
from steelyard.features.normal import normal, token_set
from steelyard.values.samples import Samples

from .tables import table

WORDS = ["red", "blue", "shoe", "9", "12", "手机壳", "a", "b", "c", "d", "e", "f", "g", "h", "i", "j"]
TITLES = st.lists(st.sampled_from(WORDS), min_size=0, max_size=14, unique=True).map(" ".join)
LONG = "alpha beta gamma delta epsilon zeta eta theta iota kappa"


def same_partition(a: np.ndarray, b: np.ndarray) -> bool:
    return len(set(zip(a.tolist(), b.tolist(), strict=True))) == len(set(a.tolist())) == len(set(b.tolist()))


def slow_near(samples: Samples) -> np.ndarray:
    """Union of all like pairs, every pair of rows looked at."""
    queries, titles = samples.texts("query"), samples.texts("title")
    sets = [set(token_set(t)) for t in titles]
    digits = [{t for t in s if any(c.isdigit() for c in t)} for s in sets]
    codes = np.arange(len(samples))
    for i, j in itertools.combinations(range(len(samples)), 2):
        if not sets[i] or not sets[j] or token_set(queries[i]) != token_set(queries[j]) or digits[i] != digits[j]:
            continue
        if 10 * len(sets[i] & sets[j]) >= 9 * len(sets[i] | sets[j]):
            codes[codes == codes[j]] = codes[i]
    return codes


def slow_counts(samples: Samples, codes: np.ndarray) -> tuple[list[int], list[int]]:
    agree, against = [0] * len(samples), [0] * len(samples)
    for i, j in itertools.permutations(range(len(samples)), 2):
        if codes[i] != codes[j] or samples.split[i] != samples.split[j] or min(samples.label[i], samples.label[j]) < 0:
            continue
        if samples.label[i] == samples.label[j]:
            agree[i] += 1
        else:
            against[i] += 1
    return agree, against


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["q one", "one Q", "two", ""]), TITLES), max_size=25))
def test_near_codes_equal_the_quadratic_oracle(rows: list[tuple[str, str]]) -> None:
    s = table(
        [0] * len(rows),
        query=pa.array([q for q, _ in rows], pa.string()),
        title=pa.array([t for _, t in rows], pa.string()),
    )
    slow = slow_near(s)
    if all(token_set(q) for q, _ in rows):
        assert same_partition(near_codes(s), slow)


def test_like_titles_of_many_sizes_equal_the_oracle() -> None:
    rng = np.random.default_rng(5)
    words = np.array([f"w{chr(97 + i // 5)}{chr(97 + i % 5)}" for i in range(40)])
    titles = []
    for _ in range(60):
        base = list(rng.choice(words, rng.integers(9, 25), replace=False))
        titles.append(" ".join(base))
        for _ in range(3):
            changed = list(base)
            changed.pop(rng.integers(len(changed)))
            titles.append(" ".join([*changed, *rng.choice(words, rng.integers(0, 2))]))
    s = table([0] * len(titles), query=["q"] * len(titles), title=titles)
    slow = slow_near(s)
    assert len(set(slow.tolist())) < len(titles) - 60
    assert same_partition(near_codes(s), slow)


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["x", "y"]), TITLES, st.integers(-1, 2), st.sampled_from(["train", "test", None])),
        max_size=20,
    )
)
def test_contradictions_equal_the_quadratic_oracle(rows: list[tuple[str, str, int, str | None]]) -> None:
    query, title, label, split = ([r[i] for r in rows] for i in range(4))
    s = table(
        label,
        query=pa.array(query, pa.string()),
        title=pa.array(title, pa.string()),
        split=pa.array(split, pa.string()),
    )
    for codes in (pair_codes(s), near_codes(s), np.zeros(len(s), np.int64)):
        agreeing, against = contradicting(s, codes)
        assert (agreeing.tolist(), against.tolist()) == slow_counts(s, codes)
        assert agreeing.dtype == against.dtype == np.int32


@settings(deadline=None)
@given(st.lists(TITLES, min_size=1, max_size=25), st.randoms(use_true_random=False))
def test_row_order_does_not_matter(titles: list[str], random) -> None:
    s = table([0] * len(titles), query=["q"] * len(titles), title=titles)
    order = list(range(len(titles)))
    random.shuffle(order)
    moved = s.take(np.array(order))
    assert same_partition(near_codes(moved), near_codes(s)[order])
    assert same_partition(pair_codes(moved), pair_codes(s)[order])


def test_row_order_does_not_matter_beyond_the_window(monkeypatch) -> None:
    monkeypatch.setattr(near, "WINDOW", 3)
    rng = np.random.default_rng(1)
    texts = [
        " ".join(["same", "rare"] + [f"x{'abcdefghij'[i]}" for i in rng.choice(10, 8, replace=False)])
        for _ in range(200)
    ]
    s = table([0] * 200, task="classification", text=texts)
    order = rng.permutation(200)
    assert same_partition(near_codes(s.take(order)), near_codes(s)[order])


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["q 1", "Q-1", "other"]), TITLES), min_size=1, max_size=20))
def test_identical_pairs_are_near_identical(rows: list[tuple[str, str]]) -> None:
    s = table([0] * len(rows), query=[q for q, _ in rows], title=[t for _, t in rows])
    pair, like = pair_codes(s), near_codes(s)
    assert len(set(zip(pair.tolist(), like.tolist(), strict=True))) == len(set(pair.tolist()))
    for i, j in itertools.combinations(range(len(rows)), 2):
        same = [normal(x) for x in rows[i]] == [normal(x) for x in rows[j]] and normal(rows[i][1]) != ""
        assert same == (pair[i] == pair[j])


def test_one_word_in_ten_is_near_but_another_number_is_not() -> None:
    s = table([0] * 4, query=["q"] * 4, title=[LONG, LONG + " lambda", LONG + " 12", LONG + " 13"])
    a, b, c, d = near_codes(s)
    assert a == b
    assert len({a, c, d}) == 3


def test_texts_without_query_are_compared_too() -> None:
    s = table([0] * 3, task="classification", text=[LONG, "Lambda " + LONG, "something else"])
    a, b, c = near_codes(s)
    assert a == b != c


def test_product_is_title_then_id_then_nothing() -> None:
    s = table(
        [0] * 6, query=["q"] * 6, title=["t", "T!", None, None, None, ""], product_id=["1", "2", "3", "3", None, None]
    )
    codes = pair_codes(s)
    assert codes[0] == codes[1]
    assert codes[2] == codes[3]
    assert len(set(codes[[0, 2, 4, 5]].tolist())) == 4


def test_numbers_stand_in_for_text() -> None:
    numeric = np.array([[1, 2], [1, 2], [2, 1], [0, 0], [0, 0]], np.float32)
    s = table([0] * 5, query_id=["7"] * 5, numeric=numeric)
    for codes in (pair_codes(s), near_codes(s)):
        assert codes[0] == codes[1]
        assert len(set(codes.tolist())) == 4


def test_without_query_text_the_query_id_then_the_group_counts() -> None:
    s = table([0] * 4, query=["", None, "", ""], query_id=["a", "a", "b", None], title=["t"] * 4)
    codes = query_codes(s)
    assert codes[0] == codes[1]
    assert len(set(codes.tolist())) == 3


@pytest.mark.parametrize("rows", [0, 1, 50])
@pytest.mark.parametrize("task", ["relevance", "classification", "tagging"])
def test_extremes(rows: int, task) -> None:
    column = {"relevance": "title", "classification": "text", "tagging": "tokens"}[task]
    value = ["a", "b"] if task == "tagging" else LONG
    kind = pa.list_(pa.string()) if task == "tagging" else pa.string()
    s = table(
        [0] * rows, task=task, **{column: pa.array([value] * rows, kind)}, query_id=pa.array(["1"] * rows, pa.string())
    )
    for codes in (pair_codes(s), near_codes(s)):
        assert codes.dtype == np.int64
        assert len(codes) == rows
        assert len(set(codes.tolist())) == min(rows, 1)
    assert contradicting(s, pair_codes(s))[0].tolist() == [max(0, rows - 1)] * rows


def test_a_title_of_a_megabyte() -> None:
    long = " ".join(f"word{i}" for i in range(120_000))
    s = table([0, 0, 0], query=["q"] * 3, title=[long, long + " end", "手机" * 300_000])
    a, b, c = near_codes(s)
    assert a == b != c
