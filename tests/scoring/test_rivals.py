"""Cheap rivals of a comparison, and what a reader must know beside the verdict."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import steelyard as sy
from steelyard import compared
from steelyard.acts.cells import Settings
from steelyard.acts.deciding import decide, limits, unseen
from steelyard.demonstration import catalogue
from steelyard.features.duplicates import twin_label
from steelyard.parts import make
from steelyard.testing import tables
from steelyard.values.comparison import Arm, Interval

QUICK = {"seeds": 3, "repairs": 0, "inner_folds": 2, "arms": ["prune"]}


def arm(name: str, value: float, low: float, ess: float = 1.0) -> Arm:
    high = 2 * value - low
    return Arm(name, False, 0.7 + value, Interval(value, low, high, low, high), ess=ess)


def test_the_majority_of_twins_wins_and_a_tie_changes_nothing() -> None:
    codes = np.array([0, 0, 0, 1, 1, 2, 3, 3, 3, 3, 4, 4])
    label = np.array([2, 2, 0, 0, 1, 1, 1, 1, 0, -1, -1, 2])
    expected = np.array([2, 2, 2, 0, 1, 1, 1, 1, 1, -1, -1, 2])
    np.testing.assert_array_equal(twin_label(codes, label), expected)
    order = np.random.default_rng(0).permutation(len(codes))
    np.testing.assert_array_equal(twin_label(codes[order], label[order]), expected[order])
    assert twin_label(codes, np.full(12, -1)).tolist() == [-1] * 12


def test_two_labels_that_outvote_a_third_alike_do_so_in_any_order() -> None:
    label = np.array([1, 1, 2, 2, 0])
    assert twin_label(np.zeros(5, int), label).tolist() == [1, 1, 2, 2, 1]
    assert twin_label(np.zeros(5, int), label[::-1]).tolist() == [1, 2, 2, 1, 1]


def test_majority_fix_trains_on_the_majority() -> None:
    readings = tables.readings()
    majority = np.where(readings["given"] >= 0, (readings["given"] + 1) % tables.CLASSES, -1)
    weights = make("policies", "majority_fix").weigh(readings.with_columns(twin_label=majority))
    known = readings["given"] >= 0
    np.testing.assert_array_equal(weights["target"].argmax(1)[known], majority[known])
    np.testing.assert_array_equal(weights.weight, np.ones(tables.ROWS))


def test_loss_proportional_is_the_loss_within_its_clip() -> None:
    readings = tables.readings()
    loss = np.array([0.01, 1.0, 2.0, 3.0, 100.0] * (tables.ROWS // 5))
    doubt = -np.expm1(-loss)
    weight = make("policies", "loss_proportional", high=2.0).weigh(readings.with_columns(out_of_fold_loss=doubt)).weight
    mean = -np.log1p(-np.minimum(doubt, 1 - 1e-12)).mean()
    raw = np.clip(np.minimum(loss, 27.631) / mean, 0.05, 2.0)
    np.testing.assert_allclose(weight, raw / raw.mean(), rtol=1e-4)


def test_weight_on_few_rows_is_named_of_the_winner_alone() -> None:
    heavy, fair = arm("gate", 0.01, 0.002, ess=0.4), arm("prune", 0.01, 0.002, ess=0.6)
    assert [code for code, _ in limits((heavy, fair), heavy, "gold")] == ["VL02"]
    assert limits((heavy, fair), fair, "gold") == ()
    assert limits((heavy, fair), None, "gold") == ()


@pytest.mark.parametrize(("low", "told"), [(-0.001, ["VL04"]), (0.001, [])])
def test_a_winner_that_hardly_leads_the_rival_without_a_model_says_so(low: float, told: list[str]) -> None:
    winner = arm("gate", 0.02, 0.01)
    found = limits((winner, arm("majority_fix", 0.019, 0.01)), winner, "gold", arm("", 0.001, low).delta)
    assert [code for code, _ in found] == told


@pytest.mark.parametrize(("low", "told"), [(0.001, ["VL05"]), (-0.001, [])])
def test_a_rival_that_gains_where_nothing_wins_is_named(low: float, told: list[str]) -> None:
    assert [code for code, _ in limits((arm("majority_fix", 0.01, low),), None, "gold")] == told


def test_at_the_ceiling_of_a_measure_few_groups_rule_nothing_out() -> None:
    flat = tuple(arm(name, 0.0, 0.0) for name in ("gate", "prune"))
    assert unseen(flat, 100) == pytest.approx(0.03)
    assert decide(flat, None, (), 100, 0.0, Settings())[0] == "cannot_tell"
    assert decide(flat, None, (), 400, 0.0, Settings())[0] == "keep_uniform"
    wide = (arm("gate", 0.0, -0.005), flat[1])
    assert unseen(wide, 100) == 0
    assert decide(wide, None, (), 100, 0.0, Settings())[0] == "keep_uniform"
    answer, why = decide(wide, None, (), 19, 0.0, Settings())
    assert (answer, why[0][0]) == ("cannot_tell", "VW07")


def test_noisy_judges_are_named() -> None:
    assert [code for code, _ in limits((), None, "given")] == ["VL01"]


def test_the_uses_of_test_rows_are_counted_over_all_runs(tmp_path: Path) -> None:
    table = catalogue.make(3, 240)
    first = sy.score(table, run_dir=tmp_path)
    assert sy.compare(first, run_dir=tmp_path, **QUICK).test_uses == 1
    before = (first.run.path / "compare.json").read_bytes()
    assert sy.compare(first, run_dir=tmp_path, **QUICK).test_uses == 1
    assert (first.run.path / "compare.json").read_bytes() == before
    second = sy.score(table, run_dir=tmp_path, seed=8)
    found = sy.compare(second, run_dir=tmp_path, **QUICK)
    assert found.test_uses == 2
    assert "VL03" not in [code for code, _ in found.limits]
    assert "test_uses" not in (first.run.path / "compare.json").read_text()
    broken = tmp_path / "zzz-aaaa"
    broken.mkdir()
    (broken / "plan.json").write_text("{}")
    (broken / "compare-aaaaaaaa.json").write_text('{"schema": ')
    assert compared.latest(second.run).test_uses == 2
    assert sy.compare(sy.score(catalogue.make(4, 240), run_dir=tmp_path), run_dir=tmp_path, **QUICK).test_uses == 1


def test_many_uses_are_warned_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compared, "MANY_USES", 1)
    found = sy.compare(sy.score(catalogue.make(3, 240), run_dir=tmp_path), run_dir=tmp_path, **QUICK)
    assert ("VL03", {"count": 1}) in found.limits


def test_the_majority_arm_runs_only_where_twins_disagree(tmp_path: Path) -> None:
    table = catalogue.make(3, 240)
    first = table.slice(0, 1)
    other = "E" if first["label"][0].as_py() != "E" else "I"
    outvoting = first.set_column(first.column_names.index("label"), "label", pa.array([other], table["label"].type))
    table = pa.concat_tables([table, outvoting, outvoting])
    some = sy.compare(sy.score(table, run_dir=tmp_path), run_dir=tmp_path, seeds=3, repairs=0, inner_folds=2)
    names = {a.name for a in some.arms}
    assert {a.name for a in some.arms if not a.control} == {
        "uniform_early_stop", "gate", "prune", "soft_label", "relabel",
    }  # fmt: skip
    assert {"majority_fix", "loss_proportional"} <= names
    titles = [f"{t} item{i}" for i, t in enumerate(table["title"].to_pylist())]
    apart = table.set_column(table.column_names.index("title"), "title", [titles])
    none = sy.compare(sy.score(apart, run_dir=tmp_path), run_dir=tmp_path, seeds=3, repairs=0, inner_folds=2)
    assert "majority_fix" not in {a.name for a in none.arms}
