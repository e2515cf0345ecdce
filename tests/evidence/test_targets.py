"""Targets are read as they were said: the lead, its interval, the cost, and how many cells there must be."""

from typing import Any

import pytest

from benchmarks.evidence.targets import Target, targets

TABLES = ("a", "b", "c", "d")


def scored(table: str, lead: float, cost: float, rung: str = "instance_20", auc: float = 0.9) -> dict[str, Any]:
    scores = {
        "out_of_fold_loss": {"ap": 0.5, "auc": auc, "cost": 3.0},
        "suspicion": {"ap": 0.5 + lead, "auc": auc, "cost": cost},
        "in_sample_loss": {"ap": 0.5 + lead, "auc": auc, "cost": cost},
    }
    own = {"kind": "detection", "table": table, "rung": rung, "seed": 1, "tier": "quick", "rows": 0}
    return {"cell": own, "model": "boosted", "wrong": 0.2, "scores": scores, "marked": {"rows": 0, "wrong": 0}}


def told(cells: list[dict[str, Any]], words: str) -> Target:
    (found,) = [t for t in targets(cells) if words in t.en]
    return found


@pytest.mark.parametrize(
    ("lead", "cost", "held"), [(0.10, 1.9, True), (0.10, 2.5, False), (0.05, 1.9, False), (0.0, 1.0, False)]
)
def test_a_lead_counts_at_its_price(lead: float, cost: float, held: bool) -> None:
    cells = [scored(t, lead + 0.001 * i, cost) for i, t in enumerate(TABLES)]
    assert told(cells, "depend on the row, at most 2.0 trainings").held is held


def test_a_lead_whose_interval_holds_zero_does_not_count() -> None:
    cells = [scored(t, 0.1 + 0.4 * (-1) ** i, 1.0) for i, t in enumerate(TABLES)]
    assert told(cells, "depend on the row, at most 1.1 trainings").held is False


@pytest.mark.parametrize(("trainings", "lead", "cheap", "full"), [
    (1.05, 0.05, True, True), (1.2, 0.05, False, True), (1.05, 0.03, False, False), (2.1, 0.2, False, False),
])  # fmt: skip
def test_reading_meaning_is_held_to_vectors_when_cheap_and_to_words_beside(trainings, lead, cheap, full) -> None:
    quick = [scored(t, 0.0, 9.0) for t in TABLES]
    embed = [scored(t, lead + 0.001 * i, 9.0) for i, t in enumerate(TABLES)]
    for c in embed:
        c["cell"] |= {"tier": "embed"}
        c["scores"] = {n: {**f, "ap": f["ap"] + 0.04, "trainings": trainings} for n, f in c["scores"].items()}
    assert told(quick + embed, "depend on the row, embed, at most 1.1").held is cheap
    assert told(quick + embed, "depend on the row, embed, at most 2.0").held is full
    assert not [t for t in targets(quick) if "embed" in t.en]


def test_the_worst_artefact_decides() -> None:
    cells = [scored("a", 0, 1, "artefact_token_10"), scored("b", 0, 1, "artefact_slice_10", auc=0.49)]
    found = told(cells, "never below 0.50")
    assert found.held is False
    assert "b, artefact_slice_10" in found.figure


def weighed(n: int, answer: str) -> dict[str, Any]:
    delta = {"delta": [0.0, -0.01, 0.01]}
    arms = {a: dict(delta) for a in ("gate", "soft_label", "relabel", "prune", "oracle", "shuffled")}
    own = {"kind": "weighting", "table": f"t{n}", "rung": "clean", "seed": 0, "tier": "quick", "rows": 4000}
    more = {"rows": 4000, "interest": 0.01, "visible": 0.005, "recommended": None, "why": []}
    return {"cell": own, "arms": arms, "answer": answer, **more}


@pytest.mark.parametrize(("right", "wrong", "held"), [(40, 4, True), (40, 5, False), (30, 0, False)])
def test_verdicts_are_held_to_nine_of_ten_of_forty(right: int, wrong: int, held: bool) -> None:
    cells = [weighed(n, "keep_uniform" if n < right else "prune") for n in range(right + wrong)]
    found = told(cells, "known by how they were made")
    assert found.held is held
    assert found.figure.startswith(f"{right} of {right + wrong}")


def test_nothing_is_said_of_what_was_not_measured() -> None:
    assert targets([]) == []
