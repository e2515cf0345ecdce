"""The report of a run of interactions, from a file to the page: its facts are those of the run, and nobody is named."""

import re
from collections import Counter

import numpy as np
import pytest

import steelyard as sy
from steelyard import api, reporting
from steelyard.acts import contrasting, recommending
from steelyard.acts.cells import Settings
from steelyard.acts.recommending import Cell
from steelyard.page import render

from .shop import shop

PHONE = "13812345678"


@pytest.fixture(scope="module")
def table():
    rows = shop()
    named = zip(rows.user, rows.item, rows.value, rows.ts, strict=True)
    return [
        {
            "user": PHONE if u == 0 else rows.user_ids[u],
            "item": rows.item_ids[i],
            "rating": v,
            "time": t,
            "title": f"Thing {i} of shelf {i % 4}" + (" call 13912345678" if i == 0 else ""),
        }
        for u, i, v, t in named
    ]


@pytest.fixture(scope="module")
def run(table, tmp_path_factory):
    root = tmp_path_factory.mktemp("report")
    head = list(table[0])
    lines = [",".join(head), *(",".join(str(r[c]) for c in head) for r in table)]
    (root / "clicks.csv").write_text("\n".join(lines))
    return sy.score(root / "clicks.csv", relevant=4, run_dir=root)


@pytest.fixture(scope="module")
def compared(run):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(contrasting, "LEAST_USERS", 5)  # the shop is small
        return sy.compare(run, seeds=3, model="item_knn", metric="recall@10")


def test_the_facts_are_those_of_the_run(run, table) -> None:
    facts = reporting.facts(run)
    assert (facts["summary"]["rows"], facts["summary"]["users"]) == (len(table), 120)
    carriers = facts["carriers"]
    assert carriers["overall"] == pytest.approx(run.column("suspicion").mean())
    wrong = Counter(r["rating"] < 4 for r in table)
    told = sum(b["known"] * b["wrong"] for b in carriers["popularity"])
    assert told == pytest.approx(wrong[True])
    doubted = run.column("suspicion") >= np.quantile(run.column("suspicion"), 0.9)
    first = carriers["items"][0]
    assert first["doubted"] == doubted[run.column("item") == first["item"]].sum()
    assert first["item"] in {f"i{k:02d}" for k in range(6)}  # in the window, where the mistakes were made
    assert {e["name"] for e in facts["summary"]["quality"]} >= {"auc_doubt", "auc_in_sample_loss"}


def test_examples_of_a_quadrant_lie_in_it_and_are_of_different_items(run) -> None:
    views = reporting.facts(run)["views"]
    assert sum(q["rows"] for q in views["quadrants"].values()) == views["known"]
    high = {"mis_click": (0, 0), "cold": (1, 0), "complement": (0, 1), "redundant": (1, 1)}
    for name, shown in views["examples"].items():
        assert [(e["text"] >= 0.5, e["others"] >= 0.5) for e in shown] == [high[name]] * len(shown)
        assert len({e["item"] for e in shown}) == len(shown) == min(3, views["quadrants"][name]["rows"])


def test_personal_data_is_masked_everywhere(run, tmp_path) -> None:
    facts = reporting.facts(run)
    assert any(row["masked"] for row in facts["top"])
    for name in ("r.html", "r.md"):
        text = sy.report(run, tmp_path / name).read_text(encoding="utf-8")
        assert PHONE not in text
        assert "13912345678" not in text
        assert "[phone]" in text


def test_without_relevant_the_page_says_what_is_not_known(table, tmp_path) -> None:
    bare = sy.score([{k: r[k] for k in ("user", "item", "time")} for r in table], run_dir=tmp_path)
    facts = reporting.facts(bare)
    assert [e["code"] for e in facts["limits"]] == ["LM06", "LM07", "LM08", "LM04", "LM11"]
    assert {b["wrong"] for b in facts["carriers"]["activity"]} == {None}
    assert facts["summary"]["quality"] == []
    text = render(facts)
    assert text.count('class="en" lang="en"') == text.count('class="zh" lang="zh-Hans"')


def test_each_arm_is_told_for_every_band_of_activity_and_with_all_measures(run, compared, tmp_path) -> None:
    bands = {(s.column, s.value) for s in compared.slices}
    assert {(s.arm, s.column, s.value) for s in compared.slices} == {
        (a, *b) for a in ("user_gate", "ips") for b in bands
    }
    bands = {value for _, value in bands}
    assert bands & {"5-19", "20-99"}  # of items
    text = sy.report(run, tmp_path / "r.html").read_text(encoding="utf-8")
    for said in (
        "rows of the user",
        "用户的行数",
        "takers of the item",
        "商品的取用者",
        "coverage",
        "覆盖率",
        "item_knn",
        *bands,
    ):
        assert said in text, said
    assert compared.answer in text
    assert not re.search(r"\bnan\b", text)


