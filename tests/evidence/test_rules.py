"""Which verdict is right follows from how a cell was made; so does the confusion."""

from typing import Any

import pytest

from benchmarks.evidence import rules, summing


def cell(rung: str, answer: str, oracle: tuple[float, float, float] = (0, 0, 0), **more: Any) -> dict[str, Any]:
    own = {"rows": 5000, "interest": 0.01, "visible": 0.005, "answer": answer, "why": [], "recommended": None} | more
    arms = {"oracle": {"delta": list(oracle)}, "gains": {"delta": [0.01, 0, 0]}, "loses": {"delta": [-0.01, 0, 0]}}
    return {"cell": {"rung": rung, "table": "t"}, "arms": arms, **own}


MUCH, NOTHING, BETWEEN = (0.06, 0.03, 0.09), (0.002, -0.002, 0.006), (0.02, 0.004, 0.04)


@pytest.mark.parametrize(
    ("rung", "oracle", "more", "right"),
    [
        ("clean", (0, 0, 0), {}, {"keep_uniform"}),
        ("clean", (0, 0, 0), {"visible": 0.05}, {"keep_uniform", "cannot_tell"}),
        ("uniform_20", MUCH, {}, set(rules.ACT)),
        ("uniform_20", MUCH, {"rows": 100}, {"cannot_tell"}),
        ("uniform_20", NOTHING, {}, {"keep_uniform", "cannot_tell"}),
        ("uniform_20", BETWEEN, {}, {"cannot_tell", "keep_uniform", *rules.ACT}),
        ("uniform_20", (0.03, 0.015, 0.05), {}, {"cannot_tell", *rules.ACT}),
        ("uniform_20", BETWEEN, {"recommended": "gains"}, {"cannot_tell", "keep_uniform", *rules.ACT}),
        ("uniform_20", BETWEEN, {"recommended": "loses"}, {"cannot_tell", "keep_uniform"}),
    ],
)
def test_right_answers(rung: str, oracle: tuple[float, float, float], more: dict[str, Any], right: set[str]) -> None:
    found = {a for a in rules.ALL if rules.is_right(rung, cell(rung, a, oracle, **more))}
    assert found == right


def test_confusion_counts_every_cell_once() -> None:
    cells = [
        cell("clean", "keep_uniform"),
        cell("clean", "prune"),
        cell("uniform_20", "relabel_first", MUCH),
        cell("uniform_20", "cannot_tell", rows=100),
    ]
    found = summing.verdicts(cells)
    assert (found["right"], found["cells"]) == (3, 4)
    assert (found["known"], found["asked"], found["fixed"]) == (3, 3, 4)
    assert [w["answer"] for w in found["wrong"]] == ["prune"]
    assert sum(n for row in found["confusion"].values() for n in row.values()) == 4


def test_cells_in_between_are_no_known_answers_and_an_allowance_is_no_answer_asked_for() -> None:
    found = summing.verdicts([cell("uniform_20", "cannot_tell", BETWEEN), cell("clean", "cannot_tell", visible=0.05)])
    assert (found["right"], found["known"], found["asked"], found["fixed"]) == (2, 1, 0, 1)
