"""What people write, and what they are told when it cannot be read."""

import json
from pathlib import Path

import numpy as np
import pytest
from measure_tables import ESCI, THREE, ranking

from steelyard.errors import DataError, UsageError
from steelyard.parts.measures import describe_all, like, parse, short, tie_rate
from steelyard.parts.measures._like import SYSTEMS
from steelyard.values.ranking import Ranking
from steelyard.values.scale import Scale

RANK_ROWS = ("hit", "err", "auc", "gauc", "ap", "qwk", "rmse")
ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("written", "canonical", "people"),
    [
        ("ndcg@10[gain=esci,ideal=cut,ties=avg,unjudged=zero,empty=skip]", "ndcg@10[gain=esci]", "NDCG@10 (ESCI)"),
        ("NDCG@10", "ndcg@10", "NDCG@10"),
        (" mrr@10[ rel >= E ] ", "mrr@10[rel>=E]", "MRR@10 (≥E)"),
        ("recall@100[rel>=S,]", "recall@100[rel>=S]", "Recall@100 (≥S)"),
        ('p@5[rel>="Partial, maybe"]', 'p@5[rel>="Partial, maybe"]', "P@5 (≥Partial, maybe)"),
        ("map[]", "map", "MAP"),
        ("hit@1[rel>=完全匹配]", "hit@1[rel>=完全匹配]", "Hit@1 (≥完全匹配)"),
        ("ndcg[ties=trec,gain=exp]", "ndcg[gain=exp,ties=trec]", "NDCG (exp gain, ties=trec)"),
        ("macro_f1", "macro_f1", "Macro F1"),
    ],
)
def test_names_print_in_one_way(written, canonical, people):
    assert parse(written).name == canonical
    assert short(written) == people


@pytest.mark.parametrize(
    ("name", "code", "near"),
    [
        ("ndgc@10", "U110", "ndcg"), ("accuracy", "U110", "acc"), ("precision@5", "U110", "p"),
        ("ndcg[gian=exp]", "U111", "gain"), ("auc@10", "U111", "-"), ("acc[ties=avg]", "U111", "-"),
        ("ndcg[gain=ecsi]", "U112", "esci"), ("ndcg@0", "U112", "1"),
        ("ndcg@x", "U113", None), ("ndcg@10[gain=esci", "U113", None), ("ndcg[rel=E]", "U113", None),
        ("", "U113", None),
        ("ndcg[gain>=exp]", "U113", None), ("ndcg[gain=exp,gain=exp]", "U113", None), ("ndcg[k=3]", "U113", None),
    ],
)  # fmt: skip
def test_wrong_names_are_answered_with_the_nearest(name, code, near):
    with pytest.raises(UsageError) as e:
        parse(name)
    assert e.value.code == code
    assert near is None or e.value.facts["near"] == near
    assert json.dumps(e.value.as_dict(), allow_nan=False)
    for lang in ("en", "zh"):
        assert "{" not in e.value.say(lang)
        assert code not in e.value.say(lang)


def test_systems_are_refused_by_name():
    with pytest.raises(UsageError, match=r"U118.*lightgbm"):
        like("ndcg@10", "lihgtgbm")
    with pytest.raises(UsageError, match=r"U119.*quepid"):
        like("map", "quepid")
    for system, variants in SYSTEMS.items():
        for name, options in variants.items():
            made = like(name, system)
            assert {key: getattr(made, key) for key in options} == options


def test_labels_without_order_are_refused_by_measures_of_order():
    table = ranking([0, 1, 2], [1, 2, 3], scale=THREE, probability=np.eye(3))
    for name in [
        "ndcg@10",
        "ndcg[gain=exp]",
        "mrr",
        "map",
        "p@5",
        "recall@5",
        "hit",
        "err",
        "auc",
        "gauc",
        "ap",
        "qwk",
        "rmse",
    ]:
        with pytest.raises(UsageError, match=r"U115.*news, shop, video"):
            parse(name).overall(table)
    for name in ("acc", "macro_f1", "log_loss"):
        assert np.isfinite(parse(name).overall(table))


def test_rel_names_a_label_or_a_grade():
    table = ranking([0, 1, 2, 3], [4, 3, 2, 1])
    assert parse("mrr[rel>=S]").overall(table) == parse("mrr[rel>=2]").overall(table) == 1 / 3
    assert parse("mrr").overall(table) == parse("mrr[rel>=C]").overall(table) == 1 / 2
    stars = Scale(("1", "2", "4"), True)
    assert parse("mrr[rel>=3]").overall(ranking([0, 1, 2], [3, 2, 1], scale=stars)) == 1 / 3
    assert parse("mrr[rel>=1]").overall(ranking([0, 1, 2], [3, 2, 1], scale=stars)) == 1
    with pytest.raises(UsageError, match="U114") as e:
        parse("mrr[rel>=exat]").overall(ranking([0], [1], scale=Scale(("bad", "exact"), True)))
    assert e.value.facts["near"] == "exact"


