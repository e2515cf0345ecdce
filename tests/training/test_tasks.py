"""Tasks: a loss a sample whatever the batch, lambda gradients of lists, tags and entities, templates, truncation."""

import math
import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from tiny import RECIPE, Setup, pairs, sentences, texts

import steelyard as sy
from steelyard import parts
from steelyard.errors import DataError, UsageError
from steelyard.parts.tasks import checked, tagging
from steelyard.parts.tasks._entities import entities, report, scheme
from steelyard.parts.tasks._lists import spread
from steelyard.parts.tasks._ranking import dealt
from steelyard.parts.tasks._texts import render
from steelyard.parts.tasks.relevance_listwise import lambda_loss
from steelyard.parts.tasks.relevance_pairwise import ranknet
from steelyard.parts.tasks.retrieval import drawn

TASKS = {
    "classification": texts, "relevance_pointwise": pairs, "relevance_dual": pairs, "relevance_pairwise": pairs,
    "relevance_listwise": pairs,    "retrieval": pairs, "tagging": sentences,
}  # fmt: skip


def losses(s: Setup, rows: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        return s.learner.losses_of(rows).numpy()


def test_every_task_is_tried() -> None:
    assert set(TASKS) == set(parts.names("tasks"))


@pytest.mark.parametrize("name", TASKS)
def test_batch_mates_padding_and_order_do_not_matter(bert: str, name: str) -> None:
    s = Setup(bert, TASKS[name](), parts.make("tasks", name), double=True)
    rows = s.encoded.rows
    whole = losses(s, rows)
    assert whole.shape == (len(rows),)
    order = np.random.default_rng(0).permutation(len(rows))
    np.testing.assert_allclose(losses(s, rows[order]), whole[order], rtol=1e-6)
    unit = s.encoded.group if s.task.unit == "query" else np.arange(len(s.samples))
    for code in np.unique(unit[rows])[:6]:
        own = unit[rows] == code
        np.testing.assert_allclose(losses(s, rows[own]), whole[own], rtol=1e-6)


@pytest.mark.parametrize("name", TASKS)
def test_predictions_come_in_the_order_asked(bert: str, name: str) -> None:
    s = Setup(bert, TASKS[name](), parts.make("tasks", name))
    rows = s.encoded.rows[::-1].copy()
    whole, some = s.learner.predict(rows), s.learner.predict(rows[3:5])
    assert len(whole) == len(rows)
    size = s.encoded.length[rows[3]]
    a, b = (x[:size] if name == "tagging" else x for x in (whole[3], some[0]))
    np.testing.assert_allclose(a, b, atol=1e-5)


@pytest.mark.parametrize("name", TASKS)
def test_every_task_learns(bert: str, name: str) -> None:
    s = Setup(bert, TASKS[name](), parts.make("tasks", name), replace(RECIPE, epochs=6, learning_rate=3e-3))
    before = losses(s, s.encoded.rows).mean()
    s.run()
    assert losses(s, s.encoded.rows).mean() < 0.8 * before
    assert np.isfinite(s.ledger.columns()["aum"][s.encoded.rows]).all()


@pytest.mark.parametrize(
    ("name", "way"),
    [("relevance_pointwise", "regression"), ("relevance_dual", "regression"), ("relevance_listwise", "lambda")],
)
def test_other_ways_learn(bert: str, name: str, way: str) -> None:
    made = parts.make("tasks", name, way=way)
    s = Setup(bert, pairs(), made, replace(RECIPE, epochs=6, learning_rate=3e-3))
    before = losses(s, s.encoded.rows).mean()
    s.run()
    assert losses(s, s.encoded.rows).mean() < 0.8 * before


GRADES = torch.tensor([1.0, 0.0, 0.5, 0.5], dtype=torch.float64)
SCORES = torch.tensor([0.3, -0.2, 0.9, 0.1], dtype=torch.float64)


def lists(shares, s: torch.Tensor) -> torch.Tensor:
    return spread(s, {"list": torch.zeros(len(s)), "place": GRADES}, shares)


@pytest.mark.parametrize(
    "shares",
    [ranknet, lambda_loss, parts.make("tasks", "relevance_listwise").listnet],
    ids=["ranknet", "lambda", "listnet"],
)
def test_row_gradients_are_lambdas_and_sum_to_the_list_gradient(shares) -> None:
    s = SCORES.clone().requires_grad_()
    (whole,) = torch.autograd.grad(shares(s, GRADES).sum(), s)
    rows = lists(shares, s)
    jacobian = torch.stack([torch.autograd.grad(rows[i], s, retain_graph=True)[0] for i in range(4)])
    torch.testing.assert_close(jacobian, torch.diag(whole))
    torch.testing.assert_close(rows.sum(), shares(s, GRADES).sum())


def test_ranknet_by_hand() -> None:
    def cost(a: float, b: float) -> float:
        return math.log1p(math.exp(b - a))

    pairs_of = {(0, 1): cost(0.3, -0.2), (0, 2): cost(0.3, 0.9), (0, 3): cost(0.3, 0.1),
                (2, 1): cost(0.9, -0.2), (3, 1): cost(0.1, -0.2)}  # fmt: skip
    expected = [sum(c for p, c in pairs_of.items() if i in p) / 2 * 4 / 5 for i in range(4)]
    np.testing.assert_allclose(lists(ranknet, SCORES).numpy(), expected, rtol=1e-12)


def test_lambda_loss_ignores_pairs_whose_swap_moves_no_ndcg() -> None:
    same = torch.full((4,), 0.5, dtype=torch.float64)
    out = spread(SCORES, {"list": torch.zeros(4), "place": same}, lambda_loss)
    assert float(out.abs().max()) == 0.0


def test_lists_are_whole_in_a_batch_and_long_queries_are_dealt() -> None:
    group = np.array([5] * 40 + [2] * 3)
    code = dealt(group, 16, 0)
    assert np.bincount(code[:40]).max() <= 16
    assert np.ptp(np.bincount(code[:40])[np.unique(code[:40])]) <= 1
    assert len(set(code[40:])) == 1
    assert not set(code[40:]) & set(code[:40])


def test_lists_are_not_split_between_batches(bert: str) -> None:
    s = Setup(bert, pairs(), parts.make("tasks", "relevance_listwise"))
    for rows in s.batches.steps:
        for code in np.unique(s.encoded.group[rows]):
            assert (s.encoded.group[rows] == code).sum() == (s.encoded.group == code).sum()
    first = np.concatenate([r for r, e in zip(s.batches.steps, s.batches.epoch, strict=True) if e == 0])
    np.testing.assert_array_equal(np.sort(first), s.encoded.rows)


def test_negatives_are_explicit_and_of_a_lower_grade(bert: str) -> None:
    samples = pairs()
    s = Setup(bert, samples, parts.make("tasks", "retrieval", negatives=2))
    against = s.encoded.target["against"]
    for row in s.encoded.rows:
        for other in against[row][against[row] >= 0]:
            assert samples.label[other] < samples.label[row]
            assert samples.group[other] == samples.group[row]
    assert set(np.flatnonzero(samples.label == samples.label.min())).isdisjoint(s.encoded.rows)


def test_no_label_of_a_test_row_teaches(bert: str) -> None:
    """Every query has train and test rows: what is drawn against a row lies in its own split."""
    given = pairs(each=8)
    split = np.resize(np.array(["train", "test", "train", None, "valid"], object), len(given))
    samples = replace(given, table=given.table.append_column("split", [split.tolist()]))
    against = Setup(bert, samples, parts.make("tasks", "retrieval")).encoded.target["against"]
    rows, place = np.nonzero(against >= 0)
    assert len(rows) > 30
    assert (samples.split[rows] == samples.split[against[rows, place]]).all()
    other = replace(samples, label=np.where(samples.split == "train", samples.label, 0))
    changed = Setup(bert, other, parts.make("tasks", "retrieval")).encoded.target["against"]
    train = samples.split == "train"
    # who can be drawn depends on train labels alone: as many negatives for every train row, whatever test rows say
    np.testing.assert_array_equal((changed >= 0).sum(1)[train], (against >= 0).sum(1)[train])


def test_every_set_of_negatives_is_as_likely() -> None:
    """Six lower rows, two drawn: 15 sets, each one in 15 of 3,000 rows."""
    label = np.r_[np.zeros(6, int), np.ones(3000, int)]
    against = np.sort(drawn(np.zeros(3006, int), label, 2, seed=1)[6:], axis=1)
    assert ((against >= 0) & (against < 6)).all()
    count = np.bincount(6 * against[:, 0] + against[:, 1], minlength=36).reshape(6, 6)
    assert (count[np.tril_indices(6)] == 0).all()
    assert (np.abs(count[np.triu_indices(6, 1)] - 200) < 5 * np.sqrt(200)).all()


def test_fewer_lower_rows_are_all_drawn_and_unknown_labels_never() -> None:
    against = drawn(np.array([4, 4, 4, 4, 9, 9]), np.array([0, 1, -1, 2, 1, 1]), 3, seed=0)
    assert np.sort(against, axis=1).tolist() == [[-1] * 3, [-1, -1, 0], [-1] * 3, [-1, 0, 1], [-1] * 3, [-1] * 3]


def test_a_large_query_costs_what_many_small_ones_cost() -> None:
    label, small = np.resize(np.arange(5), 60_000), np.arange(60_000) // 10

    def cost(group: np.ndarray) -> float:
        started = time.process_time()
        drawn(group, label, 3, seed=0)
        return time.process_time() - started

    assert cost(np.zeros(60_000, int)) < 10 * cost(small) + 0.5


BIO = ["B-x", "I-x", "O", "I-y", "B-x", "B-x", "O"]
BIOES = ["B-x", "E-x", "O", "S-y", "B-x", "I-x", "E-x"]


def test_entities_by_scheme() -> None:
    assert scheme(BIO) == "bio"
    assert scheme(BIOES) == "bioes"
    assert scheme(["O", "P", "HC"]) == "plain"
    assert entities(BIO, "bio") == {("x", 0, 2), ("y", 3, 4), ("x", 4, 5), ("x", 5, 6)}
    assert entities(BIOES, "bioes") == {("x", 0, 2), ("y", 3, 4), ("x", 4, 7)}
    assert entities(["P", "P", "O", "P"], "plain") == {("P", 0, 2), ("P", 3, 4)}
    assert entities(["B-x", "I-y"], "bio") == {("x", 0, 1), ("y", 1, 2)}
    assert entities([], "bio") == set()


def runs(tags: list[str]) -> set[tuple[str, int, int]]:
    """Return entities by their definition, span by span: a run within one type that no boundary cuts."""
    head, kind = [t[0] for t in tags], [t[2:] for t in tags]

    def cut(at: int) -> bool:
        """Whether an entity may end before token ``at``, or begin there (conlleval's rules)."""
        if at in (0, len(tags)) or "O" in (tags[at - 1], tags[at]):
            return True
        return kind[at - 1] != kind[at] or head[at] in "BS" or head[at - 1] in "ES"

    spans = [(i, j) for i in range(len(tags)) for j in range(i + 1, len(tags) + 1)]
    whole = [(i, j) for i, j in spans if tags[i] != "O" and cut(i) and cut(j) and not any(map(cut, range(i + 1, j)))]
    return {(kind[i], i, j) for i, j in whole}


@pytest.mark.parametrize("heads", ["BI", "BIES"])
def test_entities_and_f1_are_those_of_their_definition(heads: str) -> None:
    rng = np.random.default_rng(0)
    names = ["O", *(f"{head}-{kind}" for head in heads for kind in "xy")]
    for _ in range(200):
        given, said = ([rng.choice(names, n).tolist() for n in (1, 4, 9)] for _ in range(2))
        how = "bio" if heads == "BI" else "bioes"
        for tags in given:
            assert entities(tags, how) == runs(tags), tags
        given[0] = [f"{heads[-1]}-x"]  # the scheme shows in it
        true, found = ({(n, *e) for n, tags in enumerate(side) for e in runs(tags)} for side in (given, said))
        f1 = 2 * len(true & found) / (len(true) + len(found))
        assert report(given, said)["micro"]["f1"] == pytest.approx(f1)


def test_report_by_hand() -> None:
    given = [["B-x", "I-x", "O", "B-y"], ["O", "B-x"]]
    said = [["B-x", "I-x", "O", "B-x"], ["O", "B-x"]]
    found = report(given, said)
    assert found["x"] == {"precision": 2 / 3, "recall": 1.0, "f1": 0.8, "support": 2.0}
    assert found["y"] == {"precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 1.0}
    assert found["micro"]["f1"] == pytest.approx(2 / 3)
    assert found["macro"]["f1"] == pytest.approx(0.4)
    with pytest.raises(ValueError, match="predicted tags"):
        report([["O"]], [["O", "O"]])


def test_the_first_piece_carries_the_tag(bert: str) -> None:
    samples = sy.read([{"tokens": ["shoes", " ", "nike"], "tags": ["O", "O", "B-brand"]}], task="tagging")
    s = Setup(bert, samples, parts.make("tasks", "tagging"))
    batch = s.task.batch(s.encoded, np.array([0]), 0)
    pieces = s.part.tokenizer().convert_ids_to_tokens(batch["input_ids"][0])
    assert pieces == ["[CLS]", "shoe", "##s", "nike", "[SEP]"]
    code = {n: i for i, n in enumerate(samples.scale.names)}
    assert batch["label"][0].tolist() == [-100, code["O"], -100, code["B-brand"], -100]
    assert s.encoded.dropped[0] == 1
    p = np.eye(len(code))[[0, code["O"], 0, code["B-brand"], 0]]
    said = tagging.read_tags(s.encoded, np.array([0]), [p], samples.scale.names)
    assert said == [["O", "O", "B-brand"]]
    assert tagging.judged(samples, np.array([0]), said)["micro"]["f1"] == 1.0


def test_a_template_leaves_out_what_is_empty() -> None:
    rows = [{"query": "red shoe", "title": "nike shoe", "brand": "nike", "label": 1, "history": "a, b"},
            {"query": "hat", "title": "old hat", "brand": None, "label": 0, "history": None}]  # fmt: skip
    samples = sy.read(rows, task="relevance")
    assert render(samples, "{title} | brand: {brand} | {category}") == ["nike shoe | brand: nike", "old hat"]
    assert render(samples, "{query} | bought before: {history}") == ["red shoe | bought before: a, b", "hat"]
    with pytest.raises(UsageError, match="U101"):
        render(samples, "{colour}")


def test_truncation_keeps_the_query_and_is_counted(bert: str) -> None:
    rows = [{"query": "red shoe", "title": " ".join(["nike"] * 40), "label": 1, "query_id": "a"},
            {"query": "red shoe", "title": "hat", "label": 0, "query_id": "a"}]  # fmt: skip
    task = parts.make("tasks", "relevance_pointwise", max_length=12)
    s = Setup(bert, sy.read(rows, task="relevance"), task)
    assert s.encoded.truncated.tolist() == [True, False]
    assert s.encoded.dropped.tolist() == [2 + 40 + 3 - 12, 0]
    assert s.encoded.length.tolist() == [12, 6]
    pieces = s.part.tokenizer().convert_ids_to_tokens(s.encoded.sides[0].ids[:4])
    assert pieces == ["[CLS]", "red", "shoe", "[SEP]"]


def test_labels_outside_the_range_are_named() -> None:
    samples = texts(6)
    with pytest.raises(DataError, match="M203") as e:
        checked(samples.label + 1, 3, samples)
    assert str(samples.row_key[2]) in str(e.value)


def test_options_out_of_range_are_refused() -> None:
    for name, option in [("relevance_pointwise", {"way": "x"}), ("relevance_listwise", {"way": "x"}),
                         ("relevance_pairwise", {"list_size": 1})]:  # fmt: skip
        with pytest.raises(UsageError, match="U150"):
            parts.make("tasks", name, **option)
