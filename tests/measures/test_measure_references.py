"""Our measures against trec_eval, scikit-learn, and every order of equal scores written out."""

import measure_oracles as slow
import numpy as np
import pytest
import pytrec_eval
from hypothesis import given, settings
from hypothesis import strategies as st
from measure_tables import ESCI, TWO, random_ranking, ranking, rows_of
from sklearn import metrics

from steelyard.parts.measures import like, parse, tie_rate
from steelyard.values.ranking import Ranking
from steelyard.values.scale import Scale

GRADES = Scale(("0", "1", "2", "3", "4"), True)


def trec(table: Ranking, measure: str) -> np.ndarray:
    """Return (q,) what trec_eval says; rows without a label are retrieved but not judged."""
    judgements: dict = {str(q): {} for q in range(table.n_groups)}
    run: dict = {str(q): {} for q in range(table.n_groups)}
    for q, doc, label, score in zip(table.codes, table.docid, table.label, table.relevance, strict=True):
        run[str(q)][str(doc)] = float(score)
        if label >= 0:
            judgements[str(q)][str(doc)] = int(label)
    base, _, k = measure.partition("@")
    evaluator = pytrec_eval.RelevanceEvaluator(judgements, {f"{base}.{k}" if k else base})
    said = evaluator.evaluate(run)
    key = f"{base}_{k}" if k else base
    return np.array([said[str(q)][key] if str(q) in said else 0.0 for q in range(table.n_groups)])


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [("ndcg@5", "ndcg_cut@5"), ("ndcg", "ndcg"), ("map", "map"), ("map@3", "map_cut@3"), ("mrr", "recip_rank"),
     ("recall@5", "recall@5"), ("p@5", "P@5"), ("hit@5", "success@5")],
)  # fmt: skip
@pytest.mark.parametrize("scale", [ESCI, GRADES], ids=["esci", "grades"])
def test_like_trec_is_trec_eval_with_ties_and_unjudged_rows(ours, theirs, scale):
    for seed in range(4):
        table = random_ranking(seed, scale=scale)
        assert tie_rate(table) > 0.3
        np.testing.assert_allclose(like(ours, "trec").per_query(table), trec(table, theirs), rtol=1e-6, atol=1e-9)


def test_like_trec_ties_scores_that_32_bits_cannot_tell_apart():
    table = ranking([0, 3], [0.5, 0.5 + 1e-12], docid=np.array(["b", "a"]))
    assert like("mrr", "trec").overall(table) == trec(table, "recip_rank")[0] == 0.5
    assert parse("mrr").overall(table) == 1.0


def test_like_sklearn_is_ndcg_score_with_ties():
    for seed in range(6):
        table = random_ranking(seed, scale=GRADES, unjudged=False)
        for k in (1, 3, 10, None):
            measure = like("ndcg" if k is None else f"ndcg@{k}", "sklearn")
            for q, value in enumerate(measure.per_query(table)):
                rows = table.codes == q
                if rows.sum() > 1:
                    wanted = metrics.ndcg_score([table.label[rows]], [table.relevance[rows]], k=k)
                    assert value == pytest.approx(wanted, abs=1e-12)


def test_lightgbm_gives_one_to_a_query_without_a_relevant_row():
    table = ranking([0, 0, 3, 0], [2, 1, 1, 2], group=[0, 0, 1, 1], docid=np.array(list("abcd")))
    assert like("ndcg@10", "lightgbm").per_query(table)[0] == 1
    assert like("ndcg@10", "sklearn").per_query(table)[0] == 0
    assert np.isnan(parse("ndcg@10").per_query(table)[0])
    assert parse("ndcg@10").skipped(table) == 1
    assert parse("ndcg@10").overall(table) == pytest.approx(1 / np.log2(3))


@pytest.mark.parametrize("k", [None, 1, 2, 4])
@pytest.mark.parametrize("base", ["ndcg", "full", "mrr", "recall", "p", "hit", "map", "err"])
@given(st.lists(st.tuples(st.integers(-1, 3), st.integers(0, 2)), min_size=1, max_size=6))
@settings(max_examples=40, deadline=None)
def test_ties_are_the_mean_over_all_orders(base, k, rows):
    label, score = np.array(rows).T
    at = "" if k is None else f"@{k}"
    measure = parse(f"ndcg{at}[gain=exp,ideal=full]" if base == "full" else base + at)
    value = measure.overall(ranking(label, score))
    if label.max() < 1:
        assert np.isnan(value)
        return
    grade = np.maximum(label, 0).astype(float)
    hits = (grade > 0).astype(float)
    oracle, worth = {
        "ndcg": (slow.ndcg(k), np.array([0, 0.01, 0.1, 1])[grade.astype(int)]),
        "full": (slow.ndcg(k, full=True), 2**grade - 1),
        "mrr": (slow.mrr(k), hits), "recall": (slow.recall(k), hits), "p": (slow.p(k), hits),
        "hit": (slow.hit(k), hits), "map": (slow.average_precision(k), hits), "err": (slow.err(3.0, k), grade),
    }[base]  # fmt: skip
    assert value == pytest.approx(slow.expected(oracle, list(worth), list(score)), abs=1e-12)


