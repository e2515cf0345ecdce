"""Each finding is planted once and must be found; the clean table must have none."""

import json
import string

import numpy as np
import pyarrow as pa
import pytest

from steelyard.acts.checking import check
from steelyard.acts.checks import cost
from steelyard.acts.checks.cost import Load, Machine, quick_cost
from steelyard.acts.checks.power import smallest_visible
from steelyard.errors import DataError, DataErrors, EnvironmentProblem, GateFailed
from steelyard.values.checkup import Checkup
from steelyard.values.findings import Finding
from steelyard.wording import catalogue

from .tables import table

BIG = Machine(2, 64e9, True)
LONG = "alpha beta gamma delta epsilon zeta eta theta iota kappa"
LETTERS = string.ascii_lowercase


def word(i: int) -> str:
    return "".join(LETTERS[i // 26**k % 26] for k in range(4))


def clean(queries: int = 1200, **changed):
    """Three products of three grades a query; two of three queries in train, one in test."""
    n = queries * 3
    columns = {
        "query": [f"find {word(i // 3)}" for i in range(n)],
        "title": [f"{word(i)} {word(i + 7)}" for i in range(n)],
        "split": ["test" if i // 3 % 3 == 0 else "train" for i in range(n)],
        "label": [i % 3 for i in range(n)],
    }
    if queries >= 1200:
        columns["split"] = ["train" if i // 3 % 3 == 0 else "test" for i in range(n)]
    for name, places in changed.items():
        if isinstance(places, dict):
            for place, value in places.items():
                columns[name][place] = value
        else:
            columns[name] = places
    label = columns.pop("label")
    return table(label, **columns)


def troubles(checkup: Checkup) -> set[str]:
    return {f.code for f in checkup.findings if f.severity != "ok"}


def look(samples, **options) -> Checkup:
    return check(samples, machine=BIG, **options)


def test_a_clean_table_is_clean() -> None:
    found = look(clean())
    assert troubles(found) == set()
    assert {f.code for f in found.findings} == {
        "D170.ok", "D172.ok", "D171.ok", "D179.ok", "D176.ok", "D115.ok", "D175.ok", "D174.ok", "D133.ok", "D134.ok",
        "D120.ok", "D121.ok", "P201.ok", "V401.ok", "E222.ok",
    }  # fmt: skip
    assert found.usable
    found.raise_for_errors()


# rows 0-2 are query 0 (train), rows 3-8 queries 1 and 2 (test), rows 9-11 query 3 (train)
PLANTED = {
    "D172": (clean(title={5: " !? "}), 1, ("r5",), {"D172"}),
    "D179": (clean(label={5: -1, 9: -1}), 2, ("r5", "r9"), {"D179"}),
    "D174": (clean(query={9: "find aaaa"}, title={9: "AAAA, haaa"}), 1, ("r9",), {"D174"}),
    "D133": (clean(query={10: "find aaaa"}, title={10: "AAAA haaa"}), 2, ("r0", "r10"), {"D133", "D177"}),
    "D134": (clean(query={10: "aaaa find"}, title={0: LONG, 10: LONG + " mu"}), 2, ("r0", "r10"), {"D134"}),
    "D135": (clean(query={4: "find baaa"}, title={3: "x", 4: "x"}), 2, ("r3", "r4"), {"D135", "D177"}),
    "D120": (clean(query={3: "FIND aaaa"}), 1, ("r3",), {"D120"}),
    "D121": (clean(query={3: "find aaaa"}, title={0: LONG, 3: LONG + " mu"}), 1, ("r3",), {"D120", "D121"}),
    "D175": (clean(label={0: 1, 2: 1}), 1, ("r0", "r1", "r2"), {"D175"}),
    "D176": (clean(label=[0] * 3580 + [1] * 20), 3580, (), {"D176", "D175", "V401"}),
    "D116": (clean(label=[1] * 3600), 3600, (), {"D116", "D175", "V401"}),
    "D115": (clean(query=[f"find {word(i)}" for i in range(3600)]), 3600, None, {"D115"}),
    "P201": (clean(query={9: "call 13812345678", 10: "call 13812345678", 11: "a@b.org"}), 3, 
             ("r9", "r10", "r11"), {"P201"}),
    "V401": (clean(300), 100, (), {"V401"}),
    "V402": (clean(split=["train"] * 3600), 0, (), {"V402"}),
    "D173": (clean(label=[-1] * 3600), 3600, (), {"D173", "V401"}),
}  # fmt: skip


@pytest.mark.parametrize("code", PLANTED)
def test_what_was_planted_is_found(code: str) -> None:
    samples, count, rows, expected = PLANTED[code]
    found = look(samples)
    (one,) = found.find(code)
    assert one.count == count
    assert rows is None or one.rows == rows
    assert expected - {"D115"} <= troubles(found)
    assert troubles(found) - expected <= {"D115", "V403"}


def test_personal_data_is_counted_by_kind() -> None:
    (one,) = look(PLANTED["P201"][0]).find("P201")
    assert one.facts == {
        "column": "query",
        "kinds": "phone 2, email 1",
        "email": 1,
        "id_card": 0,
        "bank_card": 0,
        "phone": 2,
    }
    assert "13812345678" not in json.dumps(one.as_dict())


def test_wrong_labels_are_bounded_from_below() -> None:
    s = table([0, 0, 2, 1, 1], query=["q"] * 5, title=["a", "a", "a", "b", "c"])
    (one,) = look(s).find("D177")
    assert (one.count, one.facts["repeated"]) == (1, 3)


def test_test_split_contradictions_do_not_count_as_train() -> None:
    found = look(PLANTED["D135"][0])
    assert found.find("D133.ok")
    assert not found.find("D133")


@pytest.mark.parametrize(
    ("column", "position", "fires"),
    [("点击", False, True), ("is_click", False, True), ("is_click", True, False), ("label", False, False)],
)
def test_clicks_without_position(column: str, position: bool, fires: bool) -> None:
    more = {"position": [1, 2, 1, 2]} if position else {}
    s = table([0, 1, 0, 1], ("0", "1"), query=["a", "a", "b", "b"], title=["w", "x", "y", "z"], **more)
    object.__setattr__(s, "columns", {"label": column})
    assert bool(look(s).find("C140")) is fires


def test_short_memory_is_said_with_what_would_fit() -> None:
    found = check(clean(), machine=Machine(2, 1e8, False))
    (one,) = found.find("E220")
    assert one.severity == "error"
    assert one.facts["fits"] <= 3600
    assert found.find("E223")
    with pytest.raises(EnvironmentProblem, match="E220"):
        found.raise_for_errors()


def test_more_rows_take_longer_and_more_cores_less() -> None:
    few, many = quick_cost(Load(100_000, 100), BIG), quick_cost(Load(2_000_000, 100), BIG)
    assert 3 * few["seconds"] < many["seconds"] < 20 * few["seconds"]
    assert quick_cost(Load(2_000_000, 100), Machine(8, 64e9, True))["seconds"] < many["seconds"] / 2
    assert quick_cost(Load(100_000, 100, outputs=4), BIG)["seconds"] > few["seconds"]
    assert quick_cost(Load(100_000, 100, trees=False), BIG)["seconds"] < few["seconds"]
    assert quick_cost(Load(0, 0), BIG)["rows_per_second"] == 0


def test_this_machine_has_cores_and_memory() -> None:
    here = cost.Machine.here()
    assert here.cores >= 1
    assert here.memory > 0


def test_smallest_visible_change_is_the_published_formula() -> None:
    assert smallest_visible(500) == pytest.approx(0.0125, abs=1e-4)
    assert smallest_visible(5000) == pytest.approx(0.004, abs=1e-4)


def test_classification_is_checked_too() -> None:
    texts = [f"{word(i)} {word(i + 3)}" for i in range(30)] + [LONG, LONG + " mu"]
    s = table([i % 2 for i in range(32)], ("no", "yes"), "classification", text=texts, split=["train"] * 31 + ["test"])
    found = look(s)
    assert troubles(found) == {"D121", "V403"}
    assert found.find("D121")[0].rows == ("r31",)
    assert found.find("D171.classes")


def test_no_rows_is_an_error() -> None:
    found = look(table([], query=pa.array([], pa.string()), title=pa.array([], pa.string())))
    assert troubles(found) == {"D170"}
    with pytest.raises(DataError, match="D170"):
        found.raise_for_errors()


@pytest.mark.parametrize("rows", [1, 40])
@pytest.mark.parametrize(
    "columns", [{"title": "t"}, {"query": "q"}, {"query": "", "title": ""}, {"query": "q", "title": None}]
)
def test_poor_tables_do_not_break_it(rows: int, columns: dict[str, str | None]) -> None:
    arrays = {k: pa.array([v] * rows, pa.string()) for k, v in columns.items()}
    json.dumps(look(table([i % 2 for i in range(rows)], **arrays)).to_dict())


def test_notes_of_reading_come_first() -> None:
    s = clean()
    object.__setattr__(s, "notes", (Finding("D170.ok", "note", 3, {"columns": "x"}),))
    assert look(s).findings[0].severity == "note"


def test_missing_labels_are_said_once() -> None:
    s = clean(label={5: -1, 9: -1})
    object.__setattr__(s, "notes", (Finding("D105", "warn", 2, {"column": "grade"}),))
    assert [f.code for f in look(s).findings if f.code in ("D105", "D179", "D179.ok")] == ["D105"]


def test_strict_makes_warnings_fail() -> None:
    s = PLANTED["D133"][0]
    look(s).raise_for_errors()
    with pytest.raises(GateFailed, match="D133"):
        look(s, strict=True).raise_for_errors()
    assert not look(s, strict=True).usable


def test_all_errors_are_raised_together() -> None:
    bad = Checkup(
        (
            Finding("D170", "error"),
            Finding("D173", "error", 4),
            Finding("E220", "error", 1, {"needed": 1.0, "free": 0.5, "fits": 1}),
        )
    )
    with pytest.raises(DataErrors) as caught:
        bad.raise_for_errors()
    assert [p.code for p in caught.value.problems] == ["D170", "D173"]


def test_the_same_table_gives_the_same_json_and_every_sentence_speaks() -> None:
    for samples, *_ in PLANTED.values():
        one, two = look(samples).to_dict(), look(samples).to_dict()
        assert one["schema"] == "steelyard.check/1"
        assert json.dumps(one) == json.dumps(two)
        for finding in look(samples).findings:
            assert "{" not in finding.say("en") + finding.say("zh")
            assert finding.say("zh") != finding.say("en")


def test_row_order_does_not_change_what_is_counted() -> None:
    s = PLANTED["D134"][0]
    moved = s.take(np.random.default_rng(3).permutation(len(s)))
    assert {(f.code, f.count) for f in look(s).findings} == {(f.code, f.count) for f in look(moved).findings}


def test_catalogues_match() -> None:
    def fields(text: str) -> set[str]:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}

    en, zh = catalogue("en"), catalogue("zh")
    assert en.keys() == zh.keys()
    for code in en:
        assert fields(en[code]) == fields(zh[code]), code
