"""The proxy inside the step: it begins the gate's ledger, says what reference labels are worth, and leaks nothing."""

import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_arms import LEARN, fitted, networks
from tiny import NEVER, RECIPE, Setup, same, texts

from steelyard import parts
from steelyard.acts import estimating, scoring
from steelyard.acts.cells import subset
from steelyard.acts.checkpointing import Keeper
from steelyard.acts.encoding import encode
from steelyard.acts.ledger import Ledger
from steelyard.acts.proxying import Proxy, _in_shares
from steelyard.acts.training import Trained, Way
from steelyard.acts.weighing import Prior, Weighing
from steelyard.features.table import Table
from steelyard.values.samples import Samples

MODELS = {"linear": parts.make("models", "linear"), "boosted": parts.make("models", "boosted")}
N = 240
SEEN, UNSEEN = np.arange(0, 160), np.arange(160, N)


def made(table: Table, learn: np.ndarray) -> Proxy:
    """Return what the quick models say of ``learn``."""
    inside = subset(table, learn)
    columns = scoring.measure(inside, MODELS["linear"], MODELS["boosted"], k=2, repairs=1)
    signals = scoring.as_signals(learn.astype(str).astype(object), inside, columns)
    estimators = {name: parts.make("estimators", name) for name in estimating.HEADLINE.values()}
    p_wrong = estimating.read_out(signals, estimators)["p_wrong"]
    return Proxy(table, learn, signals, p_wrong, MODELS, 1)


@pytest.fixture(scope="module")
def noisy() -> tuple[Samples, np.ndarray]:
    """Return samples with every eighth label wrong, and the right labels."""
    samples = texts(N)
    label = samples.label.copy()
    label[::8] = (label[::8] + 1) % 3
    return replace(samples, label=label), samples.label


@pytest.fixture(scope="module")
def proxy(noisy: tuple[Samples, np.ndarray]) -> Proxy:
    return made(encode(noisy[0]), SEEN)


def test_wrong_labels_have_negative_margins_and_other_rows_none(proxy: Proxy, noisy: Any) -> None:
    margin, (samples, right) = proxy.margin(), noisy
    wrong = samples.label[SEEN] != right[SEEN]
    assert np.isnan(margin[UNSEEN]).all()
    assert np.median(margin[SEEN][wrong]) < 0 < np.median(margin[SEEN][~wrong])


def test_the_truth_of_reference_rows_is_nearer_than_their_labels(proxy: Proxy, noisy: Any) -> None:
    samples, right = noisy
    truth = proxy.truth(UNSEEN)
    np.testing.assert_allclose(truth.sum(1), 1)
    given = (samples.label[UNSEEN] == right[UNSEEN]).mean()
    assert (truth.argmax(1) == right[UNSEEN]).mean() > given + 0.05


def test_labels_of_reference_rows_teach_the_proxy_nothing(proxy: Proxy) -> None:
    """What is read of them, before Bayes joins their own label to it, stays as it is when all of them are changed."""
    label = proxy.table.label.copy()
    label[UNSEEN] = (label[UNSEEN] + 1) % 3
    other = replace(proxy, table=replace(proxy.table, label=label))
    unlabelled = replace(proxy, table=replace(proxy.table, label=np.where(np.isin(np.arange(N), UNSEEN), -1, label)))
    np.testing.assert_array_equal(proxy._read(UNSEEN), other._read(UNSEEN))
    np.testing.assert_allclose(unlabelled.truth(UNSEEN), proxy._read(UNSEEN), rtol=1e-6)
    assert not np.array_equal(proxy.truth(UNSEEN), other.truth(UNSEEN))


