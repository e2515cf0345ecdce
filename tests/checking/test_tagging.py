"""What check says of token tagging: tags over tokens, and the same tokens with other tags."""

from __future__ import annotations

import steelyard as sy

ROWS = [
    {"tokens": ["red", "shoes"], "tags": ["B-COLOR", "B-ITEM"]},
    {"tokens": ["red", "shoes"], "tags": ["O", "B-ITEM"]},
    {"tokens": ["blue", "hat"], "tags": ["B-COLOR", "B-ITEM"]},
    {"tokens": ["blue", "hat"], "tags": ["B-COLOR", "B-ITEM"]},
    *({"tokens": [f"w{i}", "bag"], "tags": ["O", "B-ITEM"]} for i in range(20)),
]


def test_tags_are_counted_over_tokens() -> None:
    checked = sy.check(ROWS)
    checked.raise_for_errors()
    found = {f.code: f for f in checked.findings}
    assert found["D171.tags"].facts["labels"] == "B-ITEM: 24, O: 21, B-COLOR: 3"
    assert checked.facts["labels"] == {"B-COLOR": 3, "B-ITEM": 24, "O": 21}
    assert not {"D116", "D176", "D171.classes"} & set(found)


def test_the_same_tokens_with_other_tags_contradict_and_with_the_same_repeat() -> None:
    found = {f.code: f for f in sy.check(ROWS).findings}
    assert found["D133"].count == 2
    assert found["D174"].count == 1


def test_a_table_of_one_tag_has_nothing_to_learn() -> None:
    rows = [{"tokens": [f"w{i}", "x"], "tags": ["O", "O"]} for i in range(10)]
    assert "D116" in {f.code for f in sy.check(rows).findings if f.severity == "error"}
