"""Click logs: fields are recognised, numbers told from codes, and FM and DeepFM take part in compare with weights."""

import csv
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import steelyard as sy
from steelyard import tiers
from steelyard.acts import encoding, judging, training
from steelyard.apps.cli import main
from steelyard.errors import DataError, UsageError
from steelyard.parts import make
from steelyard.parts.measures import parse
from steelyard.values.samples import Samples

QUICK = {"seeds": 1, "repairs": 1, "inner_folds": 2, "processes": 1}


def log(n: int = 240, seed: int = 0, **more) -> list[dict]:
    """Return impressions; a click depends on the pair of site and device, and on neither alone."""
    rng = np.random.default_rng(seed)
    rows = []
    for k in range(n):
        site, device = int(rng.integers(4)), int(rng.integers(4))
        click = int(rng.random() < (0.9 if (site + device) % 2 else 0.1))
        row = {"site": f"s{site}", "device": f"d{device}", "price": f"{rng.lognormal(3, 1):.2f}", "hour": str(k % 24)}
        rows.append({**row, **{c: f(k) for c, f in more.items()}, "click": click})
    return rows


def slim(**more) -> list[dict]:
    """Return a log without numbers, which trees read."""
    return [{c: v for c, v in row.items() if c not in ("price", "hour")} for row in log(**more)]


