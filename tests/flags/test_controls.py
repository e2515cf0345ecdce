"""Errors planted inside a scoring, and marks that models learn: what they say is so; clean tables are left alone."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import steelyard as sy
from steelyard import parts
from steelyard.acts import estimating, marking, scoring
from steelyard.acts.disagreeing import blind, carriers
from steelyard.acts.encoding import encode
from steelyard.acts.neighbouring import neighbour_labels
from steelyard.acts.planting import planted
from steelyard.apps.cli import main
from steelyard.compared import _blind
from steelyard.demonstration import catalogue
from steelyard.features import duplicates
from steelyard.values.samples import Samples
from steelyard.values.signals import Signals
from steelyard.values.slices import Category

MODELS = {m: parts.make("models", m) for m in ("linear", "boosted")}


def titles(wrong: float = 0.0, marked: float = 0.0, seed: int = 0) -> tuple[Samples, np.ndarray, pa.Table]:
    """Return titles of the catalogue with their category as label, a share of them flipped, or marked and flipped."""
    made = catalogue.make(5, 900)
    made = made.filter(pa.array([v == "us" for v in made["locale"].to_pylist()]))
    rng, names = np.random.default_rng(seed), sorted(set(made["category"].to_pylist()))
    label = np.array(made["category"].to_pylist(), object)
    text = np.array(made["title"].to_pylist(), object)
    flip, mark = rng.random(len(label)) < wrong, rng.random(len(label)) < marked
    label[flip] = [rng.choice([n for n in names if n != v]) for v in label[flip]]
    label[mark] = names[0]
    text[mark] = [f"promo24 {t}" for t in text[mark]]
    table = pa.table({"text": text.tolist(), "label": label.tolist()})
    changed = label != np.array(made["category"].to_pylist(), object)
    return sy.read(table, task="classification"), changed, table


def measured(samples: Samples) -> tuple:
    table = encode(samples)
    found = scoring.measure(table, MODELS["linear"], MODELS["boosted"], repairs=1)
    twins = duplicates.near_codes(samples)
    found |= neighbour_labels(table) | duplicates.evidence(samples, twins)
    signals = scoring.as_signals(samples.row_key, table, found)
    return table, found, signals, estimating.read_out(signals, parts.of_samples("estimators")), twins


@pytest.fixture(scope="module")
def noisy() -> tuple:
    samples, wrong, _ = titles(wrong=0.1)
    return samples, wrong, measured(samples)


def plant(samples: Samples, made: tuple, seed: int = 0) -> dict:
    table, found, signals, readings, twins = made
    return planted(samples, table, found, signals, readings, parts.make("estimators", "evidence"), twins, seed)


def test_planted_flips_are_found_as_often_as_real_ones(noisy: tuple) -> None:
    """Where the real errors are random flips themselves, recall and the rate of wrong labels are those that are."""
    samples, wrong, made = noisy
    found = [plant(samples, made, s) for s in range(4)]
    real = made[3]["flagged"][wrong].mean()
    assert abs(np.mean([f["recall"] for f in found]) - real) < 0.12
    assert abs(np.mean([f["rate"] for f in found]) - wrong.mean()) < 0.04


def test_nothing_that_leaves_is_touched(noisy: tuple) -> None:
    samples, _, made = noisy
    before = (
        samples.label.copy(),
        {n: np.array(v, copy=True) for n, v in made[1].items()},
        made[3]["suspicion"].copy(),
    )
    plant(samples, made)
    assert (samples.label == before[0]).all()
    assert all(np.array_equal(made[1][n], v, equal_nan=v.dtype.kind == "f") for n, v in before[1].items())
    assert np.array_equal(made[3]["suspicion"], before[2], equal_nan=True)


def test_a_suspicion_that_knows_nothing_finds_few(noisy: tuple) -> None:
    samples, _, (table, found, signals, readings, twins) = noisy
    classes = found["repaired"].shape[1]
    flat = np.full_like(found["repaired"], 1 / classes)
    ignorant = {**found, "repaired": flat, "latest": flat, "probability": flat}
    again = Signals(signals.row_key, {**{n: signals[n] for n in signals.columns}, "repaired": flat, "latest": flat})
    made = planted(samples, table, ignorant, again, readings, parts.make("estimators", "evidence"), twins, 0)
    assert made["recall"] < 0.1
    assert made["within"][2]["recall"] < 0.5


def test_too_few_rows_plant_nothing() -> None:
    samples, _, _ = titles()
    few = samples.take(np.arange(90))
    assert plant(few, measured(few)) is None


@pytest.fixture
def no_marks(monkeypatch) -> None:
    """As where marks are not looked for: models that were taught by all rows."""
    monkeypatch.setattr(marking, "marks", lambda *_: [])


def test_a_mark_that_the_models_learned_is_named_and_clean_text_is_not(noisy: tuple, no_marks: None) -> None:
    samples, changed, table = titles(marked=0.12)
    _, _, signals, readings, _ = measured(samples)
    assert readings["flagged"][changed].mean() < 0.2, "the models are misled, else there is nothing to warn of"
    found = carriers(samples, signals, [])["carriers"]
    assert [c["value"] for c in found] == ["promo24"]
    assert found[0]["rows"] == sum("promo24" in t for t in table["text"].to_pylist())
    clean, _, _ = titles()
    assert carriers(clean, measured(clean)[2], [])["carriers"] == []
    assert carriers(noisy[0], noisy[2][2], [])["carriers"] == []


def made_up(n: int = 2000, inside: float = 0.5, outside: float = 0.01) -> tuple[Samples, Signals, list[Category]]:
    """Return rows of two sellers; blind rows gather at the first, whose labels the models believe."""
    rng = np.random.default_rng(0)
    seller = (rng.random(n) < 0.9).astype(np.int32)
    dark = rng.random(n) < np.where(seller == 0, inside, outside)
    table = pa.table({"text": [f"text {i}" for i in range(n)], "label": ["a", "b"] * (n // 2)})
    samples = sy.read(table, task="classification")
    given = samples.label
    probability = np.eye(2)[given] * 0.8 + 0.1
    near = np.where(dark, 1 - given, given)[:, None].repeat(15, axis=1).astype(np.int32)
    told = {"given": given, "probability": probability, "neighbour_label": near, "distance": 1 - np.eye(2)[given]}
    return samples, Signals(samples.row_key, told), [Category("seller", seller, ("shop@example.com", "other"))]


def test_a_seller_where_the_two_disagree_is_named_and_masked() -> None:
    samples, signals, columns = made_up()
    (found,) = carriers(samples, signals, columns)["carriers"]
    assert found["column"] == "seller"
    assert "shop" not in found["value"]
    assert found["share"] == pytest.approx(0.5, abs=0.1)
    assert found["times"] > 15


def test_disagreement_that_is_everywhere_names_nobody() -> None:
    samples, signals, columns = made_up(inside=0.3, outside=0.3)
    told = carriers(samples, signals, columns)
    assert told["carriers"] == []
    assert told["blind"] == pytest.approx(0.3, abs=0.05)


def test_a_model_that_is_not_sure_is_not_blind() -> None:
    samples, signals, _ = made_up()
    unsure = {n: signals[n] for n in signals.columns} | {"probability": np.full((2000, 2), 0.5)}
    assert blind(signals).any()
    assert not blind(Signals(samples.row_key, unsure)).any()


def test_a_run_says_it_in_both_languages_in_json_and_under_the_verdict(tmp_path: Path, capsys, no_marks: None) -> None:
    _, _, table = titles(marked=0.12)
    run = sy.score(table, task="classification", run_dir=tmp_path)
    assert run.info["planted"]["planted"] > 30
    assert [c["value"] for c in run.info["disagreement"]["carriers"]] == ["promo24"]
    assert _blind(run.run, "given")[0][0] == "VL06"
    assert run.info["error_rate"]["how"] == "RH03", "what is said of the whole table is taken back"
    assert run.info["planted"]["rate"] is None
    for lang in ("en", "zh"):
        from steelyard.apps import draw

        text = draw.scored(run, lang)
        assert "LM10" in text
        assert "promo24" in text
    page = sy.report(run, tmp_path / "page.md").read_text(encoding="utf-8")
    assert "promo24" in page
    assert "Real errors are no random flips" in page
    assert main(["show", str(run.run.path), "info", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["info"]["disagreement"]["carriers"]
