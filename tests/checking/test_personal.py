"""Personal data: what must be found, and what looks like it but must stay."""

import itertools

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelyard.features.hashing import Distinct, distinct
from steelyard.features.personal import KINDS, hits, is_id_card, mask, personal_rows

from .tables import table

FOUND = [
    ("call 13812345678 now", "phone", "13812345678"),
    ("我的电话13812345678谢谢", "phone", "13812345678"),
    ("电话１３８１２３４５６７８", "phone", "１３８１２３４５６７８"),
    ("+86 138-1234-5678", "phone", "+86 138-1234-5678"),
    ("+8619912345678", "phone", "+8619912345678"),
    ("0086 13812345678", "phone", "0086 13812345678"),
    ("tel 010-62345678 beijing", "phone", "010-62345678"),
    ("call (415) 555-2671", "phone", "(415) 555-2671"),
    ("415-555-2671", "phone", "415-555-2671"),
    ("+44 20 7946 0958", "phone", "+44 20 7946 0958"),
    ("+1 415 555 2671", "phone", "+1 415 555 2671"),
    ("mail jane.doe+shop@example.co.uk please", "email", "jane.doe+shop@example.co.uk"),
    ("联系a_b@qq.com。", "email", "a_b@qq.com"),
    ("身份证11010519491231002X", "id_card", "11010519491231002X"),
    ("id 11010519491231002x.", "id_card", "11010519491231002x"),
    ("4111 1111 1111 1111", "bank_card", "4111 1111 1111 1111"),
    ("card 5500005555555559 exp", "bank_card", "5500005555555559"),
    ("378282246310005", "bank_card", "378282246310005"),
    ("3782 822463 10005", "bank_card", "3782 822463 10005"),
    ("卡号6222021234567890128", "bank_card", "6222021234567890128"),
]
STAYS = [
    "galaxy s21 ultra 5g 256gb", "model WH-1000XM4 headphones", "SKU13812345678", "13812345678A", "B-13812345678",
    "12345678901", "14012345678", "16012345678", "price 13800000000.00", "isbn 978-0-306-40615-7", "9780306406157",
    "0-306-40615-2", "ean 4006381333931", "4901234567894", "gtin 36123456789017 box", "$1,299.00 tv",
    "1-1/2 in. x 10 ft.",
    "3 pack @ $5.99", "logo@2x.png", "user@host", "110105194912310021", "110105194913310027",
    "4111 1111 1111 1112", "1111111111111111", "9999999999999995", "part 1001-234-567", "20230512 13:45:20",
    "6222-0212", "911-555-1234", "115-555-2671", "+12", "x+1234567890", "iphone 12 13 14 15 pro max 2023",
    "10.0.0.255 router", "1280x720 1920x1080", "5550-1234-99", "",
]  # fmt: skip


@pytest.mark.parametrize(("text", "kind", "part"), FOUND)
def test_personal_data_is_found_where_it_stands(text: str, kind: str, part: str) -> None:
    assert [(h.kind, text[h.start : h.end]) for h in hits(text)] == [(kind, part)]
    assert mask(text) == text.replace(part, f"[{kind}]")


@pytest.mark.parametrize("text", STAYS)
def test_near_misses_stay(text: str) -> None:
    assert hits(text) == []
    assert mask(text) == text


def test_a_valid_ean_that_passes_luhn_is_no_card() -> None:
    both = [
        f"{n}{c}"
        for n in range(490123450000, 490123450400)
        for c in range(10)
        if _luhn_slow(f"{n}{c}") and _ean_slow(f"{n}{c}")
    ]
    assert both
    assert not any(hits(number) for number in both)


def _luhn_slow(digits: str) -> bool:
    total = 0
    for place, d in enumerate(reversed(digits)):
        value = int(d) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def _ean_slow(digits: str) -> bool:
    return sum(int(d) * (3 if i % 2 else 1) for i, d in enumerate(digits)) % 10 == 0


def test_one_identity_check_digit_fits() -> None:
    assert [d for d in "0123456789X" if is_id_card("11010519491231002" + d)] == ["X"]


def test_several_hits_in_one_text() -> None:
    text = "a@b.com 13812345678 11010519491231002X"
    assert mask(text) == "[email] [phone] [id_card]"


@given(st.text(alphabet="0123456789+-() @.xX中a", max_size=40))
def test_mask_is_idempotent_and_hits_lie_in_order(text: str) -> None:
    found = hits(text)
    assert mask(mask(text)) == mask(text)
    assert all(a.end <= b.start for a, b in itertools.pairwise(found))
    assert all(h.kind in KINDS and 0 <= h.start < h.end <= len(text) for h in found)


def test_rows_are_counted_not_distinct_texts() -> None:
    s = table([0] * 5, query=["a", "13812345678", "13812345678", "x@y.org 13812345678", "b"], title=["t"] * 5)
    rows, counts = personal_rows(distinct(s, "query"))
    assert rows.tolist() == [1, 2, 3]
    assert counts == {"phone": 3, "email": 1}


def test_no_rows() -> None:
    rows, counts = personal_rows(
        Distinct(
            rows_none := distinct(table([], query=pa.array([], pa.string())), "query").index,
            pa.array([], pa.large_string()),
        )
    )
    assert len(rows_none) == len(rows) == 0
    assert not counts


@pytest.mark.parametrize("text", [row[0] for row in FOUND])
def test_the_fast_filter_lets_every_hit_through(text: str) -> None:
    s = table([0], query=[text], title=["t"])
    assert len(personal_rows(distinct(s, "query"))[0]) == 1