def written(path, rows) -> str:
    with path.open("w", newline="") as f:
        writer = csv.DictWriter(f, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return str(path)


def test_a_table_of_fields_and_clicks_is_a_click_log(tmp_path) -> None:
    rows = log(user_id=lambda k: f"u{k % 30}", ts=lambda k: 1_600_000_000 + k, row_id=lambda k: k)
    for where in (rows, written(tmp_path / "log.csv", rows)):
        found = sy.read(where)
        assert (found.task, found.scale.names) == ("classification", ("0", "1"))
        assert list(found.fields.names) == ["site", "device", "price", "hour", "user_id"]
        assert found.numeric_names == ("price",)
        assert found.numeric[:, 0] == pytest.approx([float(r["price"]) for r in rows], rel=1e-6)
        assert found.table["text"][0].as_py().startswith("site=")
        (note,) = [f for f in found.notes if f.code == "D122"]
        assert "price" in note.say("en")
        assert "price" in note.say("zh")
    assert (sy.read(rows).fields.code == found.fields.code).all(), "a file of texts says what a table of numbers says"


def test_whole_numbers_that_are_few_or_codes_are_categories() -> None:
    rows = log(1000, shop_id=lambda k: 1000 + k, clicks_before=lambda k: k, region=lambda k: 80 + k % 9)
    found = sy.read(rows)
    assert found.numeric_names == ("price", "clicks_before")
    code = dict(zip(found.fields.names, found.fields.code.T, strict=True))
    assert len(set(code["shop_id"])) > 990, "neighbouring codes are other shops"
    assert len(set(code["region"])) == 9
    assert len(set(code["clicks_before"])) < 60


def test_what_is_missing_is_a_category_and_no_text() -> None:
    rows = log(40)
    rows[3]["site"], rows[4]["price"] = None, None
    found = sy.read(rows)
    assert "site=" not in found.table["text"][3].as_py()
    assert np.isnan(found.numeric[4, 0])
    assert found.fields.code[3, 0] not in found.fields.code[[r for r in range(40) if r != 3], 0]


def test_task_click_reads_any_labelled_table_as_fields() -> None:
    rows = [{"user_id": f"u{k % 5}", "item_id": f"i{k % 7}", "text": "a b", "label": k % 2} for k in range(20)]
    assert list(sy.read(rows, task="click").fields.names) == ["user_id", "item_id", "text"]
    assert sy.read(rows).fields is None
    only = [{"click": k % 2} for k in range(9)]
    with pytest.raises(DataError) as e:
        sy.read(only, task="click")
    assert e.value.code == "D103"


def test_users_and_items_stay_interactions_unless_asked() -> None:
    rows = [{"user_id": f"u{k % 5}", "item_id": f"i{k % 7}", "click": k % 2} for k in range(20)]
    assert not isinstance(sy.read(rows), Samples)
    assert list(sy.read(rows, task="click").fields.names) == ["user_id", "item_id"]


def test_read_gives_back_what_write_wrote(tmp_path) -> None:
    found = sy.read(log(30))
    found.write(tmp_path / "s.parquet")
    again = Samples.read(tmp_path / "s.parquet")
    assert (again.fields.code == found.fields.code).all()
    assert again.fields.width == found.fields.width
    some = again.take(np.array([4, 2]))
    assert (some.fields.code == found.fields.code[[4, 2]]).all()


@pytest.mark.parametrize("model", ["fm", "deepfm"])
def test_compare_trains_click_models_and_tells_all_measures(model: str, tmp_path, monkeypatch, capsys) -> None:
    """A file is scored first; a finished run is found again."""
    if model == "deepfm":
        pytest.importorskip("torch")
    monkeypatch.setenv("STEELYARD_PROCESSES", "1")
    file = written(tmp_path / "log.csv", slim(user_id=lambda k: f"u{k % 6}"))
    arms = ["--arms", "gate", "--seeds", "1", "--run-dir", str(tmp_path / "runs"), "--json"]
    assert main(["compare", file, "--model", model, *arms]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["model"], said["measure"], said["groups"]) == (model, "auc", 6)
    for arm in said["arms"]:
        assert set(arm["more"]) == {"auc", "gauc", "log_loss", "ece"}
        assert arm["more"]["auc"] == pytest.approx(arm["value"])
    assert {"uniform", "uniform_early_stop", "gate", "shuffled"} <= {a["name"] for a in said["arms"]}


def test_a_measure_that_falls_is_told_as_it_is(tmp_path) -> None:
    run = sy.score(slim(), run_dir=tmp_path, processes=1)
    found = sy.compare(run, model="fm", metric="log_loss", arms=["gate"], run_dir=tmp_path, **QUICK)
    arm = found.arm("uniform")
    assert set(arm.more) == {"auc", "log_loss", "ece"}, "no column names users"
    assert arm.more["log_loss"] == pytest.approx(-arm.value)
    with pytest.raises(UsageError) as e:
        sy.compare(run, model="fm", metric="gauc", run_dir=tmp_path, **QUICK)
    assert e.value.code == "U221"


def test_gauc_decides_inside_each_user() -> None:
    samples = sy.read(log(user_id=lambda k: f"u{k % 40}"))
    judged = judging.judged(samples, parse("gauc"), parse)
    table = encoding.encode(samples)
    assert len(np.unique(judged.group(table))) == 40
    assert len(np.unique(table.group)) > 40, "users may stand in train and test, equal rows may not"


class Seen:
    """Notes what it is fitted with."""

    def __init__(self, model) -> None:
        self.model, self.asked = model, []

    def epochs_of(self, encoded, label, classes, sample_weight, target, seed):
        self.asked.append((len(encoded), sample_weight, target))
        return self.model.epochs_of(encoded, label, classes, sample_weight, target, seed)


@pytest.mark.parametrize("name", ["fm", "deepfm"])
def test_weights_and_targets_reach_the_loss(name: str) -> None:
    """A row of weight 0 says nothing of its label, weights change what is learned, a target stands for the label."""
    if name == "deepfm":
        pytest.importorskip("torch")
    table = encoding.encode(sy.read(log()))
    train, stop, test = np.arange(0, 160), np.arange(160, 200), np.arange(200, 240)
    some = np.ones(160)
    some[:40] = 0.0
    soft = np.tile([0.3, 0.7], (160, 1))
    given = [("plain", np.ones(160), None), ("some", some, None), ("soft", np.ones(160), soft)]
    ways = [training.Way(*way) for way in given]
    model = Seen(make("models", name))

    def run(label):
        return training.train_fields(replace(table, label=label), ways, train, stop, test, model, 3, lambda p: p[0, 1])

    plain, part, mixed = (t.probability for t in run(table.label))
    assert [(n, w.tolist(), t is None) for n, w, t in model.asked[:3]] == [
        (160, way.weight.tolist(), way.target is None) for way in ways[:3]
    ]
    turned = table.label.copy()
    turned[:40] = 1 - turned[:40]
    other = run(turned)
    np.testing.assert_array_equal(other[1].probability, part)
    assert np.abs(other[0].probability - plain).max() > 1e-4
    np.testing.assert_array_equal(other[2].probability, mixed)
    assert np.abs(part - plain).max() > 1e-4


@pytest.mark.parametrize("name", ["fm", "deepfm"])
def test_an_arm_stops_at_the_epoch_that_its_stopping_rows_like_best(name: str) -> None:
    if name == "deepfm":
        pytest.importorskip("torch")
    table = encoding.encode(sy.read(log()))
    train, rest = np.arange(0, 200), np.arange(200, 240)
    model = make("models", name, epochs=5)
    at = iter([0.1, 0.9, 0.3, 0.2, 0.4])
    (early,) = training.train_fields(
        table, [training.Way("early", np.ones(200), None)], train, rest, rest, model, 0, lambda p: next(at)
    )
    whole = [
        f.predict(table.fields.take(rest)).copy()
        for f in model.epochs_of(table.fields.take(train), table.label[train], 2, np.ones(200), None, 0)
    ]
    np.testing.assert_array_equal(early.probability, whole[1])
    np.testing.assert_array_equal(
        make("models", name, epochs=2)
        .fit(table.fields.take(train), table.label[train], 2)
        .predict(table.fields.take(rest)),
        whole[1],
    )


def test_a_table_without_fields_says_what_to_do(tmp_path) -> None:
    rows = [{"text": f"word{k % 3} and {k}", "label": "ab"[k % 2]} for k in range(60)]
    run = sy.score(rows, run_dir=tmp_path, processes=1)
    for model in ("fm", "deepfm"):
        with pytest.raises(UsageError) as e:
            sy.compare(run, model=model, run_dir=tmp_path, **QUICK)
        assert e.value.code == "U222"
        assert "--task click" in e.value.say("en")
        assert "--task click" in e.value.say("zh")


def test_the_page_on_click_logs_runs_and_says_what_is(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    page = (Path(__file__).parents[2] / "docs" / "clicks.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", page, re.S)
    exec(compile(code, "docs/clicks.md", "exec"), {})
    first, *arms, last = capsys.readouterr().out.strip().splitlines()
    assert first == "auc ['auc', 'ece', 'gauc', 'log_loss']"
    value = {name: float(v) for name, v in (line.split() for line in arms)}
    assert 0.75 < value["uniform"] < 0.9
    assert value["gate"] < value["uniform"]
    assert last == "True"
    for code in ("U221", "U222"):
        assert code in page
    assert all(f"`{m}`" in page for m in (*judging.OF_CLICKS, *tiers.CLICK_MODELS))


def test_test_rows_of_one_label_are_refused() -> None:
    """As in tables whose test labels are hidden: no measure tells one arm from another there."""
    rows = [{**r, "split": "train" if k % 2 else "test"} for k, r in enumerate(log())]
    assert judging.judged(sy.read(rows), None, parse).test is not None
    hidden = [{**r, "click": r["click"] if r["split"] == "train" else 0} for r in rows]
    with pytest.raises(DataError) as e:
        judging.judged(sy.read(hidden), None, parse)
    assert e.value.code == "D123"
    assert "'0'" in e.value.say("en")
