"""report.md: the same answer, and text from the data that can neither link nor mention nor break the table."""

import re

import pytest
import sample_facts

from steelyard.page import render_markdown
from steelyard.page.measure import ANSWERS


@pytest.mark.parametrize("answer", [*ANSWERS, None])
def test_the_verdict_comes_first(answer: str | None) -> None:
    first = render_markdown(sample_facts.facts(answer), "en").splitlines()[0]
    assert first.startswith("## Verdict: ")
    assert f"`{answer or 'not_measured'}`" in first


def test_tables_keep_their_columns() -> None:
    for lang in ("en", "zh"):
        block: list[int] = []
        for line in [*render_markdown(sample_facts.facts("prune", rows=20), lang).splitlines(), ""]:
            if line.startswith("|"):
                block.append(len(re.findall(r"(?<!\\)\|", line)))
            else:
                assert len(set(block)) <= 1, block
                block = []


def test_hostile_text_stands_in_code_spans() -> None:
    facts = sample_facts.facts("prune", rows=1)
    for title in [*sample_facts.HOSTILE, "one ` @everyone <img src=x> [a](b)"]:
        facts["top"] = [facts["top"][0] | {"title": title, "query": "q", "reason_en": title}]
        text = render_markdown(facts)
        bare = re.sub(r"`[^`\n]*`", "", re.sub(r"\\.", "", text))
        assert "@everyone" not in bare
        assert "<img" not in bare
        assert "<script" not in bare
        assert "](" not in bare
        assert "\u202e" not in text


def test_harmed_slices_are_named() -> None:
    text = render_markdown(sample_facts.facts("prune"))
    assert "1 of the 3 arm and slice pairs that decide lose" in text
    assert "`locale = jp`: −0.0060 [−0.0101, −0.0019]" in text
