"""Sentences for people: the same in both languages, every one used, none written into the code."""

import ast
import json
import re
import string
from pathlib import Path

import pytest

SRC = Path(__file__).parents[1] / "src" / "steelyard"
LANGUAGES = ("en", "zh")
FILES = sorted(p.name for p in (SRC / "locale" / "en").glob("*.json"))
MAKERS = "Error|Problem|Failed|Inconclusive|Interrupted|Finding|finding|say|_said"
CJK = re.compile(r"[\u3400-\u9fff]")


def texts(lang: str, file: str) -> dict[str, str]:
    pairs = json.loads((SRC / "locale" / lang / file).read_text(encoding="utf-8"), object_pairs_hook=list)
    found = dict(pairs)
    assert len(found) == len(pairs), f"{lang}/{file} has a key twice"
    return found


def holes(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def strings(path: Path) -> list[tuple[int, str]]:
    """Return (line, text) of every string of a module that is no docstring."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    documents = {
        id(n.body[0].value)
        for n in ast.walk(tree)
        if isinstance(n, ast.Module | ast.ClassDef | ast.FunctionDef) and n.body and isinstance(n.body[0], ast.Expr)
    }
    return [
        (n.lineno, n.value)
        for n in ast.walk(tree)
        if isinstance(n, ast.Constant) and isinstance(n.value, str) and id(n) not in documents
    ]


MODULES = sorted(SRC.rglob("*.py"))
WRITTEN = {text for path in MODULES for _, text in strings(path)}


def test_both_languages_have_the_same_files() -> None:
    assert sorted(p.name for p in (SRC / "locale" / "zh").glob("*.json")) == FILES


@pytest.mark.parametrize("file", FILES)
def test_both_languages_have_the_same_keys_and_placeholders(file: str) -> None:
    en, zh = texts("en", file), texts("zh", file)
    assert list(en) == list(zh), "same keys, in the same order"
    differing = {k: (holes(en[k]), holes(zh[k])) for k in en if holes(en[k]) != holes(zh[k])}
    assert differing == {}
    assert [k for k in en if not en[k].strip() or not zh[k].strip()] == []


def test_no_key_stands_in_two_files() -> None:
    seen: dict[str, str] = {}
    for file in FILES:
        for key in texts("en", file):
            assert key not in seen, f"{key} stands in {seen[key]} and {file}"
            seen[key] = file


@pytest.mark.parametrize("file", FILES)
def test_chinese_sentences_are_chinese(file: str) -> None:
    """A Chinese text that holds no Chinese character was forgotten, unless it is a name or a number."""
    en, zh = texts("en", file), texts("zh", file)
    forgotten = {k: t for k, t in zh.items() if t == en[k] and re.search(r"[a-z]{4,} [a-z]{3,}", t)}
    assert forgotten == {}


def used(key: str) -> bool:
    """Whether code names the key: as it is, behind the page's prefix, or by a prefix that an f-string completes."""
    short = key.removeprefix("report.")
    if key in WRITTEN or short in WRITTEN or (key.endswith(".ok") and {key.removesuffix(".ok"), ".ok"} <= WRITTEN):
        return True
    beginnings = {key[:i] for i in range(1, len(key))} | {short[:i] for i in range(1, len(short))}
    return any(b in WRITTEN and b[-1] in "._" for b in beginnings)


@pytest.mark.parametrize("file", FILES)
def test_no_sentence_is_unused(file: str) -> None:
    assert [key for key in texts("en", file) if not used(key)] == []


def test_every_code_that_is_raised_or_found_has_its_sentence() -> None:
    known = {key for file in FILES for key in texts("en", file)}
    made = re.compile(
        r'(?:Error|Problem|Failed|Inconclusive|Interrupted|Finding|say|_said)\(\s*"([A-Z]{1,2}\d{2,3}[a-z.]*)"'
    )
    for path in MODULES:
        for code in made.findall(path.read_text(encoding="utf-8")):
            assert code in known, f"{path.relative_to(SRC)} uses {code}, which no catalogue holds"


def test_no_sentence_for_people_is_written_into_the_code() -> None:
    """Code that shows things holds words of formats and names only; parser help is English, as option names are."""
    for path in MODULES:
        where = path.relative_to(SRC).as_posix()
        if not where.startswith(("apps/draw", "apps/commands", "page/", "reporting", "scored")):
            continue
        for line, text in strings(path):
            assert not CJK.search(text), f"{where}:{line} holds Chinese: {text!r}"
            assert not re.search(r"\b[a-z]{3,} [a-z]{2,} [a-z]{2,}\b", text), f"{where}:{line} is a sentence: {text!r}"