def test_reference_rows_are_those_that_the_proxy_is_sure_of(proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = np.arange(200, 204)
    told = np.array([[0.8, 0.1, 0.1], [0.4, 0.5, 0.1], [0.0, 0.25, 0.75], [0.1, 0.2, 0.7]])
    monkeypatch.setattr(Proxy, "truth", lambda self, rows: told)
    kept, target = proxy.reference(rows)
    assert kept.tolist() == [200, 202]
    np.testing.assert_array_equal(target, [[1, 0, 0], [0, 0, 1]])
    told = told[[0, 1, 1, 3]]  # sure of one in four: it knows too little to leave rows out
    kept, target = proxy.reference(rows)
    assert kept.tolist() == rows.tolist()
    np.testing.assert_array_equal(target, told)


def test_labels_of_reference_rows_have_the_shares_of_all() -> None:
    label = np.array([0] * 80 + [1] * 20)
    label = label[np.random.default_rng(0).permutation(100)]
    chosen = _in_shares(label, np.array([0.6, 0.4, 0.0]))
    assert len(chosen) == 100
    assert (np.diff(chosen) >= 0).all()
    assert abs((label[chosen] == 1).sum() - 40) <= 1
    assert len(np.unique(chosen[label[chosen] == 1])) == 20, "every row of the rare label comes"
    assert np.bincount(chosen).max() <= 3
    np.testing.assert_array_equal(_in_shares(label, np.array([0.8, 0.2, 0.0])), np.arange(100))


def test_labels_of_reference_rows_that_it_is_sure_of_are_mostly_right(proxy: Proxy, noisy: Any) -> None:
    samples, right = noisy
    kept, target = proxy.reference(UNSEEN)
    assert len(kept) >= len(UNSEEN) / 2
    given = (samples.label[kept] == right[kept]).mean()
    assert (target.argmax(1) == right[kept]).mean() > max(given, 0.95)


def test_marked_rows_tell_nothing_of_the_noise(proxy: Proxy) -> None:
    mark = np.arange(len(SEEN)) % 3 == 0
    marked = replace(proxy, signals=proxy.signals.with_columns(marked=mark.astype(np.int16)))
    label = proxy.table.label.copy()
    label[SEEN[mark]] = 0
    other = replace(marked, table=replace(proxy.table, label=label))
    np.testing.assert_array_equal(marked._noise(), other._noise())
    assert not np.array_equal(marked._noise(), proxy._noise())


def test_a_prior_by_hand() -> None:
    nan = np.nan
    prior = Prior(np.array([4.0, -8.0, 8.0, nan, -6.0]), 3.0)
    aum, visits = np.array([2.0, 1.0, -1.0, 5.0, nan]), np.array([1.0, 3.0, 1.0, 1.0, 0.0])
    # sizes: 1 of the network's, 8 of the prior's; row 4 was not visited, row 3 has no prior
    by_hand = [(3 * 0.5 + 2) / 4, (3 * -1 + 3 * 1) / 6, (3 * 1 - 1) / 4, 5, -0.75]
    np.testing.assert_allclose(prior.joined(aum, visits), by_hand)
    np.testing.assert_array_equal(prior.joined(np.full(5, nan), np.zeros(5)), prior.margin)


def test_the_unit_of_a_prior_does_not_matter() -> None:
    rng = np.random.default_rng(0)
    margin, aum, visits = rng.normal(size=40), rng.normal(size=40), np.ones(40)
    one, other = (Prior(margin * unit, 3.0).joined(aum, visits) for unit in (1.0, 50.0))
    np.testing.assert_allclose(one, other)


def test_the_networks_own_margins_take_over_as_visits_grow() -> None:
    margin, aum = np.linspace(-1, 1, 41), np.linspace(1, -1, 41)
    near = [np.abs(Prior(margin, 3.0).joined(aum, np.full(41, v)) - aum).mean() for v in (1.0, 3.0, 30.0, 3000.0)]
    assert near == sorted(near, reverse=True)
    assert near[-1] < 0.01
    np.testing.assert_allclose(Prior(margin, 3.0).joined(aum, np.full(41, 3.0)), 0, atol=1e-12)  # half of the say


def test_a_gate_with_a_prior_acts_at_the_first_step() -> None:
    margin = np.r_[np.full(4, -3.0), np.linspace(1.5, 3, 36)]
    rows, gate = np.arange(40), parts.make("alphas", "gate")
    weight = Weighing(40, gate, prior=Prior(margin, gate.prior)).weigh(rows, {}, 0.0)
    assert weight is not None
    assert weight[:4].max() < 0.1 < 0.9 < weight[4:].min()
    assert Weighing(40, gate).weigh(rows, {}, 0.0) is None  # warm-up
    fixed = np.linspace(0.5, 1.5, 40)
    told = Weighing(40, gate, fixed=fixed, prior=Prior(margin, 3.0)).weigh(rows, {}, 0.5)
    np.testing.assert_array_equal(told, fixed)


def test_the_ledger_itself_holds_the_training_alone(bert: str) -> None:
    """A prior weighs; what the network showed is kept as it was shown."""
    s = Setup(bert, texts(), parts.make("tasks", "classification"))
    weighing = Weighing(48, parts.make("alphas", "gate"), prior=Prior(np.linspace(-1, 1, 48), 3.0))
    ledger = Ledger(48, 2)
    for epoch in (0, 1):
        seen = s.learner.look(np.arange(48), ("loss", "margin", "confidence", "right", "el2n"))
        ledger.add(np.arange(48), epoch, seen, None, 0.1)
    np.testing.assert_allclose(ledger.columns()["aum"], seen["margin"], rtol=1e-5)
    weighing.epoch(ledger.columns())
    assert not np.allclose(weighing.ledger["aum"], ledger.columns()["aum"])


def test_resume_with_a_prior_is_bit_for_bit(bert: str, folder: Path) -> None:
    prior = Prior(np.random.default_rng(0).normal(size=48), 3.0)
    whole, killed, again = (Setup(bert, texts(), parts.make("tasks", "classification")) for _ in range(3))
    whole.run("gate", prior=prior)
    killed.run("gate", prior=prior, keeper=Keeper(folder, every=1), stop_after=8)
    again.run("gate", prior=prior, keeper=Keeper(folder, every=1))
    assert same(whole.weights(), again.weights())
    np.testing.assert_array_equal(whole.ledger.columns()["alpha"], again.ledger.columns()["alpha"])
    other = Setup(bert, texts(), parts.make("tasks", "classification"))
    other.run("gate")
    assert not same(whole.weights(), other.weights())


def test_planted_errors_are_lighter_from_the_first_epoch(bert: str, proxy: Proxy, noisy: Any) -> None:
    samples, right = noisy
    s = Setup(bert, samples, parts.make("tasks", "classification"), replace(RECIPE, epochs=1))
    s.run("gate", stages=NEVER, prior=Prior(proxy.margin(), 3.0))
    alpha, wrong = s.ledger.columns()["alpha"][SEEN], (samples.label != right)[SEEN]
    assert alpha[wrong].mean() < 0.5 * alpha[~wrong].mean()


def said(bert: str, samples: Samples, name: str, proxy: Proxy | None, **options: Any) -> Trained:
    """Train one arm to its last epoch, past the second look at the reference: before, Adam knows no sizes."""
    found = networks(bert, samples, alphas={name: parts.make("alphas", name, **options)})
    found = replace(found, recipe=replace(found.recipe, epochs=6))
    later = itertools.count()
    ways = [Way(name, np.ones(32), None, alpha=found.alphas[name])]
    return fitted(found, samples, ways, lambda p, rows: next(later), proxy)[0]


@pytest.mark.parametrize(("name", "alone"), [("gate", {"prior": 0.0}), ("alignment", {"trusted": False})])
def test_an_arm_asks_the_proxy_unless_its_options_say_no(bert: str, name: str, alone: dict[str, Any]) -> None:
    samples = texts(60)
    label = samples.label.copy()
    label[:44:4] = (label[:44:4] + 1) % 3
    samples = replace(samples, label=label)
    proxy = made(encode(samples), LEARN)
    without = said(bert, samples, name, None)
    np.testing.assert_array_equal(said(bert, samples, name, proxy, **alone).probability, without.probability)
    assert not np.array_equal(said(bert, samples, name, proxy).probability, without.probability)


def test_a_truth_that_is_the_label_is_the_label(bert: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Soft targets of reference rows change nothing where they hold no doubt: rows to learn from keep their losses."""
    samples = texts(60)
    proxy = made(encode(samples), LEARN)
    monkeypatch.setattr(Proxy, "truth", lambda self, rows: np.eye(3)[samples.label[rows]])
    sure, given = (said(bert, samples, "alignment", proxy, trusted=t) for t in (True, False))
    np.testing.assert_allclose(sure.probability, given.probability, atol=1e-5)


def test_a_proxy_of_text_alone_reads_by_the_linear_model(proxy: Proxy) -> None:
    table = replace(proxy.table, features=np.zeros((N, 0), np.uint8))
    alone = made(table, SEEN)
    assert (alone.truth(UNSEEN).argmax(1) == proxy.truth(UNSEEN).argmax(1)).mean() > 0.8
