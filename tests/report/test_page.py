"""The page as a file: nothing from the data is markup, nothing is loaded, both languages are whole."""

import base64
import copy
import hashlib
import json
import re
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest
import sample_facts
from hypothesis import given, settings
from hypothesis import strategies as st

from steelyard.page import render, render_markdown
from steelyard.page.markup import visible
from steelyard.page.measure import ANSWERS

VOID = {"meta", "link", "input", "br", "hr"}
PARTS = ("run", "findings", "summary", "top", "slices", "map", "histogram", "compare", "limits", "reproduce")


class Page(HTMLParser):
    """The elements, attributes and words of a page; fails on an element that is closed out of turn."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.raw: dict[str, list[str]] = {"script": [], "style": []}
        self.feed(text)
        self.close()
        assert not self.open, f"never closed: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({k for k, _ in attrs}) == len(attrs), f"{tag} says an attribute twice: {attrs}"
        self.elements.append((tag, dict(attrs)))
        if tag in self.raw:
            self.raw[tag].append("")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> without a start"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in self.raw:
            self.raw[self.open[-1]][-1] += data
        else:
            self.words.append(data)

    def skeleton(self) -> list[str]:
        return [tag for tag, _ in self.elements]


def facts_json(page: Page) -> Any:
    return json.loads(page.raw["script"][0])


@pytest.mark.parametrize("answer", [*ANSWERS, None])
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_verdict_is_a_well_formed_page_that_says_it_first(answer: str | None, lang: str) -> None:
    page = Page(render(sample_facts.facts(answer, points=200), lang=lang))
    sections = [(attrs.get("id"), attrs.get("class")) for tag, attrs in page.elements if tag == "section"]
    assert sections[0][0] == "verdict"
    assert (answer or "not_measured") in str(sections[0][1]).split()
    wanted = ["numbers", "comparison", "slices", "helps", "map", "rows", "findings", "limits", "provenance"]
    assert [name for name, _ in sections[1:]] == wanted
    links = [attrs["href"] for tag, attrs in page.elements if tag == "a"]
    assert links == [f"#{name}" for name in wanted]


def test_ids_are_unique() -> None:
    ids = [a["id"] for _, a in Page(render(sample_facts.facts("prune"))).elements if "id" in a]
    assert len(ids) == len(set(ids))


def test_hostile_titles_add_no_element() -> None:
    tame, hostile = sample_facts.facts("prune", points=50), sample_facts.facts("prune", points=50)
    for row in tame["top"]:
        row["title"] = "a plain title"
    text = render(hostile)
    assert Page(text).skeleton() == Page(render(tame)).skeleton()
    assert "alert(1)>" not in text
    assert "<img" not in text
    assert text.count("</script>") == 2
    assert not re.search("[\u202a-\u202e\u2066-\u2069\x00-\x08\x0e-\x1f\ud800-\udfff]", text)
    assert "⟨U+202E⟩" in text
    assert "{{style}}" in "".join(Page(text).words)


def test_a_language_tag_or_placeholder_in_the_data_stays_text() -> None:
    facts = sample_facts.facts("prune", rows=1, points=0)
    facts["top"][0]["title"] = '<span class="zh">{{script}}</span> \\g<0> {0}'
    assert facts["top"][0]["title"] in "".join(Page(render(facts)).words)


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(), max_size=80), st.sampled_from(["en", "zh"]))
def test_any_text_anywhere_leaves_the_page_as_it_was(text: str, lang: str) -> None:
    plain, odd = (_filled(sample_facts.facts("prune", rows=2, points=10), word) for word in ("plain", "x" + text))
    page = render(odd, lang=lang)
    page.encode()
    assert Page(page).skeleton() == Page(render(plain, lang=lang)).skeleton()
    assert facts_json(Page(page))["top"][0]["title"] == visible("x" + text)
    render_markdown(odd, lang).encode()


def _filled(facts: dict[str, Any], word: str) -> dict[str, Any]:
    facts["run"] |= {"name": word, "command": word, "paths": [word], "scale": {"names": [word], "ordered": True}}
    facts["reproduce"] = word
    for row in facts["top"]:
        row |= {"query": word, "title": word, "text": word, "given": word + "1", "suggested": word + "2"}
        row |= {"reason_en": word, "reason_zh": word + "!", "row_key": word}
    for s in facts["slices"]:
        s |= {"column": word, "value": word, "example": word}
    for arm in facts["compare"]["arms"][1:]:
        arm["name"] = word
    for f in facts["findings"]:
        f |= {"message_en": word, "message_zh": word + "!", "code": word}
    return facts


def test_the_policy_allows_exactly_the_style_and_the_script_inside() -> None:
    page = Page(render(sample_facts.facts("keep_uniform")))
    policy = next(a["content"] for _, a in page.elements if a.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert policy.startswith("default-src 'none';")

    def allowed(inside: str) -> str:
        return "'sha256-" + base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode() + "'"

    assert re.findall(r"style-src ([^;]+);", policy) == [allowed(page.raw["style"][0])]
    assert re.findall(r"script-src ([^;]+);", policy) == [allowed(page.raw["script"][1])]
    assert len(page.raw["style"]) == 1
    assert len(page.raw["script"]) == 2
    assert not [a for _, a in page.elements if "style" in a or any(k.startswith("on") for k in a)]


def test_nothing_is_loaded_from_anywhere() -> None:
    facts = sample_facts.facts("use_weights")
    for row in facts["top"]:
        row["title"] = row["title"].replace("http", "hxxp")
    text = render(facts)
    assert "http://" not in text
    assert "https://" not in text
    page = Page(text)
    assert not [tag for tag, a in page.elements if "src" in a or tag in ("link", "img", "iframe", "object", "base")]
    assert all(a["href"].startswith("#") for _, a in page.elements if a.get("href"))
    assert "@import" not in page.raw["style"][0]
    assert set(re.findall(r"url\(([^)]*)\)", page.raw["style"][0])) <= {"#hatch"}


def test_a_full_page_is_small() -> None:
    facts = sample_facts.facts("use_weights", rows=100, points=5000)
    for row in facts["top"]:
        row["text"] = "长描述 " * 2000
        row["title"] = "x" * 5000
    assert len(render(sample_facts.facts("use_weights", rows=100, points=5000)).encode()) < 600_000
    assert len(render(facts).encode()) < 1_000_000


def test_more_points_and_rows_than_fit_are_thinned() -> None:
    facts = sample_facts.facts("prune", rows=300, points=12_000)
    text = render(facts)
    page = Page(text)
    assert sum(1 for tag, a in page.elements if tag == "tr" and "data-rank" in a) == 100
    marks = [a["d"] or "" for tag, a in page.elements if tag == "path" and "pt" in (a.get("class") or "").split()]
    drawn = sum(len(re.findall(r"M[\d.]+ ", d)) if "l4" not in d else len(re.findall("M", d)) for d in marks) - 4
    assert 2_000 <= drawn <= 5_000
    assert f"{drawn:,} of 198,327 rows are drawn" in text
    assert len(facts_json(page)["top"]) == 100


def test_the_facts_inside_are_the_facts_given() -> None:
    facts = sample_facts.facts("prune", rows=20)
    inside = facts_json(Page(render(facts)))
    assert inside["compare"] == json.loads(json.dumps(facts["compare"]))
    assert [r["title"][:400] for r in inside["top"]] == [visible(r["title"])[:400] for r in facts["top"]]
    assert "map" not in inside


def test_numpy_values_and_nan_are_fine() -> None:
    facts = sample_facts.facts("prune", rows=3, points=0)
    facts["map"] = {"x": np.array([0.1, np.nan]), "y": np.array([0.2, 0.3]), "s": np.array([0.9, 0.8]), "n": 2}
    facts["top"][0] |= {"suspicion": np.float32(0.5), "benefit": float("nan"), "difficulty": float("inf")}
    facts["summary"]["rows"] = np.int64(5)
    page = render(facts)
    assert not re.search(r"\bnan\b", "".join(Page(page).words))
    assert facts_json(Page(page))["summary"]["rows"] == 5


@pytest.mark.parametrize("make", [sample_facts.minimal, sample_facts.empty_table, dict])
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_hardly_any_facts_are_enough(make: Any, lang: str) -> None:
    text = render(make(), lang=lang)
    assert 'class="verdict not_measured alone"' in text
    assert "None" not in "".join(Page(text).words)
    assert render_markdown(make(), lang)


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("nothing", [None, [], {}, "gone"])
def test_any_part_may_be_missing(part: str, nothing: Any) -> None:
    facts = sample_facts.facts("prune", rows=2, points=20)
    if nothing == "gone":
        del facts[part]
    else:
        facts[part] = nothing
    Page(render(facts))
    render_markdown(facts)


@pytest.mark.parametrize("part", ["run", "summary", "compare"])
def test_any_single_fact_may_be_missing(part: str) -> None:
    for name in list(sample_facts.facts("prune")[part]):
        for nothing in (None, "gone"):
            facts = sample_facts.facts("prune", rows=1, points=5)
            if nothing is None:
                facts[part][name] = None
            else:
                del facts[part][name]
            Page(render(facts))
            render_markdown(facts)


@pytest.mark.parametrize("part", ["top", "slices", "findings", "limits"])
def test_any_entry_may_lack_any_field(part: str) -> None:
    for name in list(sample_facts.facts("prune", rows=1)[part][0]):
        facts = sample_facts.facts("prune", rows=1, points=5)
        facts[part][0] |= {name: None}
        facts[part].append({})
        Page(render(facts))
        render_markdown(facts)


def test_rendering_changes_no_fact_and_repeats_itself() -> None:
    facts = sample_facts.facts("keep_uniform", rows=5, points=50)
    before = copy.deepcopy(facts)
    first = render(facts)
    assert render(facts) == first
    assert facts == before


def test_the_numbers_are_in_the_markup_not_in_the_script() -> None:
    words = "".join(Page(render(sample_facts.facts("prune"))).words)
    for shown in ("198,327", "4.8%", "[3.9, 5.9]", "6,412", "+0.0091", "[+0.0065, +0.0117]", "1,807", "a81f0c2e"):
        assert shown in words
