"""What people get wrong in tables of interactions, each said with a code and never with a trace."""

import numpy as np
import pytest

import steelyard as sy
from steelyard.acts.checks.cost import Machine
from steelyard.acts.checks.toll import tolls
from steelyard.acts.inspecting import check
from steelyard.apps.cli import main
from steelyard.errors import UsageError
from steelyard.values.interactions import Interactions

from .test_viewing import rows

BASE = [{"user": f"u{u}", "item": f"i{(u % 4) * 6 + k}", "rating": 5, "time": 1.4e9 + 86400 * (u * 6 + k)}
        for u in range(30) for k in range(6)]  # fmt: skip


def test_users_of_one_row_with_titles_have_no_views_and_no_trace(tmp_path) -> None:
    lonely = [{"user": f"u{u}", "item": f"i{u % 7}", "title": f"thing {u % 7} of"} for u in range(50)]
    run = sy.score(lonely, run_dir=tmp_path)
    assert run.info["views"]["known"] == 0
    assert {q["chance"] for q in run.info["views"]["quadrants"].values()} == {None}
    page = sy.report(run, tmp_path / "r.html").read_text(encoding="utf-8")
    assert 'id="views"' in page
    assert "nan" not in page.split('id="views"')[1].split("</section>")[0].lower()


def test_an_unknown_user_is_said_with_the_nearest_one(tmp_path) -> None:
    run = sy.score(BASE, run_dir=tmp_path)
    with pytest.raises(UsageError) as error:
        run.query("u311")
    assert error.value.code == "U207"
    assert error.value.facts["near"] in {"u1", "u11", "u3", "u31"} | {f"u{k}" for k in range(30)}


def test_users_and_items_that_training_does_not_have_are_scored_and_compared(tmp_path) -> None:
    split = [{**r, "split": "train"} for r in BASE]
    strange = [("new", "i1"), ("u1", "inew"), ("u1", "i20"), ("u2", "i21"), ("u3", "i1"), ("u4", "i7")]
    split += [{"user": u, "item": i, "rating": 5, "time": 1.6e9, "split": "valid" if k % 2 else "test"}
              for k, (u, i) in enumerate(strange)]  # fmt: skip
    codes = {f.code for f in sy.check(split).findings}
    assert {"D225", "D226"} <= codes
    run = sy.score(split, run_dir=tmp_path)
    assert np.isfinite(run.column("suspicion")).all()
    assert sy.compare(run, model="item_knn", seeds=1).answer == "cannot_tell"


def test_an_item_with_two_titles_is_said(tmp_path) -> None:
    items = [{"item_id": f"i{k}", "title": f"thing {k}"} for k in range(24)]
    twice = [*items, {"item_id": "i3", "title": "another name"}, {"item_id": "i4", "title": "thing 4"}]
    told = {f.code: f for f in sy.check(BASE, items=twice).findings}
    assert told["D236"].count == 1
    assert told["D236"].facts["shown"] == "i3"
    assert "D236" not in {f.code for f in sy.check(BASE, items=items).findings}


def test_values_below_zero_name_a_rule_that_takes_them(tmp_path, capsys) -> None:
    path = tmp_path / "low.csv"
    path.write_text("user,item,rating\n" + "\n".join(f"{r['user']},{r['item']},-2" for r in BASE))
    assert main(["score", str(path), "--run-dir", str(tmp_path)]) == 3
    assert "positive=-2" in capsys.readouterr().err
    assert sy.check(path, positive=-2).usable


def test_a_catalogue_that_does_not_fit_is_said_before_the_work() -> None:
    m = 1_000_000
    names = np.array([str(k) for k in range(m)], object)
    of = Interactions(
        row_key=names, user=np.arange(m) // 3, item=np.arange(m), value=np.ones(m), user_ids=names[: m // 3 + 1],
        item_ids=names, split=np.full(m, "train", object),
    )  # fmt: skip
    machine = Machine(cores=2, memory=8e9, torch=False)
    told = {f.code: f for f in check(of, machine=machine).findings}
    assert told["D233"].facts["needed"] > 400
    assert "D234" in told
    assert tolls(of, machine)["compare"]["memory_bytes"] < 2e10  # without EASE, which stays out
    small, _ = rows(users=40)
    assert not {"D233", "D234"} & {f.code for f in check(small, machine=machine).findings}
