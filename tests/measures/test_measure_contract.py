"""Every measure of the folder, found by its file: names, groups, weights, extremes, order of rows."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from measure_tables import ESCI, TWO, drawn, random_ranking, ranking, rows_of

from steelyard.parts import describe, find, names
from steelyard.parts.measures import Measure, parse, short

NAMES = names("measures")


def variants(name: str) -> list[Measure]:
    """Return the measure with every single option changed once, and with a cut."""
    cls = find("measures", name)
    made = [cls()]
    for field in dataclasses.fields(cls):
        if field.name == "k":
            made += [cls(k=1), cls(k=3), cls(k=100)]
        elif field.name == "rel":
            made += [cls(rel="2"), cls(rel="E")]
        else:
            made += [cls(**{field.name: word}) for word in field.metadata["choices"]]
    return made


ALL = [m for name in NAMES for m in variants(name)]
by_name = pytest.mark.parametrize("measure", ALL, ids=lambda m: m.name)


def test_there_are_sixteen_measures_and_each_is_described():
    known = "acc ap auc ece err gauc hit log_loss macro_f1 map mrr ndcg p qwk recall rmse"
    assert " ".join(NAMES) == known
    assert all(": " in describe("measures", name) and find("measures", name).title for name in NAMES)


@by_name
def test_name_parses_to_an_equal_measure(measure):
    assert parse(measure.name) == measure
    assert parse(measure.name).name == measure.name
    assert short(measure.name) == measure.short != ""


@by_name
def test_per_query_has_one_value_a_query_within_bounds(measure):
    for seed in range(5):
        table = random_ranking(seed)
        value = measure.per_query(table)
        low, high = measure.bounds
        assert value.shape == (table.n_groups,)
        seen = value[~np.isnan(value)]
        assert len(seen)
        assert np.all((seen >= low) & (seen <= high + 1e-12))
        assert low <= measure.overall(table) <= high + 1e-12


@by_name
def test_all_ones_is_overall(measure):
    table = random_ranking(3)
    replicates = measure.bootstrap(table, np.ones((4, table.n_groups)))
    assert replicates.shape == (4,)
    np.testing.assert_allclose(replicates, measure.overall(table), rtol=1e-12)


@by_name
def test_weight_is_the_group_that_many_times(measure):
    table = random_ranking(4)
    weights = np.random.default_rng(4).integers(0, 4, (6, table.n_groups))
    again = [measure.overall(drawn(table, weight)) for weight in weights]
    np.testing.assert_allclose(measure.bootstrap(table, weights), again, rtol=1e-10)
    np.testing.assert_allclose([measure.overall(table, w) for w in weights], again, rtol=1e-10)


@by_name
def test_order_of_rows_does_not_matter(measure):
    table = random_ranking(5, levels=10_000 if getattr(measure, "ties", "") == "first" else 6)
    shuffled = rows_of(table, np.random.default_rng(0).permutation(len(table)))
    np.testing.assert_allclose(measure.per_query(table), measure.per_query(shuffled), rtol=1e-9, atol=1e-12)
    assert measure.overall(table) == pytest.approx(measure.overall(shuffled), rel=1e-10)


@by_name
def test_a_query_alone_has_the_value_it_has_among_others(measure):
    table = random_ranking(6)
    whole = measure.per_query(table)
    for code in range(table.n_groups):
        alone = measure.per_query(rows_of(table, np.flatnonzero(table.codes == code)))
        np.testing.assert_allclose(alone, whole[code : code + 1], rtol=1e-9, atol=1e-12)


@by_name
def test_rows_per_query_is_overall_of_the_query_alone(measure):
    if measure.kind != "rows":
        assert measure.skipped(random_ranking(7)) == int(np.isnan(measure.per_query(random_ranking(7))).sum())
        return
    table = random_ranking(7)
    for code, value in enumerate(measure.per_query(table)):
        alone = rows_of(table, np.flatnonzero(table.codes == code))
        np.testing.assert_allclose(measure.overall(alone), value, rtol=1e-9, atol=1e-12)


@by_name
def test_extremes_give_a_number_or_nan_and_never_a_warning(measure):
    empty = ranking([], [], probability=np.zeros((0, 4)), docid=np.array([], dtype=str))
    assert measure.per_query(empty).shape == (0,)
    assert np.isnan(measure.overall(empty))
    assert measure.bootstrap(empty, np.ones((3, 0))).shape == (3,)
    one = np.full((1, 4), 0.25)
    for label in (-1, 0, 3):
        single = ranking([label], [0.5], probability=one, docid=np.array(["a"]))
        assert measure.per_query(single).shape == (1,)
        assert measure.bootstrap(single, np.zeros((2, 1))).shape == (2,)
    equal = ranking([3] * 5, [0.1] * 5, probability=np.repeat(one, 5, axis=0), docid=np.array(list("abcde")))
    assert measure.per_query(equal).shape == (1,)


BOUNDED = ["ndcg", "ndcg@10", "ndcg@3[gain=exp,ideal=full]", "mrr", "map", "ap", "auc", "hit@1", "gauc"]


@pytest.mark.parametrize("name", BOUNDED)
@given(labels=st.lists(st.integers(0, 3), min_size=2, max_size=12).filter(lambda ls: min(ls) == 0 < max(ls)))
@settings(max_examples=30, deadline=None)
def test_perfect_ranking_is_one_and_no_other_is_better(name, labels):
    measure = parse(name)
    perfect = measure.overall(ranking(labels, np.array(labels, dtype=float)))
    worst = measure.overall(ranking(labels, -np.array(labels, dtype=float)))
    if "full" not in name:
        assert perfect == pytest.approx(1)
    assert worst <= perfect + 1e-12


def test_perfect_probabilities_are_the_best():
    label = np.array([0, 1, 2, 3, 3, 0])
    table = ranking(label, np.array([0, 0.01, 0.1, 1, 1, 0]), probability=np.eye(4)[label])
    assert {n: parse(n).overall(table) for n in ("acc", "macro_f1", "qwk")} == {"acc": 1, "macro_f1": 1, "qwk": 1}
    assert parse("rmse").overall(table) == 0
    assert parse("log_loss").overall(table) == 0


@given(st.sampled_from(ALL), st.text(min_size=1, max_size=12), st.integers(1, 10**6))
@settings(max_examples=300, deadline=None)
def test_any_label_name_survives_the_name(measure, rel, k):
    fields = {f.name for f in dataclasses.fields(measure)}
    changed = dataclasses.replace(measure, **{n: v for n, v in (("rel", rel), ("k", k)) if n in fields})
    assert parse(changed.name) == changed


def test_two_classes_need_no_order():
    table = random_ranking(8, scale=TWO)
    for name in NAMES:
        assert np.isfinite(parse(name).overall(table)), name


def test_weights_of_the_wrong_length_are_refused():
    table = random_ranking(1, scale=ESCI)
    for name in NAMES:
        with pytest.raises(ValueError, match="weights have shape"):
            parse(name).bootstrap(table, np.ones((2, table.n_groups + 1)))


def test_batches_of_replicates_do_not_matter(monkeypatch):
    table = random_ranking(2)
    weights = np.random.default_rng(2).integers(0, 3, (7, table.n_groups)).astype(np.uint8)
    whole = {name: parse(name).bootstrap(table, weights) for name in NAMES}
    monkeypatch.setattr("steelyard.parts.measures._weights.CHUNK", 2 * table.n_groups)
    for name in NAMES:
        np.testing.assert_allclose(parse(name).bootstrap(table, weights), whole[name], rtol=1e-12)