def test_gains_that_cannot_be_used_are_refused():
    table = ranking([0, 1], [1, 2], scale=Scale(("bad", "good"), True, (-1.0, 1.0)))
    for name, code in (("ndcg", "U117"), ("ndcg[gain=esci]", "U116"), ("ndcg[gain=esci-script]", "U116")):
        with pytest.raises(UsageError, match=code):
            parse(name).overall(table)
    huge = ranking([0, 1], [1, 2], scale=Scale(("0", "5000"), True))
    for name in ("ndcg[gain=exp]", "err"):
        with pytest.raises(UsageError, match="U117"):
            parse(name).overall(huge)
    assert parse("ndcg[gain=linear]").overall(huge) == 1


def test_esci_gains_follow_the_names_and_not_the_order():
    words = Scale(("Irrelevant", "Complement", "Substitute", "Exact"), True)
    table = ranking([1, 2, 3, 0], [4, 3, 2, 1], scale=words)
    assert parse("ndcg[gain=esci]").overall(table) == parse("ndcg").overall(ranking([1, 2, 3, 0], [4, 3, 2, 1]))


def test_nan_scores_are_counted_and_refused():
    with pytest.raises(DataError, match=r"D160: relevance is not a number in 2 of 3 rows \(first: row 1\)"):
        ranking([0, 1, 2], [0.0, np.nan, np.nan])
    with pytest.raises(DataError, match="D160: probability"):
        ranking([0, 1], [0, 0], probability=np.full((2, 4), np.nan))
    with pytest.raises(DataError, match="D161"):
        ranking([0, 4], [0, 0])
    with pytest.raises(ValueError, match="docid has shape"):
        ranking([0, 1], [0, 0], docid=np.array(["a"]))
    assert parse("mrr").overall(ranking([0, 3, 3], [np.inf, -np.inf, 0.0])) == 1 / 2


def test_what_a_measure_needs_is_said():
    table = ranking([0, 1], [0, 1])
    for name in ("acc", "macro_f1", "log_loss", "qwk"):
        with pytest.raises(DataError, match="D163"):
            parse(name).overall(table)
    with pytest.raises(DataError, match="D164"):
        parse("acc").overall(ranking([0, 1], [0, 1], probability=np.full((2, 4), 1.5)))
    with pytest.raises(DataError, match="D162"):
        parse("mrr[ties=trec]").overall(table)


def test_unjudged_rows_keep_or_leave_their_place():
    table = ranking([-1, 3, -1], [3, 2, 1])
    assert parse("mrr").overall(table) == 1 / 2
    assert parse("mrr[unjudged=drop]").overall(table) == 1
    nobody = ranking([-1, -1, 3], [3, 2, 1], group=[7, 7, 9])
    for name in ("ndcg", "mrr[unjudged=drop]", "recall@1", "auc"):
        assert np.isnan(parse(name).per_query(nobody)[0])
        assert len(parse(name).per_query(nobody)) == 2
    assert parse("acc").skipped(nobody) == parse("ndcg").skipped(nobody) == 1


def test_tie_rate_counts_rows_that_share_a_score_in_their_query():
    assert tie_rate(ranking([0, 0, 0, 0], [1, 1, 2, 1], group=[0, 0, 0, 1])) == 0.5
    assert tie_rate(ranking([], [])) == 0


def test_documentation_is_what_the_code_says():
    page = (ROOT / "docs" / "measures.md").read_text(encoding="utf-8")
    assert page == describe_all(), "write docs/measures.md anew with steelyard.parts.measures.describe_all()"


def test_both_languages_have_the_same_sentences():
    import string

    read = lambda lang: json.loads((ROOT / f"src/steelyard/locale/{lang}/measures.json").read_text("utf-8"))  # noqa: E731
    places = lambda text: sorted(p[1] for p in string.Formatter().parse(text) if p[1])  # noqa: E731
    en, zh = read("en"), read("zh")
    assert {k: places(v) for k, v in en.items()} == {k: places(v) for k, v in zh.items()}


def test_rankings_with_groups_of_any_codes():
    table = Ranking(np.array([900, -3, 900]), np.array([3, 3, 0]), ESCI, np.array([0.1, 0.2, 0.3]))
    np.testing.assert_allclose(parse("mrr").per_query(table), [1, 1 / 2])


def test_a_measure_outside_the_package_prints_and_parses():
    measure = parse("measure_tables:ListLength@2")
    assert measure.name == "measure_tables:ListLength@2"
    assert parse(measure.name) == measure
    assert measure.overall(ranking([0, 0, 0, 0], [1, 2, 3, 4], group=[0, 0, 0, 1])) == 1.5
    assert short(measure) == "ListLength@2"
