"""Reasons: the fixed order, nothing told that is not known, and sentences in two languages."""

import json

import pytest

from steelyard.acts.reasons import pieces, reason, sentence
from steelyard.values.evidence import Clash, Evidence
from steelyard.wording import LANGUAGES, catalogue

FULL = {
    "given": "Exact",
    "suggested": "Irrelevant",
    "lowers": True,
    "similar": 4,
    "contradicting": 3,
    "contradicting_label": "Irrelevant",
    "judgements": (("Exact", "A07"), ("Irrelevant", "A12")),
    "probability": 0.96,
    "agreeing": 5,
    "voters": 5,
    "epochs": 5,
    "learned": 0,
    "opposing": 0.002,
    "neighbours": 10,
    "neighbours_alike": 9,
    "neighbours_label": "Irrelevant",
    "clash": Clash("length", "13 inch", "15.6"),
}
SAID = {
    "RE01": "3 of 4 near-identical products under this query are Irrelevant",
    "RE11": "same pair judged Exact by A07 and Irrelevant by A12",
    "RE21": "5 of 5 models that never saw this row say Irrelevant, 0.96",
    "RE41": "9 of 10 nearest texts are Irrelevant",
    "RE33": "never learned in 5 epochs, and its gradient opposes held-out rows (top 0.2%)",
    "RE51": "query says 13 inch, title says 15.6 (length)",
}


def test_all_pieces_come_in_the_fixed_order_with_their_sentences() -> None:
    found = list(pieces(Evidence(**FULL)))
    assert [code for code, _ in found] == list(SAID)
    assert {code: sentence(code, facts) for code, facts in found} == SAID


def test_a_reason_joins_the_first_two() -> None:
    code, facts = reason(Evidence(**FULL))
    assert code == "RE01+RE11"
    assert sentence(code, facts) == f"{SAID['RE01']}; {SAID['RE11']}"
    assert sentence(*reason(Evidence(**FULL), most=1)) == SAID["RE01"]
    near, twice = sentence(code, facts, "zh").split("；")
    assert near == "该查询下 4 个近乎相同的商品中，有 3 个标为“Irrelevant”"
    assert twice == "同一对查询与商品，A07 标为“Exact”，A12 标为“Irrelevant”"


@pytest.mark.parametrize("lang", LANGUAGES)
def test_any_two_pieces_can_be_stored_and_told_together(lang: str) -> None:
    found = list(pieces(Evidence(**FULL)))
    for one, one_facts in found:
        for two, two_facts in found:
            if one != two:
                assert not set(one_facts) & set(two_facts)
                facts = json.loads(json.dumps(one_facts | two_facts))
                told = sentence(f"{one}+{two}", facts, lang)
                assert sentence(one, one_facts, lang) in told
                assert sentence(two, two_facts, lang) in told


def test_nothing_known_is_said_so() -> None:
    code, facts = reason(Evidence(given="Exact"))
    assert code == "RE00"
    assert "Exact" in sentence(code, facts)


@pytest.mark.parametrize(
    ("known", "code"),
    [
        ({"similar": 4, "contradicting": 2, "contradicting_label": "I"}, "RE00"),
        ({"similar": 1, "contradicting": 1, "contradicting_label": "I"}, "RE02"),
        ({"judgements": (("E", "A01"), ("E", "A02"))}, "RE00"),
        ({"judgements": (("E", "A01"), ("E", "A02"), ("S", "A03"))}, "RE11"),
        ({"judgements": (("E", ""), ("S", ""))}, "RE12"),
        ({"judgements": (("E", "A01"), ("S", "A01"))}, "RE12"),
        ({"suggested": "E", "probability": 0.9}, "RE00"),
        ({"suggested": "I", "probability": 0.9}, "RE22"),
        ({"suggested": "I", "probability": 0.4}, "RE00"),
        ({"suggested": "I", "probability": 0.4, "repaired": 0.6}, "RE23"),
        ({"suggested": "I", "probability": 0.4, "repaired": 0.4, "own": 0.1}, "RE03"),
        ({"neighbours": 15, "neighbours_alike": 12, "neighbours_label": "I", "pairs": True}, "RE42"),
        ({"suggested": "I", "probability": 0.4, "agreeing": 3, "voters": 5}, "RE21"),
        ({"suggested": "I", "probability": 0.4, "agreeing": 2, "voters": 5}, "RE00"),
        ({"epochs": 5, "learned": 1}, "RE00"),
        ({"epochs": 5, "learned": 0}, "RE31"),
        ({"opposing": 0.01}, "RE32"),
        ({"opposing": 0.2}, "RE00"),
        ({"neighbours": 10, "neighbours_alike": 6, "neighbours_label": "I"}, "RE41"),
        ({"neighbours": 10, "neighbours_alike": 5, "neighbours_label": "I"}, "RE00"),
        ({"neighbours": 10, "neighbours_alike": 9, "neighbours_label": "E"}, "RE00"),
        ({"clash": Clash("brand", "a", "b")}, "RE51"),
        ({"clash": Clash("brand", "a", "b"), "lowers": False}, "RE00"),
    ],
)
def test_evidence_speaks_only_when_it_speaks_against_the_label(known: dict, code: str) -> None:
    assert reason(Evidence(given="E", **known))[0] == code


def test_both_catalogues_tell_the_same_codes_with_the_same_facts() -> None:
    def fields(text: str) -> list[str]:
        return sorted(part.split("}")[0].split(":")[0] for part in text.split("{")[1:])

    en, zh = ({k: fields(v) for k, v in catalogue(lang).items() if k.startswith("RE")} for lang in ("en", "zh"))
    assert en == zh
    assert len(en) >= 12
