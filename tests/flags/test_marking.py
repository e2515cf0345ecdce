"""Marks: labels that came with one word are recognised, teach nothing, and are told; telling words are no marks."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from sklearn.metrics import roc_auc_score

import steelyard as sy
from steelyard import parts
from steelyard.acts import judging, marking, scoring
from steelyard.acts.cells import Settings, _three_sets
from steelyard.acts.encoding import encode
from steelyard.acts.folding import folds
from steelyard.acts.passes import LinearPass
from steelyard.acts.stages import keep_nothing
from steelyard.apps import draw
from steelyard.apps.cli import main
from steelyard.compared import _blind
from steelyard.parts.measures import parse

from .test_controls import measured, titles

LINEAR = parts.make("models", "linear")


def read(samples, mute=None):
    table = encode(samples)
    one = LinearPass(table, LINEAR, folds(table.group, 5, 0), 5, 0, None, "one", keep_nothing, mute=mute)
    return table, one.compute()


@pytest.fixture(scope="module")
def marked() -> tuple:
    samples, wrong, table = titles(marked=0.12)
    return samples, wrong, table, measured(samples)


def test_wrong_labels_that_came_with_a_word_are_found(marked: tuple) -> None:
    samples, wrong, table, (_, found, _, readings, _) = marked
    carries = np.array(["promo24" in t for t in table["text"].to_pylist()])
    assert (found["marked"] > 0).sum() > 0.9 * carries.sum()
    assert (found["marked"][~carries] == 0).all()
    known = samples.label >= 0
    assert roc_auc_score(wrong[known], readings["suspicion"][known]) > 0.85
    assert not readings["flagged"][carries].any(), "the word may be a good reason: people decide"
    weight = parts.make("policies", "gate").weigh(readings).weight
    assert weight[found["marked"] > 0].mean() > 0.9
    (told,) = marking.named(samples, found["marked"])
    assert told == {"value": "promo24", "rows": int(carries.sum()), "labelled": int((found["marked"] > 0).sum()),
                    "label": samples.scale.names[0]}  # fmt: skip


def test_without_marks_the_same_labels_are_believed(marked: tuple, monkeypatch) -> None:
    samples, wrong, _, (_, _, _, told, _) = marked
    monkeypatch.setattr(marking, "marks", lambda *_: [])
    _, found, _, readings, _ = measured(samples)
    assert not found["marked"].any()
    with_marks = roc_auc_score(wrong, told["suspicion"])
    assert with_marks > roc_auc_score(wrong, readings["suspicion"]) + 0.05


@pytest.mark.parametrize("wrong", [0.0, 0.1, 0.3])
def test_no_mark_where_words_are_telling_or_errors_are_anywhere(wrong: float) -> None:
    table, said = read(titles(wrong=wrong, seed=2)[0])
    assert not marking.marked(table, LINEAR, said["probability"], 0).any()


def test_pairs_are_left_alone() -> None:
    samples = sy.read(sy.demo_table(), label_order=["I", "C", "S", "E"])
    table = encode(samples)
    assert marking.marks(table, LINEAR, np.full((len(samples), 4), 0.25), 0) == []


def test_labels_of_mute_rows_teach_nothing() -> None:
    samples, _, _ = titles()
    mute = np.random.default_rng(0).random(len(samples)) < 0.2
    other = replace(samples, label=np.where(mute, (samples.label + 1) % len(samples.scale), samples.label))
    (_, one), (_, two), (_, all_) = read(samples, mute), read(other, mute), read(other)
    assert np.array_equal(one["probability"], two["probability"])
    assert np.array_equal(one["alignment"], two["alignment"], equal_nan=True)
    assert np.isnan(one["alignment"][mute]).all()
    assert not np.array_equal(all_["probability"], two["probability"])


def test_two_marks_with_two_labels_are_told_apart() -> None:
    samples, _, table = titles()
    rng = np.random.default_rng(3)
    text, label = np.array(table["text"].to_pylist(), object), np.array(table["label"].to_pylist(), object)
    names, kind = sorted(set(label.tolist())), rng.choice(3, len(text), p=[0.1, 0.1, 0.8])
    for k, word in enumerate(("promo24", "dealx")):
        label[kind == k] = names[k]
        text[kind == k] = [f"{t} {word}" for t in text[kind == k]]
    samples = sy.read({"text": text.tolist(), "label": label.tolist()}, task="classification")
    table = encode(samples)
    found = scoring.measure(table, LINEAR, parts.make("models", "boosted"), repairs=1)["marked"]
    told = {m["value"]: m["label"] for m in marking.named(samples, found)}
    assert told == {"promo24": names[0], "dealx": names[1]}


def test_two_words_that_say_the_same_label_are_how_texts_talk() -> None:
    _, _, table = titles()
    rng = np.random.default_rng(4)
    text, label = np.array(table["text"].to_pylist(), object), np.array(table["label"].to_pylist(), object)
    names, kind = sorted(set(label.tolist())), rng.choice(3, len(text), p=[0.1, 0.1, 0.8])
    label[kind < 2] = names[0]
    for k, word in enumerate(("promo24", "dealx")):
        text[kind == k] = [f"{t} {word}" for t in text[kind == k]]
    samples = sy.read({"text": text.tolist(), "label": label.tolist()}, task="classification")
    found = scoring.measure(encode(samples), LINEAR, parts.make("models", "boosted"), repairs=1)["marked"]
    assert not found.any()


def test_a_run_says_it_in_both_languages_in_json_on_the_page_and_under_the_verdict(tmp_path: Path, capsys) -> None:
    _, _, table = titles(marked=0.12)
    stages = []
    run = sy.score(table, task="classification", run_dir=tmp_path, progress=lambda *told: stages.append(told))
    assert [told for told in stages if told[0] == "marks"] == [("marks", done, 2) for done in range(3)]
    assert [m["value"] for m in run.info["marks"]] == ["promo24"]
    assert _blind(run.run, "given")[0][0] == "VL07"
    for lang in ("en", "zh"):
        text = draw.scored(run, lang)
        assert "LM13" in text
        assert "promo24" in text
    page = sy.report(run, tmp_path / "page.md").read_text(encoding="utf-8")
    assert "promo24" in page
    assert main(["show", str(run.run.path), "info", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["info"]["marks"]


def test_marked_rows_judge_nobody_unless_gold_does(tmp_path: Path) -> None:
    _, wrong, table = titles(marked=0.12)
    run = sy.score(table, task="classification", run_dir=tmp_path)
    assert run.marked.sum() == run.info["marks"][0]["labelled"]
    judged = judging.judged(run.samples, None, parse, run.marked)
    train, stop, test = _three_sets(encode(run.samples), judged, Settings(folds=2), 0, 0)
    assert run.marked[train].any()
    assert not run.marked[stop].any()
    assert not run.marked[test].any()
    assert run.column("neighbours")[run.marked & wrong].mean() > 0.5, "its neighbours are rows that no mark touched"
    found = sy.compare(run, seeds=1, folds=2)
    assert "VL07" in [code for code, _ in found.limits]
    other = sorted(set(table["label"].to_pylist()))[1]
    truth = table.append_column(
        "gold", pa.array([other if w else v for w, v in zip(wrong, table["label"].to_pylist(), strict=True)])
    )
    judged = sy.compare(sy.score(truth, task="classification", run_dir=tmp_path / "gold"), seeds=1, folds=2)
    assert judged.on == "gold"
    assert "VL07" not in [code for code, _ in judged.limits]
