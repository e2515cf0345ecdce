"""One spelling for texts that mean the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelyard.features.normal import normal, signature, token_set, tokens


@given(st.text(max_size=60))
def test_normal_is_idempotent(text: str) -> None:
    assert normal(normal(text)) == normal(text)


@given(st.text(alphabet="aB1./-+ ，。Ａ１½①ßİſ\u0345\u200d中文ｶﾞ", max_size=20))
def test_normal_is_idempotent_where_it_is_hard(text: str) -> None:
    assert normal(normal(text)) == normal(text)
    assert normal(text) == normal(text) == " ".join(normal(text).split())


@pytest.mark.parametrize(
    ("one", "other"),
    [("ＩＰｈｏｎｅ　１２！", "iphone 12"), ("T-Shirt,  Red", "t shirt red"), ("手机壳，防摔", "手机壳 防摔"),
     ("STRASSE", "straße"), ("½ in.", "1/2 in"), ("ﾎﾞﾄﾙ", "ボトル"), ("...", "")],
)  # fmt: skip
def test_same_meaning_same_spelling(one: str, other: str) -> None:
    assert normal(one) == normal(other)


@pytest.mark.parametrize(("one", "other"), [("c++", "c#"), ("5.5", "55"), ("1/2", "1.2"), ("5%", "5"), ("红", "绿")])
def test_other_meaning_other_spelling(one: str, other: str) -> None:
    assert normal(one) != normal(other)


def test_tokens_are_words_and_character_pairs() -> None:
    assert tokens("iPhone12手机壳 红") == ["iphone12", "手机", "机壳", "红"]
    assert token_set("b a b") == ["a", "b"]


def test_signature_forgets_order_and_repeats() -> None:
    assert signature("red shoes red") == signature("Shoes, RED")
    assert signature("red shoes") != signature("red shoe")
