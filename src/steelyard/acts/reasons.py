"""Say in one sentence why a row is flagged, from evidence in a fixed order: what people can check comes first.

The order: near-identical products, the same pair judged twice, the model out of fold, neighbours, training, attributes.
A reason is a code (``RE01``, or two joined: ``RE01+RE06``) and facts; both are stored, the sentence is told from them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from steelyard.values.evidence import Evidence
from steelyard.wording import say

Facts = dict[str, Any]
JOIN = "+"
JOINT = {"en": "; ", "zh": "；"}
#: A row's gradient opposes the held-out rows when it is among this part of all rows.
OPPOSING = 0.01
#: Neighbours speak when at least this part of them carries one other label.
NEIGHBOURS = 0.6
#: The model speaks when it gives another label at least this probability, or most of its folds agree.
PROBABLE = 0.5


def reason(evidence: Evidence, most: int = 2) -> tuple[str, Facts]:
    """Return (code, facts) of the first ``most`` pieces of evidence, joined; RE03 or RE00 when no piece stands out.

    facts holds JSON values only; no two codes share a name of a fact.
    """
    found = [piece for _, piece in zip(range(most), pieces(evidence), strict=False)]
    if not found:
        return _none_stands_out(evidence)
    facts = {name: value for _, its_facts in found for name, value in its_facts.items()}
    return JOIN.join(code for code, _ in found), facts


def sentence(code: str, facts: Mapping[str, Any], lang: str = "en") -> str:
    """Return the sentence for people; joined codes make one sentence of two parts."""
    named = {k: say(f"RE_{v}", lang) if k == "attribute" else v for k, v in facts.items()}
    return JOINT[lang].join(say(one, lang, **named) for one in code.split(JOIN))


def pieces(evidence: Evidence) -> Iterator[tuple[str, Facts]]:
    """Yield (code, facts) of every piece of evidence that speaks against the given label, in the fixed order."""
    for look in (_near_identical, _judged_twice, _model, _neighbours, _training, _attributes):
        found = look(evidence)
        if found:
            yield found


def _none_stands_out(e: Evidence) -> tuple[str, Facts]:
    """Say how little the models give the label, or only that the row as a whole fits it badly."""
    if e.own is None:
        return "RE00", {"given": e.given}
    return "RE03", {"given": e.given, "own": e.own}


def _near_identical(e: Evidence) -> tuple[str, Facts] | None:
    if e.contradicting < 1 or 2 * e.contradicting <= e.similar or e.contradicting_label == e.given:
        return None
    facts: Facts = {"other": e.contradicting_label, "similar": e.similar, "contradicting": e.contradicting}
    return ("RE01" if e.similar > 1 else "RE02"), facts


def _judged_twice(e: Evidence) -> tuple[str, Facts] | None:
    others = [(label, judge) for label, judge in e.judgements[1:] if label != e.judgements[0][0]]
    if not others:
        return None
    (label_a, judge_a), (label_b, judge_b) = e.judgements[0], others[0]
    if judge_a and judge_b and judge_a != judge_b:
        return "RE11", {"label_a": label_a, "judge_a": judge_a, "label_b": label_b, "judge_b": judge_b}
    return "RE12", {"label_a": label_a, "label_b": label_b}


def _model(e: Evidence) -> tuple[str, Facts] | None:
    if not e.suggested or e.suggested == e.given or e.probability is None:
        return None
    if e.voters and 2 * e.agreeing > e.voters:
        facts: Facts = {"suggested": e.suggested, "probability": e.probability}
        return "RE21", facts | {"agreeing": e.agreeing, "voters": e.voters}
    if e.probability >= PROBABLE:
        return "RE22", {"suggested": e.suggested, "probability": e.probability}
    if e.repaired is not None and e.repaired >= PROBABLE:
        return "RE23", {"suggested": e.suggested, "repaired": e.repaired}
    return None


def _training(e: Evidence) -> tuple[str, Facts] | None:
    never = e.epochs >= 2 and e.learned == 0
    opposes = e.opposing is not None and e.opposing <= OPPOSING
    if never and opposes:
        return "RE33", {"epochs": e.epochs, "opposing": e.opposing}
    if never:
        return "RE31", {"epochs": e.epochs}
    return ("RE32", {"opposing": e.opposing}) if opposes else None


def _neighbours(e: Evidence) -> tuple[str, Facts] | None:
    if not e.neighbours or e.neighbours_label == e.given or e.neighbours_alike < NEIGHBOURS * e.neighbours:
        return None
    facts: Facts = {"alike": e.neighbours_alike, "neighbours": e.neighbours, "neighbour_label": e.neighbours_label}
    return ("RE42" if e.pairs else "RE41"), facts


def _attributes(e: Evidence) -> tuple[str, Facts] | None:
    """A clash speaks for a lower grade only: it is no reason to raise one."""
    if e.clash is None or e.lowers is False:
        return None
    return "RE51", {"attribute": e.clash.kind, "asked": e.clash.query_value, "has": e.clash.title_value}