@pytest.mark.parametrize("k", [None, 10])
def test_err_of_long_ties_agrees_with_sampled_orders(k):
    """A constant scorer over 40 rows: too many orders to write out, so many are drawn (standard error < 0.0015)."""
    rng = np.random.default_rng(0)
    label = rng.integers(0, 4, 40)
    drawn = [slow.err(3.0, k)(list(rng.permutation(label).astype(float))) for _ in range(20_000)]
    at = "" if k is None else f"@{k}"
    assert parse(f"err{at}").overall(ranking(label, np.zeros(40))) == pytest.approx(np.mean(drawn), abs=0.006)


def test_err_by_hand():
    """Chapelle 2009: grades 3, 2, 0, 3 of 4: 7/16 + 1/2 9/16 3/16 + 1/4 9/16 13/16 7/16."""
    table = ranking([3, 2, 0, 3], [4, 3, 2, 1], scale=GRADES)
    assert parse("err").overall(table) == pytest.approx(7 / 16 + 9 * 3 / 512 + 9 * 13 * 7 / 4 / 4096)


@pytest.mark.parametrize("scale", [TWO, ESCI], ids=["two classes", "grades"])
def test_rows_agree_with_sklearn(scale):
    for seed in range(5):
        table = random_ranking(seed, scale=scale)
        judged = rows_of(table, np.flatnonzero(table.judged))
        label, score, p = judged.label, judged.relevance, judged.probability
        least = 1 if scale is TWO else 2
        rel = f"[rel>={scale.names[least]}]"
        said = p.argmax(axis=1)
        wanted = {
            f"auc{rel}": metrics.roc_auc_score(label >= least, score),
            f"ap{rel}": metrics.average_precision_score(label >= least, score),
            "acc": metrics.accuracy_score(label, said),
            "macro_f1": metrics.f1_score(label, said, average="macro"),
            "qwk": metrics.cohen_kappa_score(label, said, weights="quadratic"),
            "log_loss": metrics.log_loss(label, p, labels=range(len(scale))),
            "rmse": metrics.root_mean_squared_error(np.array(scale.gains or (0, 1))[label], score),
        }
        assert {n: parse(n).overall(table) for n in wanted} == pytest.approx(wanted, rel=1e-9)


def test_weighted_rows_agree_with_sklearn_sample_weight():
    table = random_ranking(9, scale=TWO, unjudged=False)
    weight = np.random.default_rng(0).integers(0, 5, table.n_groups)
    of_row = weight[table.codes]
    said = table.probability.argmax(axis=1)
    wanted = {
        "auc": metrics.roc_auc_score(table.label, table.relevance, sample_weight=of_row),
        "ap": metrics.average_precision_score(table.label, table.relevance, sample_weight=of_row),
        "acc": metrics.accuracy_score(table.label, said, sample_weight=of_row),
        "macro_f1": metrics.f1_score(table.label, said, average="macro", sample_weight=of_row),
    }
    assert {n: parse(n).overall(table, weight) for n in wanted} == pytest.approx(wanted)


def test_gauc_is_the_mean_of_sklearns_auc_by_impressions():
    table = random_ranking(11)
    values, rows = [], []
    for q in range(table.n_groups):
        mine = (table.codes == q) & table.judged
        relevant = table.label[mine] >= 3
        if 0 < relevant.sum() < mine.sum():
            values.append(metrics.roc_auc_score(relevant, table.relevance[mine]))
            rows.append(mine.sum())
    assert parse("gauc[rel>=E]").overall(table) == pytest.approx(np.average(values, weights=rows))
    assert parse("gauc[rel>=E,mean=equal]").overall(table) == pytest.approx(np.mean(values))
    assert parse("gauc[rel>=E]").skipped(table) == table.n_groups - len(values)
