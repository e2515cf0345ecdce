"""The page of interactions: the same frame, sections of its own, both languages whole, nothing missing breaks it."""

import copy
import re
from typing import Any

import pytest
import sample_facts
import taken_facts
from test_page import Page, facts_json

from steelyard.page import render, render_markdown
from steelyard.page.charts.grid import LEVELS, level

SECTIONS = ["numbers", "comparison", "carriers", "bands", "views", "map", "rows", "findings", "limits", "provenance"]


def cells(page: Page, chart: str = "grid") -> list[str]:
    """Return the classes of the cells of one chart; a chart begins with its own svg."""
    inside, found = "", []
    for tag, a in page.elements:
        if tag == "svg":
            inside = str(a.get("class"))
        if tag == "rect" and str(a.get("class")).startswith("cell") and inside.endswith(chart):
            found.append(str(a["class"]))
    return found


@pytest.mark.parametrize("answer", ["use_weights", "keep_uniform", "cannot_tell", None])
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_page_has_its_own_sections(answer: str | None, lang: str) -> None:
    page = Page(render(taken_facts.facts(answer), lang=lang))
    sections = [a.get("id") for tag, a in page.elements if tag == "section"]
    assert sections == ["verdict", *SECTIONS]
    assert [a["href"] for tag, a in page.elements if tag == "a"] == [f"#{name}" for name in SECTIONS]
    ids = [a["id"] for _, a in page.elements if "id" in a]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("answer", ["use_weights", "cannot_tell", None])
def test_each_sentence_stands_in_both_languages(answer: str | None) -> None:
    text = render(taken_facts.facts(answer))
    assert text.count('class="en" lang="en"') == text.count('class="zh" lang="zh-Hans"')


def test_it_speaks_of_users_and_items_not_of_queries_and_labels() -> None:
    for lang, never in (("en", r"\b(quer(y|ies)|flag(ged)?|mislabel\w*|suggested)\b"), ("zh", "查询|标记率|建议标签")):
        facts = taken_facts.facts(None, rows=3)
        facts |= {"findings": [], "limits": [{"message_en": "-", "message_zh": "-"}], "reproduce": ""}
        for row in facts["top"]:
            row["title"] = "Lamp"
        text = render_markdown(facts, lang)
        assert not re.search(never, text), re.search(never, text)


def test_the_grid_has_a_cell_for_each_pair_of_bands_and_says_its_numbers() -> None:
    facts = taken_facts.facts()
    page = Page(render(facts))
    drawn = cells(page)
    assert len(drawn) == 12
    assert drawn.count("cell none") == 1
    assert {"cell l0", f"cell l{LEVELS - 1}"} <= set(drawn)
    words = "".join(page.words)
    assert "Users of 10–19 rows, items of 20–49 takers: mean doubt 0.480, 302 rows" in words
    reach = (0.4, 0.5)
    assert [level(v, reach) for v in (0.4, 0.419, 0.421, 0.5)] == [0, 0, 1, LEVELS - 1]
    assert level(0.4, (0.4, 0.4)) == 0


def test_cold_bands_are_marked_and_others_are_not() -> None:
    words = "".join(Page(render(taken_facts.facts(None))).words)
    assert words.count("cold冷") == 4  # 1 and 2–4, of users and of items


def test_both_views_have_a_picture_and_a_table_with_what_chance_puts_there() -> None:
    facts = taken_facts.facts()
    page = Page(render(facts))
    drawn = cells(page, "plane")
    assert len(drawn) == 16
    assert (drawn.count("cell none"), drawn.count(f"cell l{LEVELS - 1}")) == (1, 6)
    words = "".join(page.words)
    assert "Text 0.0–0.2, others 0.2–0.5: 10 rows" in words
    for said in ("×0.17", "×2.00", "17% of all rows at most", "Mis-click误点", "neither leads here"):
        assert said in words, said
    text = render_markdown(facts, "zh")
    assert "误点" in text
    assert "×0.17" in text
    facts["views"]["quadrants"]["mis_click"]["share"] = 0.4  # more rows than chance puts there bound nothing
    assert "of all rows at most" not in "".join(Page(render(facts)).words)


def test_what_was_not_wanted_is_shown_where_it_is_known() -> None:
    assert "Not wanted" in render(taken_facts.facts())
    assert "Not wanted" not in render(taken_facts.facts(known=False))
    assert "40.0%" in render_markdown(taken_facts.facts())


def test_further_measures_of_every_arm_stand_in_a_table() -> None:
    facts = taken_facts.facts()
    words = "".join(Page(render(facts)).words)
    for said in ("recall@10", "coverage覆盖率", "Gini基尼", "0.3100", "0.8700"):
        assert said in words
    assert "0.8700" not in "".join(Page(render(sample_facts.facts())).words)
    assert render_markdown(facts, "zh").count("0.8700") == len(facts["compare"]["arms"])


