"""Both catalogues of the report: the same keys, the same placeholders, every key used, no sentence in the code."""

import re
import string
from importlib.resources import files
from pathlib import Path

import pytest
import sample_facts

from steelyard.page import render
from steelyard.wording import catalogue

HERE = Path(str(files("steelyard.page")))
SOURCE = "\n".join(p.read_text(encoding="utf-8") for p in HERE.rglob("*.py"))
KEYS = {lang: {k for k in catalogue(lang) if k.startswith("report.")} for lang in ("en", "zh")}


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_both_languages_have_the_same_keys_and_placeholders() -> None:
    assert KEYS["en"] == KEYS["zh"]
    assert KEYS["en"]
    for key in KEYS["en"]:
        assert placeholders(catalogue("en")[key]) == placeholders(catalogue("zh")[key]), key
        assert catalogue("zh")[key].strip(), key


def test_every_key_is_used() -> None:
    whole = set(re.findall(r'"([a-z_]+(?:\.[a-z_]+)+)"', SOURCE)) | {
        f"nav.{name}" for name in re.findall(r'"(\w+)"', SOURCE[SOURCE.index("NAMED = ") :].split(")")[0])
    }
    families = tuple(set(re.findall(r"""f["']([a-z_.]+\.)\{""", SOURCE)))
    keys = {key.removeprefix("report.") for key in KEYS["en"]}
    assert {k for k in keys - whole if not k.startswith(families)} == set()


@pytest.mark.parametrize("answer", ["use_weights", "keep_uniform", None])
def test_each_sentence_stands_in_both_languages(answer: str | None) -> None:
    text = render(sample_facts.facts(answer, rows=3, points=10))
    assert text.count('class="en" lang="en"') == text.count('class="zh" lang="zh-Hans"')


def test_the_language_asked_for_is_shown_first() -> None:
    facts = sample_facts.facts("keep_uniform", rows=1, points=5)
    assert '<html lang="en" data-lang="en"' in render(facts)
    chinese = render(facts, lang="zh")
    assert '<html lang="zh-Hans" data-lang="zh"' in chinese
    assert "<title>pairs.parquet · 杆秤报告</title>" in chinese


def test_english_words_hold_no_chinese_and_the_other_way_round() -> None:
    for key in KEYS["en"]:
        assert not re.search("[\u4e00-\u9fff]", catalogue("en")[key]), key
