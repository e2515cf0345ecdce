"""Every sentence of reading exists in both languages, with the same places to fill, and is used."""

import json
import re
import string
from importlib.resources import files
from pathlib import Path

import pytest

import steelyard

CODES = {
    lang: json.loads((files("steelyard") / "locale" / lang / "reading.json").read_text(encoding="utf-8"))
    for lang in ("en", "zh")
}


def places(text):
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_both_languages_have_the_same_codes():
    assert CODES["en"].keys() == CODES["zh"].keys()


@pytest.mark.parametrize("code", sorted(CODES["en"]))
def test_both_languages_fill_the_same_places(code):
    assert places(CODES["en"][code]) == places(CODES["zh"][code])
    assert re.search("[\u4e00-\u9fff]", CODES["zh"][code])


def test_every_code_is_used():
    root = Path(steelyard.__file__).parent
    code = "".join(p.read_text(encoding="utf-8") for p in root.rglob("*.py"))
    assert [c for c in CODES["en"] if f'"{c}' not in code] == []
