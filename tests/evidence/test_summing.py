"""Figures are means over tables: more cells of one table do not make a claim surer."""

from typing import Any

import numpy as np
import pytest

from benchmarks.evidence import summing


def scored(table: str, ours: float, base: float, rung: str = "instance_20", seed: int = 0) -> dict[str, Any]:
    scores = {"suspicion": {"ap": ours, "auc": ours}, "out_of_fold_loss": {"ap": base, "auc": base}}
    own = {"kind": "detection", "table": table, "rung": rung, "seed": seed, "tier": "quick"}
    return {"cell": own, "wrong": 0.2, "scores": scores}


def weighed(table: str, gate: float, oracle: float) -> dict[str, Any]:
    return {"cell": {"table": table}, "arms": {"gate": {"delta": [gate]}, "oracle": {"delta": [oracle]}}}


def test_repeating_a_cell_changes_nothing() -> None:
    cells = [scored("a", 0.8, 0.7), scored("b", 0.6, 0.6), scored("c", 0.7, 0.5)]
    once, twice = summing.lead(cells, "suspicion"), summing.lead(cells + cells[:1] * 9, "suspicion")
    assert once == twice
    assert once.n == 3
    assert once.value == pytest.approx(0.1)
    assert once.low < 0 < once.high


def test_student_of_equal_values_is_a_point_and_of_one_is_unknown() -> None:
    assert summing.student([0.2, 0.2]).low == pytest.approx(0.2)
    assert np.isnan(summing.student([0.2]).low)


def test_recovered_is_a_ratio_of_sums() -> None:
    cells = [weighed("a", 0.02, 0.04), weighed("b", 0.00, 0.0001), weighed("c", 0.03, 0.06)]
    found = summing.recovered(cells, "gate")
    assert found.value == pytest.approx(0.05 / 0.1001)
    assert 0 <= found.low <= found.value <= found.high


def test_worst_says_where_and_leaves_out_what_nobody_knows() -> None:
    cells = [scored("a", 0.8, 0.7), scored("b", 0.4, 0.7, "uniform_10"), scored("c", 0.1, 0.7, "disputed")]
    assert summing.worst(cells, "suspicion") == (0.4, "b, uniform_10")
