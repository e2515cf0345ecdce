"""What rivals' scores say is their papers' formulas, by hand; precision at k counts the first rows of the ranking."""

from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks.evidence import detecting, detectors, tables
from benchmarks.evidence.detectors import Found
from steelyard import parts
from steelyard.acts.encoding import encode

P = np.array([[0.7, 0.2, 0.1], [0.1, 0.3, 0.6], [0.4, 0.4, 0.2]])
Y = np.array([0, 1, 2])


def test_one_look_by_hand() -> None:
    look = detectors._look(P, Y)
    np.testing.assert_allclose(look["loss"], -np.log([0.7, 0.3, 0.2]))
    np.testing.assert_allclose(look["margin"], np.log([0.7 / 0.2, 0.3 / 0.6, 0.2 / 0.4]))
    squares = [0.3**2 + 0.2**2 + 0.1**2, 0.1**2 + 0.7**2 + 0.6**2, 0.4**2 + 0.4**2 + 0.8**2]
    np.testing.assert_allclose(look["error"], np.sqrt(np.array(squares) / 2))
    assert look["right"].tolist() == [1, 0, 0]


def test_normalized_margin_by_hand() -> None:
    apart = np.array([0.7 - 0.2, 0.3 - 0.6, 0.2 - 0.4])
    np.testing.assert_allclose(detectors._margin(P, Y), 1 - (apart + 1) / 2)


def test_forgetting_counts_what_was_unlearned_and_puts_the_never_learned_first() -> None:
    right = np.array([[1, 1, 1, 1], [1, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 0]], np.int8)
    assert detectors._forgetting(right).tolist() == [0, 2, 1, 4]


def test_self_influence_of_the_linear_model_is_the_squared_length_of_its_gradient() -> None:
    table = encode(tables.truth("demo_texts", 300))
    linear = parts.make("models", "linear", epochs=1)
    squared = detectors._watched_linear(table, linear, 0, {})["squared"]
    x, y = table.rows(np.arange(len(table))), np.eye(table.classes, dtype=np.float32)[table.label]
    *_, fitted = linear.train(x, y, np.ones((len(table), 1), np.float32), 0)
    residual = fitted.predict(x)[:, 0] - y
    for i in np.argsort(-squared[:, 0])[:5]:
        gradient = np.outer(residual[i], np.append(x[i].toarray().ravel(), 1.0))
        assert squared[i, 0] == pytest.approx(float(np.square(gradient).sum()), rel=1e-4)


def found_with(score: np.ndarray) -> Found:
    return Found({"ours": score}, {"ours": 1.0}, 0.9, {"marked": np.zeros(len(score), int)})


def test_precision_at_k_is_of_the_first_rows() -> None:
    wrong = np.zeros(200, bool)
    wrong[:20] = True
    score = np.where(wrong, 2.0, 1.0)
    score[[0, 1]], score[[100, 101]] = 0.0, 3.0  # two wrong rows last, two right ones first
    of = SimpleNamespace(wrong=wrong, samples=SimpleNamespace(label=np.zeros(200, int), scale=("a",)))
    figures = detecting.judged(of, found_with(score))["scores"]["ours"]
    assert figures["p@1%"] == 0.0
    assert figures["p@5%"] == pytest.approx(0.8)
    assert figures["p@10%"] == figures["p@count"] == pytest.approx(0.9)
    assert figures["class_auc_worst"] == pytest.approx(figures["auc"])


def test_a_slice_is_judged_on_its_own_rows_and_small_ones_are_not() -> None:
    wrong = np.tile([True, False], 60)
    part = np.repeat(["good", "bad", "small"], [50, 50, 20])
    score = np.where(part == "good", wrong, ~wrong).astype(float)
    wrong[part == "small"] = False
    assert detecting._by(part, wrong, score) == {"auc_mean": 0.5, "auc_worst": 0.0, "n": 2}
