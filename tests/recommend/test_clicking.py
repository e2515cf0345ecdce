"""Clicks on shown rows: calibrated for each arm, measured by user, and able to decide."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import log_loss, roc_auc_score

import steelyard as sy
from steelyard.acts import clicking, recommending
from steelyard.acts.stages import keep_nothing
from steelyard.apps.cli import main
from steelyard.errors import DataError, UsageError
from steelyard.parts.measures import parse

from .shop import shop
from .test_recommending import SETTINGS, made


def impressions():
    """Return the shop's rows, and as many items that were shown to the same users and left, in the order of time."""
    taken = shop(noise=0.0, each=10)
    rng = np.random.default_rng(5)
    twice = np.repeat(np.arange(len(taken)), 2)
    item = taken.item[twice]
    left = np.arange(len(twice)) % 2 == 1
    item[left] = rng.integers(0, taken.n_items, left.sum())
    label = np.where(left & ~np.isin(taken.user[twice] * taken.n_items + item, taken.pair), 0, 1).astype(np.int8)
    kept = (label == 0) == left
    found = taken.take(twice[kept])
    keys = np.array([f"s{k}" for k in range(len(found))], object)
    own = {"item": item[kept], "label": label[kept], "value": label[kept].astype(float), "row_key": keys, "gold": None}
    return replace(found, **own)


def by_clicks(base: str = "item_knn", measure: str = "gauc[mean=equal]") -> recommending.Parts:
    clicks = {n: parse(n) for n in clicking.MEASURES}
    return replace(made(base), measures={measure: parse(measure), "ndcg@10": parse("ndcg@10")}, clicks=clicks)


def test_a_curve_from_other_rows_gives_the_rate_and_keeps_the_order() -> None:
    rng = np.random.default_rng(0)
    score = rng.normal(size=4000)
    happened = rng.random(4000) < 1 / (1 + np.exp(-(0.7 * score - 2)))
    p = clicking.calibrated(40 + 3 * score[:2000], happened[:2000], 40 + 3 * score[2000:])
    truth = 1 / (1 + np.exp(-(0.7 * score[2000:] - 2)))
    assert np.abs(p - truth).max() < 0.05
    assert np.array_equal(np.argsort(p, kind="stable"), np.argsort(score[2000:], kind="stable"))
    flat = clicking.calibrated(np.ones(10), np.arange(10) < 3, np.ones(4))
    assert flat == pytest.approx([0.3] * 4)


def test_measures_of_clicks_are_those_of_the_shown_test_rows() -> None:
    rows = impressions()
    cell = recommending.run(rows, by_clicks(), SETTINGS, 0, keep_nothing)
    split = recommending.splits(rows, SETTINGS.seed)
    learn = rows.take(rows.positive & (split == "train"))
    test = rows.take((split == "test") & (rows.label >= 0))
    fitted = made("item_knn").base.fit(learn, seed=SETTINGS.seed)
    score, happened = fitted.pairs(test.user, test.item), test.label == 1
    more = cell.more["uniform"]
    assert more["auc"] == pytest.approx(roc_auc_score(happened, score))
    assert more["auc"] > 0.7
    sets = recommending.three_sets(rows, SETTINGS.seed)
    p = clicking.said(fitted, sets.shown)["p"]
    assert more["log_loss"] == pytest.approx(log_loss(happened, p))
    assert more[clicking.RATIO] == pytest.approx(p.sum() / happened.sum())
    assert 0.8 < more[clicking.RATIO] < 1.25
    assert more["ece"] < 0.15
    own = np.array([roc_auc_score(happened[test.user == u], score[test.user == u])
                    for u in range(rows.n_users) if len(np.unique(happened[test.user == u])) == 2])  # fmt: skip
    assert np.nanmean(cell.values["uniform"]) == pytest.approx(own.mean())


def test_a_model_trained_in_steps_stops_by_the_clicks_that_decide() -> None:
    cell = recommending.run(impressions(), by_clicks("bpr"), SETTINGS, 0, keep_nothing)
    assert np.nanmean(cell.values["uniform_early_stop"]) > 0.6
    assert {"auc", "gauc", "log_loss", "ece", "ndcg@10", "coverage"} <= set(cell.more["step_t_ce"])


def test_without_shown_rows_there_are_no_clicks_and_they_cannot_decide() -> None:
    cell = recommending.run(
        shop(), replace(by_clicks(), measures={"ndcg@10": parse("ndcg@10")}), SETTINGS, 0, keep_nothing
    )
    assert "auc" not in cell.more["uniform"]
    with pytest.raises(DataError) as error:
        recommending.run(shop(), by_clicks(), SETTINGS, 0, keep_nothing)
    assert error.value.code == "D235"


def test_the_command_line_shows_clicks_and_lets_them_decide(tmp_path, capsys) -> None:
    rows = impressions()
    lines = ["user,item,click,position,time"]
    lines += [f"{rows.user_ids[u]},{rows.item_ids[i]},{v:.0f},1,{t:.0f}"
              for u, i, v, t in zip(rows.user, rows.item, rows.value, rows.ts, strict=True)]  # fmt: skip
    path = tmp_path / "shown.csv"
    path.write_text("\n".join(lines))
    run = sy.score(path, run_dir=tmp_path)
    options = ["compare", run.id, "--model", "item_knn", "--seeds", "3", "--run-dir", str(tmp_path)]
    assert main([*options, "--metric", "gauc", "--lang", "zh"]) == 0
    said = capsys.readouterr().out
    assert "gauc[mean=equal]" in said
    assert "预测/实际" in said
    page = sy.report(run, tmp_path / "r.html").read_text(encoding="utf-8")
    assert "predicted / observed clicks" in page
    with pytest.raises(UsageError) as error:
        sy.compare(run, metric="auc", run_dir=tmp_path)
    assert error.value.code == "U185"
