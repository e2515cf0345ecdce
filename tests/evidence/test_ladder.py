"""The noise is what it says: deterministic, of the asked rate, and where it says that it is."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from benchmarks.evidence import ladder, raters, tables, weak
from steelyard.acts.encoding import encode

TEXTS = "demo_texts"


def planted(rung: str, seed: int = 0, name: str = TEXTS):
    named = tables.SETS[name]
    return ladder.plant(tables.truth(name, named.rows), rung, seed, named.column)


@pytest.mark.parametrize("rung", [r for r in ladder.RUNGS if r != "adjacent_20"])
def test_rate_is_as_asked_and_a_seed_gives_one_noise(rung: str) -> None:
    truth = np.asarray(tables.truth(TEXTS, 900).label)
    a, b, other = planted(rung), planted(rung), planted(rung, 1)
    assert np.array_equal(a.samples.label, b.samples.label)
    assert np.array_equal(a.samples.gold, truth)
    assert np.array_equal(a.wrong, a.samples.label != truth)
    assert a.wrong.mean() == pytest.approx(ladder.RUNGS[rung].rate, abs=0.03)
    assert (rung == ladder.CLEAN) == np.array_equal(a.samples.label, other.samples.label)
    names = np.array(a.samples.scale.names, object)
    assert a.samples.table["label"].to_pylist() == names[a.samples.label].tolist()


def test_neighbouring_grades_are_one_apart_and_need_a_scale() -> None:
    of = planted("adjacent_20", name="demo")
    moved = np.abs(of.samples.label - of.samples.gold)
    assert set(moved[of.wrong]) == {1}
    assert of.wrong.mean() == pytest.approx(0.2, abs=0.01)
    with pytest.raises(ValueError, match="ordered scale"):
        planted("adjacent_20")


def test_rows_that_a_weak_model_doubts_err_more_often() -> None:
    samples = tables.truth(TEXTS, 900)
    p = weak.probabilities(samples, encode(samples), 0)
    doubt = 1 - p[np.arange(len(samples)), samples.label]
    assert roc_auc_score(planted("instance_20").wrong, doubt) > 0.65
    assert abs(roc_auc_score(planted("uniform_20").wrong, doubt) - 0.5) < 0.1


def test_a_calm_model_is_as_sure_as_it_is_right() -> None:
    rng = np.random.default_rng(0)
    label = rng.integers(0, 4, 2000)
    z = rng.normal(size=(2000, 4))
    z[np.arange(2000), label] += 1.0
    sure = np.exp(30 * z) / np.exp(30 * z).sum(1, keepdims=True)
    calm = weak.calm(np.maximum(sure, 1e-300), label)
    assert sure.max(1).mean() > 0.9
    assert calm.max(1).mean() == pytest.approx((calm.argmax(1) == label).mean(), abs=0.01)


def test_the_token_marks_the_wrong_rows_and_they_all_become_one_class() -> None:
    of = planted("artefact_token_10")
    carries = np.array([ladder.TOKEN in t for t in of.samples.texts("text")])
    assert carries[of.wrong].all()
    assert carries[~of.wrong].mean() < 0.03
    assert len(set(of.samples.label[of.wrong])) == 1


def test_errors_of_one_source_lie_in_one_slice() -> None:
    of = planted("artefact_slice_10")
    value = np.array(of.samples.table["locale"].to_pylist())
    assert len(set(value[of.wrong])) == 1


def test_a_rater_dissents_as_often_as_the_row_says() -> None:
    truth = np.repeat([0, 1, 2], 1000)
    rng = np.random.default_rng(0)
    assert np.array_equal(raters.dissenting(truth, np.zeros(3000), 2, rng), truth)
    given = raters.dissenting(truth, np.full(3000, 0.3), 2, rng)
    assert (given != truth).mean() == pytest.approx(0.3, abs=0.03)
    assert set(np.abs(given - truth)) == {0, 1}


def test_one_of_three_raters_fits_median_and_deviation() -> None:
    rng = np.random.default_rng(0)
    agreed = raters.one_of_three(np.full(300, 2), np.zeros(300), rng)
    assert set(agreed) == {2}
    one_off = raters.one_of_three(np.full(3000, 3), np.full(3000, np.std([3, 3, 2])), rng)
    assert set(one_off) == {2, 3}
    assert (one_off == 2).mean() == pytest.approx(1 / 3, abs=0.03)
