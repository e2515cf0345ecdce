"""Attribute clashes: found after conversion of units, in both languages, and without false alarms."""

import numpy as np
import pytest

from steelyard.demonstration import make
from steelyard.features.attributes import brand_clash, clash, values


@pytest.mark.parametrize(
    ("query", "title", "found"),
    [
        ("13 inch macbook air case", '15.6" Laptop Sleeve, Water-Resistant', ("length", "13 inch", '15.6"')),
        ("13in laptop", "Laptop 17.3-inch", ("length", "13in", "17.3-inch")),
        ("15.6英寸 笔记本", "13寸轻薄本", ("length", "15.6英寸", "13寸")),
        ("保温杯 500毫升", "保温杯 ３５０ｍｌ", ("volume", "500毫升", "350ml")),
        ("500ml bottle", "Bottle 0.75 L", ("volume", "500ml", "0.75 l")),
        ("5 kg dog food", "dog food 12kg", ("weight", "5 kg", "12kg")),
        ("手机 128GB", "手机 256 GB", ("data", "128gb", "256 gb")),
        ("ssd 1tb", "SSD 512GB", ("data", "1tb", "512gb")),
        ("登山鞋 42码", "登山鞋 43码", ("size", "42码", "43码")),
        ("boots size 42", "Boots, Size 44", ("size", "size 42", "size 44")),
        ("towels pack of 6", "Towels 4-pack", ("pack", "pack of 6", "4-pack")),
        ("毛巾 两条装", "毛巾 6条装", ("pack", "两条装", "6条装")),
        ("lx-240 printer", "Norvik LX-310 printer", ("model", "LX-240", "LX-310")),
        ("sunscreen spf50", "Sun lotion SPF30 100ml", ("model", "SPF50", "SPF30")),
        ("18v drill", "Drill 20 V", ("voltage", "18v", "20 v")),
    ],
)
def test_a_clash_is_found(query: str, title: str, found: tuple[str, str, str]) -> None:
    assert clash(query, title) == found


@pytest.mark.parametrize(
    ("query", "title"),
    [
        ("13 inch laptop", "Laptop 13.3 inch"),
        ("13 inch laptop", "Laptop with 1.8 m cable"),
        ("33 cm pan", "13 inch pan"),
        ("1 litre bottle", "Bottle 1000 ml"),
        ("保温杯 1升", "保温杯 1000毫升"),
        ("大米 5公斤", "大米 10斤"),
        ("500ml bottle", "Bottle 500 ml, 750 ml"),
        ("40 cm box", "Box 30x40x50cm"),
        ("2 in 1 laptop 14 inch", "2 in 1 laptop, 14-inch"),
        ("pack of 3 in blue", "Blue socks, three pairs, 10 cm"),
        ("5g phone", "Phone 5G, 180 g"),
        ("printer lx-240", "LX240 printer"),
        ("printer lx-240", "Cartridge for LX-310, LX-240"),
        ("size 42 boots", "Boots EU 42"),
        ("usb c cable 2m", "USB C cable"),
        ("iphone 13 case", "Case for iPhone 13, 6.1 inch"),
        ("10 inch tablet case", "Case for Tab 10, 12 inch wide"),
        ("", "13 inch"),
        ("13 inch", ""),
        ("毛巾 6条装", "毛巾 6条"),
    ],
)
def test_no_false_alarm(query: str, title: str) -> None:
    assert clash(query, title) is None


def test_width_and_case_do_not_matter() -> None:
    assert values("５００ＭＬ") == values("500ml")
    assert values("13″") == values('13"') == values("13”")


def test_brand_clash() -> None:
    brands = ("Norvik", "Tamsel", "山岚", "北渡")
    assert brand_clash("norvik phone", "Tamsel phone P20", "Tamsel", brands) == ("brand", "Norvik", "Tamsel")
    assert brand_clash("山岚手机", "北渡手机", "北渡", brands) == ("brand", "山岚", "北渡")
    assert brand_clash("norvik phone", "Case for Norvik phone", "Tamsel", brands) is None
    assert brand_clash("norvik phone", "Norvik phone", "Norvik", brands) is None
    assert brand_clash("norvik phone", "phone", "", brands) is None
    assert brand_clash("norviks phone", "phone", "Tamsel", brands) is None


def test_exact_products_of_the_demo_never_clash_and_many_substitutes_do() -> None:
    rows = make(rows=3000).to_pylist()
    brands = {r["brand"] for r in rows}
    found = {g: [] for g in "ESCI"}
    for r in rows:
        any_clash = clash(r["query"], r["title"]) or brand_clash(r["query"], r["title"], r["brand"], brands)
        found[r["gold"]].append(any_clash is not None)
    assert not any(found["E"])
    assert np.mean(found["S"]) > 0.5