def concluded(gains: dict[str, np.ndarray | float], activity: np.ndarray):
    """Return the comparison of made-up arms: what each user of an activity (u,) gains over uniform training."""
    base = 0.3 + 0.01 * np.random.default_rng(0).random(len(activity))
    values = {name: base + gain for name, gain in gains.items()}
    plain, more = dict.fromkeys(values, 1.0), {name: {} for name in values}
    cells = [Cell(values, more, plain, plain, activity, 3000, {}) for _ in range(3)]
    return contrasting.conclude(cells, "recall@10", "bpr", "gold", Settings(seeds=3, min_gain=0, interest=0.01, seed=7))


def test_effects_of_a_band_are_of_its_users_alone() -> None:
    activity = np.arange(300) // 10 + 1
    gain = 0.001 * activity
    found = concluded({"uniform_early_stop": 0.0, "user_gate": gain, "shuffled": 0.0}, activity).slices
    assert [s.value for s in found] == ["1-10", "11-20", "21-"]
    assert sum(s.n for s in found) == 300
    low = (activity <= 10, (activity > 10) & (activity <= 20), activity > 20)
    assert [s.delta.value for s in found] == pytest.approx([gain[of].mean() for of in low])


def test_harm_by_an_arm_that_does_not_win_is_shown_and_changes_no_verdict() -> None:
    gains = {"uniform_early_stop": 0.0, "user_gate": 0.1, "shuffled": 0.0, "ips": -0.1, "ips_shuffled": 0.0}
    found = concluded(gains, np.arange(300) // 10 + 1)
    assert {(s.arm, s.harmed) for s in found.slices} == {("user_gate", False), ("ips", True)}
    assert (found.answer, found.recommended) == ("use_weights", "user_gate")


def test_where_no_arm_changes_any_list_the_smallest_visible_difference_is_that_of_the_users() -> None:
    found = concluded(dict.fromkeys(("uniform_early_stop", "user_gate", "shuffled"), 0.0), np.arange(300) // 10 + 1)
    assert found.smallest_visible == pytest.approx(3 / 300)
    moved = concluded({"uniform_early_stop": 0.0, "user_gate": 0.1, "shuffled": 0.0}, np.arange(300) // 10 + 1)
    assert moved.smallest_visible < 3 / 300


def test_effects_on_items_are_those_of_their_band_and_change_no_verdict() -> None:
    activity = np.arange(300) // 10 + 1
    base = 0.3 + 0.01 * np.random.default_rng(0).random(300)
    gains = {"uniform_early_stop": 0.0, "user_gate": 0.1, "shuffled": 0.0}
    values = {name: base + gain for name, gain in gains.items()}
    cold = {name: np.where(np.arange(300) < 120, base - 3 * gain, np.nan) for name, gain in gains.items()}
    few = {name: np.where(np.arange(300) < 10, base, np.nan) for name in gains}
    plain, more = dict.fromkeys(values, 1.0), {name: {} for name in values}
    cells = [Cell(values, more, plain, plain, activity, 9, {}, {"0-4": cold, "5-19": few}) for _ in range(3)]
    found = contrasting.conclude(
        cells, "recall@10", "bpr", "gold", Settings(seeds=3, min_gain=0, interest=0.01, seed=7)
    )
    (effect,) = [s for s in found.slices if s.column == "takers_of_item"]  # ten users are too few to tell
    assert (effect.value, effect.n, effect.harmed) == ("0-4", 120, True)
    assert effect.delta.value == pytest.approx(-0.3)
    assert (found.answer, found.recommended) == ("use_weights", "user_gate")


def test_bands_of_items_part_what_was_held_out() -> None:
    sets = recommending.three_sets(shop(), 0)
    bands = recommending.bands_of(sets)
    assert sum(b.nnz for b in bands.values()) == sets.test.nnz
    takers = np.bincount(sets.learn.item, minlength=sets.test.shape[1])
    for name, held in bands.items():
        low, _, high = name.partition("-")
        own = takers[np.unique(held.indices)] if held.nnz else np.zeros(0)
        assert ((own >= int(low)) & (own <= int(high or 10**9))).all()


def test_a_source_that_is_gone_is_said_and_the_page_is_made_all_the_same(table, tmp_path) -> None:
    path = tmp_path / "gone.csv"
    path.write_text("user,item,rating\n" + "\n".join(f"{r['user']},{r['item']},{r['rating']}" for r in table))
    run = sy.score(path, relevant=4, run_dir=tmp_path)
    path.unlink()
    facts = reporting.facts(api.open_run(run.id, tmp_path))
    assert [f["severity"] for f in facts["findings"]] == ["warn"]
    assert len(facts["top"]) == 100
    assert "wrong" in facts["carriers"]["activity"][0]
    render(facts)
