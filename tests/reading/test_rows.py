"""Rows: keys survive any order, groups hold what belongs together, texts are cleaned; nothing else ever comes out."""

import json
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from steelyard.acts.reading import read
from steelyard.errors import SteelyardError
from steelyard.parts import make, names
from steelyard.parts.sources import choose
from steelyard.values.samples import Samples
from steelyard.wording import catalogue

CELL = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.lists(st.text(max_size=2), max_size=2)
)
NAME = st.sampled_from(
    ["query", "title", "label", "text", "gold", "split", "tokens", "tags", "weight", "x", "query_id", "价格", "ts"]
)


def read_any(where, preset=None):
    return read(choose(where, preset), where)


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("cd"), st.integers(0, 2)), min_size=1, max_size=12),
    st.randoms(use_true_random=False),
)
def test_order_of_rows_changes_no_key(triples, random):
    rows = [{"query": q, "title": t, "label": x} for q, t, x in triples]
    mixed = rows[:]
    random.shuffle(mixed)

    def keyed(rows):
        s = read_any(rows)
        assert len(set(s.row_key)) == len(rows)
        return {
            k: (r["query"], r["title"], r["label"], int(g)) for k, r, g in zip(s.row_key, rows, s.group, strict=True)
        }

    assert keyed(rows) == keyed(mixed)


def told(error):
    """The error speaks both languages and can be written as JSON."""
    assert error.code in catalogue("en")
    assert error.say("en") != error.say("zh")
    json.dumps(error.as_dict())


def test_keys_are_the_same_tomorrow():
    """Frozen: a change here breaks every decision that people saved."""
    s = read_any(
        [{"query": "red shoes", "title": "Red shoe", "label": 1}, {"query": "red shoes", "product_id": "7", "label": 0}]
    )
    assert s.row_key.tolist() == KEYS


KEYS = [
    "n6ibsfnvyxatgbxr",
    "r2gbxmqvxej3kn4g",
]  # base32 of blake2b-80 of "red shoes\x1ft:Red shoe\x1f\x1f\x1f\x1f" and so on


def test_key_parts_do_not_run_together():
    rows = [{"query": "ab", "title": "c", "label": 1}, {"query": "a", "title": "bc", "label": 1}]
    rows += [{"query": "a", "title": "b\x1fc", "label": 1}, {"query": "ab", "product_id": "c", "label": 1}]
    keys = [k.partition("#")[0] for k in read_any(rows).row_key]
    assert len({keys[0], keys[1], keys[3]}) == 3
    assert all(len(k) == 16 for k in keys)


def test_who_said_so_is_part_of_the_row():
    rows = [{"query": "q", "title": "t", "label": 1, "annotator": a} for a in ("w1", "w2")]
    assert not any("#" in k for k in read_any(rows).row_key)


def test_groups_are_queries_however_written(reading):
    rows = [{"query": q, "title": "t", "label": 1} for q in ("Red  Shoes", "red shoes", "ｒｅｄ shoes", "blue")]
    s = reading(rows)
    assert s.group[0] == s.group[1] == s.group[2] != s.group[3]
    assert next(n for n in s.notes if n.code == "D112").count == 2
    by_id = reading([r | {"query_id": i} for i, r in enumerate(rows)])
    assert len(set(by_id.group)) == 4
    assert "D112" not in [n.code for n in by_id.notes]
    assert len(set(reading([r | {"left_id": i // 2} for i, r in enumerate(rows)], group_by="left_id").group)) == 2


def test_same_texts_stay_together(reading):
    s = reading([{"text": t, "label": "a"} for t in ("Hello  World", "hello world", "bye")])
    assert s.group[0] == s.group[1] != s.group[2]


def test_spreadsheet_damage_is_found(reading):
    s = reading([{"query": "q", "title": "t", "label": 1, "item_id": x} for x in ("6.9E+12", "6.90123E+12", "a1")])
    found = next(n for n in s.notes if n.code == "D128")
    assert (found.severity, found.count, found.facts["column"]) == ("warn", 2, "item_id")
    assert "item_id" in found.say("zh")


def test_a_title_of_a_megabyte_is_cut_and_said(tmp_path, reading):
    path = tmp_path / "t.csv"
    path.write_text("query,title,label\nq," + "商" * 1_000_000 + ",1\nq,short,0\n", encoding="utf-8")
    s = reading(path)
    assert [len(t) for t in s.texts("title")] == [20_000, 5]
    assert next(n for n in s.notes if n.code == "D131").count == 1


def test_html_stays_and_control_characters_go(reading):
    s = reading([{"query": "q\x00\x1f", "title": "<b>bold</b>\x07\u0085 &amp;\ttab\n", "label": 1}])
    assert s.texts("title") == ["<b>bold</b> &amp;\ttab\n"]
    assert s.texts("query") == ["q"]
    assert next(n for n in s.notes if n.code == "D132").count == 2


def test_broken_bytes_in_arrow_strings_are_replaced(reading):
    bad = pa.array([b"ok", b"\xff\xfe"], pa.binary()).view(pa.string())
    s = reading(pa.table({"query": ["a", "b"], "title": bad, "label": [0, 1]}))
    assert s.texts("title") == ["ok", "\ufffd\ufffd"]
    assert next(n for n in s.notes if n.code == "D141").count == 1


@settings(max_examples=200, deadline=None)
@given(st.lists(st.dictionaries(NAME, CELL, max_size=8), max_size=6))
def test_any_objects_give_samples_or_an_error_of_ours(rows):
    try:
        s = read_any(rows)
    except SteelyardError as e:
        told(e)
        return
    assert isinstance(s, Samples)
    assert len(s) == len(s.label) == len(s.group) == len(rows) == len(set(s.row_key))
    assert s.label.max(initial=-1) < len(s.scale)
    assert all(n.say("en") and n.say("zh") for n in s.notes)
    json.dumps([n.as_dict() for n in s.notes])


FILES = [
    "t.csv",
    "t.tsv",
    "t.csv.gz",
    "t.jsonl",
    "t.json",
    "t.jsonl.zst",
    "t.parquet",
    "t.arrow",
    "t.letor",
    "t.qrels",
    "t.txt",
]
START = [
    b"",
    b"query,title,label\n",
    b'{"query":"a","title":"b","label":1}\n',
    b"PAR1",
    b"ARROW1\0\0",
    b"1 qid:1 1:1\n",
    b"\x1f\x8b",
]


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(FILES), st.sampled_from(START), st.binary(max_size=80))
def test_any_bytes_give_samples_or_an_error_of_ours(tmp_path, name, start, content):
    path: Path = tmp_path / name
    path.write_bytes(start + content)
    try:
        assert isinstance(read_any(path), Samples)
    except SteelyardError as e:
        told(e)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(["csv", "jsonl", "parquet", "letor", "trec", "quepid", "esci"]), st.binary(max_size=60))
def test_any_bytes_under_any_preset(tmp_path, preset, content):
    path = tmp_path / "t.bin"
    path.write_bytes(content)
    try:
        assert isinstance(read_any(path, preset), Samples)
    except SteelyardError as e:
        told(e)


@pytest.mark.parametrize("name", names("sources"))
def test_every_source_keeps_the_contract(name):
    source = make("sources", name)
    assert len(source.labels) in (0, len(source.gains))
    assert not source.opens(object())
    assert not source.opens(3)