def test_further_measures_of_a_click_log_are_not_explained_as_those_of_lists() -> None:
    facts = sample_facts.facts()
    facts["compare"]["arms"] = [{**a, "more": {"auc": 0.9, "logloss": 0.25}} for a in facts["compare"]["arms"]]
    said = ["".join(Page(render(facts)).words), *(render_markdown(facts, lang) for lang in ("en", "zh"))]
    assert all("lower is better" in text or "越小越好" in text for text in said)
    assert not any("Gini" in text or "基尼" in text for text in said)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_bands_of_popularity_are_not_among_the_slices_that_decide(lang: str) -> None:
    """Only they lose: nothing is excused, for nothing that decides was harmed; and they are counted apart."""
    facts = taken_facts.facts("use_weights")
    one = {**facts["compare"]["slices"][0], "harmed": False}
    shown = [{**one, "column": "takers_of_item", "value": f"{k}-", "harmed": k > 1} for k in range(4)]
    facts["compare"]["slices"] = [one, one, *shown]
    page = re.sub(r"<[^>]+>", "", render(facts, lang=lang))
    for text in (page, render_markdown(facts, lang=lang)):
        clear, harmed, few = (
            ("None of the 2 arm and slice pairs that decide", "excuse", "2 of 4 pairs of an arm and a band")
            if lang == "en"
            else ("2 个起决定作用的“方案 × 切片”组合均无", "不能抵消", "4 个“方案 × 商品热度档”组合中有 2 个")
        )
        assert clear in text
        assert few in text
        assert harmed not in text
    facts["compare"]["slices"] = [{**one, "harmed": True}, one, *shown]
    told = render_markdown(facts, lang="en")
    assert "1 of the 2 arm and slice pairs that decide lose" in told


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_better_model_without_weights_is_the_first_thing_to_do(lang: str) -> None:
    facts = taken_facts.facts("keep_uniform")
    limit = {
        "code": "VL11",
        "message_en": "ease_x reaches 0.03. Change the model.",
        "message_zh": "ease_x 达到 0.03。请换模型。",
    }
    said, then = (limit["message_en"], "Train as you do now") if lang == "en" else (limit["message_zh"], "照常训练")
    for texts in (lambda: re.sub(r"<[^>]+>", "", render(facts, lang=lang)), lambda: render_markdown(facts, lang=lang)):
        facts["limits"] = []
        assert said.replace("_", "") not in texts().replace("\\", "").replace("_", "")
        facts["limits"] = [limit]
        told = texts().replace("\\", "").replace("_", "")
        assert told.index(said.replace("_", "")) < told.index(then)


def test_rows_show_item_user_value_and_that_something_was_masked() -> None:
    page = Page(render(taken_facts.facts(rows=6)))
    rows = [a for tag, a in page.elements if tag == "tr" and "data-rank" in a]
    assert [r["data-value"] for r in rows] == ["0.5", "3.0", "5.0"] * 2
    assert sum(tag == "option" for tag, _ in page.elements) == 1 + 3
    words = "".join(page.words)
    assert "masked in 1 of these rows" in words
    assert "taken by" in words
    same = taken_facts.facts(rows=6)
    for row in same["top"]:
        row["value"] = 1.0
    assert not [a for _, a in Page(render(same)).elements if a.get("data-sort") == "value"]


def test_hostile_titles_add_no_element_and_no_markdown() -> None:
    tame = taken_facts.facts()
    for entry in (*tame["top"], *tame["carriers"]["items"]):
        entry["title"] = "a plain title" if entry.get("title") else None
    text = render(taken_facts.facts())
    assert Page(text).skeleton() == Page(render(tame)).skeleton()
    assert "<img" not in text
    bare = re.sub(r"`[^`\n]*`", "", re.sub(r"\\.", "", render_markdown(taken_facts.facts())))
    assert "<img" not in bare
    assert "](" not in bare


def test_tables_of_the_markdown_keep_their_columns() -> None:
    for lang in ("en", "zh"):
        block: list[int] = []
        for line in [*render_markdown(taken_facts.facts(), lang).splitlines(), ""]:
            if line.startswith("|"):
                block.append(len(re.findall(r"(?<!\\)\|", line)))
            else:
                assert len(set(block)) <= 1, block
                block = []


@pytest.mark.parametrize("part", ["summary", "top", "carriers", "views", "compare", "findings", "limits", "histogram"])
@pytest.mark.parametrize("nothing", [None, [], {}, "gone"])
def test_any_part_may_be_missing(part: str, nothing: Any) -> None:
    facts = taken_facts.facts(rows=2)
    if nothing == "gone":
        del facts[part]
    else:
        facts[part] = nothing
    page = Page(render(facts))
    assert "None" not in "".join(page.words)
    render_markdown(facts)


def test_any_single_fact_may_be_missing() -> None:
    whole = taken_facts.facts(rows=1)
    places = [("summary",), ("carriers",), ("carriers", "grid"), ("carriers", "cold"), ("carriers", "activity", 0)]
    places += [("views",), ("views", "quadrants"), ("views", "quadrants", "cold"), ("views", "grid")]
    places += [("views", "examples"), ("views", "examples", "mis_click", 0)]
    places += [("carriers", "users", 0), ("carriers", "items", 0), ("top", 0), ("compare", "arms", 1)]
    for place in places:
        for name in list(_at(whole, place)):
            for gone in (True, False):
                facts = copy.deepcopy(whole)
                if gone:
                    del _at(facts, place)[name]
                else:
                    _at(facts, place)[name] = None
                Page(render(facts))
                render_markdown(facts)


def _at(facts: Any, place: tuple[Any, ...]) -> Any:
    for key in place:
        facts = facts[key]
    return facts


def test_the_facts_inside_are_the_facts_given() -> None:
    facts = taken_facts.facts(rows=4)
    before = copy.deepcopy(facts)
    inside = facts_json(Page(render(facts)))
    assert inside["carriers"] == facts["carriers"]
    assert facts == before
