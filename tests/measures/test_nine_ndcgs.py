"""One list of 20 products, two of them not judged, and the nine values that people call NDCG."""

import math

import numpy as np
import pytest
import pytrec_eval
from measure_tables import ESCI, ranking
from sklearn.metrics import ndcg_score

from steelyard.parts.measures import like, parse

LABELS = ["S", "E", "I", "C", "?", "E", "S", "I", "I", "S", "C", "?", "E", "I", "C", "S", "I", "E", "I", "S"]
DOCID = np.array([f"p{i:02d}" for i in range(20, 0, -1)])
GRADE = {"I": 0, "C": 1, "S": 2, "E": 3}
TABLE = ranking([GRADE.get(label, -1) for label in LABELS], np.arange(20, 0, -1) / 20, docid=DOCID)
PAPER = {"E": 1.0, "S": 0.1, "C": 0.01}
SCRIPT = {"E": 1.0, "S": 0.01, "C": 0.1}
JUDGED = [label for label in LABELS if label != "?"]


def by_hand(labels, gain, k=None, ideal_k=None):
    """Return DCG of the list as it stands over DCG of the best list."""
    worth = [gain.get(label, 0.0) for label in labels]
    value = lambda ws: sum(w / math.log2(rank + 2) for rank, w in enumerate(ws))  # noqa: E731
    return value(worth[:k]) / value(sorted(worth, reverse=True)[:ideal_k])


LINEAR = {label: float(grade) for label, grade in GRADE.items()}
EXP = {label: 2.0**grade - 1 for label, grade in GRADE.items()}
NINE = {
    "ndcg@10[gain=linear]": by_hand(LABELS, LINEAR, 10, 10),
    "ndcg@10[gain=exp]": by_hand(LABELS, EXP, 10, 10),
    "ndcg@10[gain=exp,ideal=full]": by_hand(LABELS, EXP, 10),
    "ndcg@10[gain=esci]": by_hand(LABELS, PAPER, 10, 10),
    "ndcg[gain=esci]": by_hand(LABELS, PAPER),
    "ndcg[gain=esci-script,unjudged=drop]": by_hand(JUDGED, SCRIPT),
    "ndcg@10[gain=linear,unjudged=drop]": by_hand(JUDGED, LINEAR, 10, 10),
    "ndcg@10[gain=binary,rel>=E]": by_hand(LABELS, {"E": 1.0}, 10, 10),
    "ndcg@10[gain=binary,rel>=C]": by_hand(LABELS, {"E": 1.0, "S": 1.0, "C": 1.0}, 10, 10),
}


@pytest.mark.parametrize("name", NINE)
def test_each_of_the_nine_is_reproduced(name):
    assert parse(name).overall(TABLE) == pytest.approx(NINE[name], abs=1e-12)


def test_the_nine_are_nine_different_values():
    values = sorted(parse(name).overall(TABLE) for name in NINE)
    assert len(values) == 9
    assert min(np.diff(values)) > 0.001, values


def trec(measure, gains=None, judged_only=False, least=None):
    judged = {d: GRADE[x] for d, x in zip(DOCID, LABELS, strict=True) if x != "?"}
    if least is not None:
        judged = {d: int(g >= least) for d, g in judged.items()}
    if gains is not None:
        judged = {d: gains[g] for d, g in judged.items()}
    run = {str(d): float(s) for d, s in zip(DOCID, TABLE.relevance, strict=True) if not judged_only or d in judged}
    evaluator = pytrec_eval.RelevanceEvaluator({"q": {str(d): g for d, g in judged.items()}}, {measure})
    return evaluator.evaluate({"q": run})["q"][measure.replace(".", "_")]


def test_trec_eval_says_the_same():
    """trec_eval takes whole gains, so those of ESCI are given a hundredfold; NDCG is a ratio and does not mind."""
    paper, script = [0, 1, 10, 100], [0, 10, 1, 100]
    theirs = {
        "ndcg@10[gain=linear]": trec("ndcg_cut.10"),
        "ndcg@10[gain=exp]": trec("ndcg_cut.10", [0, 1, 3, 7]),
        "ndcg@10[gain=esci]": trec("ndcg_cut.10", paper),
        "ndcg[gain=esci]": trec("ndcg", paper),
        "ndcg[gain=esci-script,unjudged=drop]": trec("ndcg", script, judged_only=True),
        "ndcg@10[gain=linear,unjudged=drop]": trec("ndcg_cut.10", judged_only=True),
        "ndcg@10[gain=binary,rel>=E]": trec("ndcg_cut.10", least=3),
        "ndcg@10[gain=binary,rel>=C]": trec("ndcg_cut.10", least=1),
    }
    assert {name: parse(name).overall(TABLE) for name in theirs} == pytest.approx(theirs, rel=1e-6)


def test_sklearn_says_the_same_of_its_own():
    wanted = ndcg_score([[GRADE.get(x, 0) for x in LABELS]], [TABLE.relevance], k=10)
    assert parse("ndcg@10[gain=linear]").overall(TABLE) == pytest.approx(wanted)


def test_like_gives_what_each_system_means():
    of = {s: like("ndcg@10", s).overall(TABLE) for s in ("trec", "sklearn", "quepid", "lightgbm", "recbole")}
    assert of == pytest.approx(
        {
            "trec": NINE["ndcg@10[gain=linear]"],
            "sklearn": NINE["ndcg@10[gain=linear]"],
            "quepid": NINE["ndcg@10[gain=exp,ideal=full]"],
            "lightgbm": NINE["ndcg@10[gain=exp]"],
            "recbole": NINE["ndcg@10[gain=binary,rel>=C]"],
        }
    )
    assert like("ndcg", "esci-script").overall(TABLE) == pytest.approx(NINE["ndcg[gain=esci-script,unjudged=drop]"])
    assert like("ndcg@10[rel>=E]", "recbole").overall(TABLE) == pytest.approx(NINE["ndcg@10[gain=binary,rel>=E]"])


def test_default_gain_is_that_of_the_scale():
    assert ESCI.gains == (0.0, 0.01, 0.1, 1.0)
    assert parse("ndcg@10").overall(TABLE) == parse("ndcg@10[gain=esci]").overall(TABLE)


def test_a_constant_scorer_gets_its_expected_value_and_not_the_best():
    constant = ranking(TABLE.label, np.zeros(20), docid=DOCID)
    gains = np.maximum(TABLE.label, 0)
    wanted = ndcg_score([gains], [np.zeros(20)], k=10)
    assert like("ndcg@10", "sklearn").overall(constant) == pytest.approx(wanted)
    by_docid = [str(d) for d in np.sort(DOCID)[::-1]]
    labels = dict(zip(DOCID, LABELS, strict=True))
    assert like("ndcg@10", "trec").overall(constant) == pytest.approx(
        by_hand([labels[d] for d in by_docid], LINEAR, 10, 10)
    )
