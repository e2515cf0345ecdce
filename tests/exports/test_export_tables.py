"""Tables out and in again: parquet, csv and jsonl lose nothing; csv for people runs nothing."""

import csv
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pcsv
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelyard import parts
from steelyard.demonstration import make

HARD = ["=1+1", "＝１", "-3", "a,b", 'say "hi"', "two\nlines", "", None, "保温杯 ５００ｍｌ"]
HARD += ["\ttab", " =x", "\u2028", "\x85", "NULL", "NaN"]
STARTS = ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", " =", "\u3000＝", "\u00a0+"]


def hard_table() -> pa.Table:
    prices = [None, *[i / 7 for i in range(1, len(HARD))]]
    return pa.table({"row_key": [f"k{i}" for i in range(len(HARD))], "query": HARD, "price": prices})


TABLES = {"hard": hard_table(), "demo": make(rows=120), "empty": hard_table().slice(0, 0)}


def write(name: str, table: pa.Table, folder: Path) -> Path:
    export = parts.make("exports", name)
    path = folder / f"out{export.suffix}"
    export.write(table, path)
    return path


def read_csv(path: Path, schema: pa.Schema) -> pa.Table:
    convert = pcsv.ConvertOptions(
        column_types=schema, strings_can_be_null=True, quoted_strings_can_be_null=False, null_values=[""]
    )
    return pcsv.read_csv(path, parse_options=pcsv.ParseOptions(newlines_in_values=True), convert_options=convert)


def read_jsonl(path: Path, schema: pa.Schema) -> pa.Table:
    lines = path.read_text(encoding="utf-8").splitlines()
    return pa.Table.from_pylist([json.loads(line) for line in lines], schema)


READ = {"parquet": lambda path, schema: pq.read_table(path), "csv": read_csv, "jsonl": read_jsonl}


@pytest.mark.parametrize("name", sorted(READ))
@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_read_gives_back_what_was_written(name: str, table: pa.Table, tmp_path: Path) -> None:
    assert READ[name](write(name, table, tmp_path), table.schema).equals(table)


@given(st.lists(st.text(st.characters(exclude_categories=("Cs",)), max_size=8), max_size=5))
def test_any_text_survives_csv_and_jsonl(tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> None:
    table = pa.table({"row_key": [str(i) for i in range(len(texts))], "text": pa.array(texts, pa.string())})
    folder = tmp_path_factory.mktemp("any")
    for name in ("csv", "jsonl"):
        assert READ[name](write(name, table, folder), table.schema).equals(table)


def test_lists_and_dictionaries_become_plain_cells(tmp_path: Path) -> None:
    table = pa.table({"tokens": [["a", "保"], None], "locale": pa.array(["us", "cn"]).dictionary_encode()})
    with write("csv", table, tmp_path).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [r["locale"] for r in rows] == ["us", "cn"]
    assert json.loads(rows[0]["tokens"]) == ["a", "保"]
    lines = write("jsonl", table, tmp_path).read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["tokens"] for line in lines] == [["a", "保"], None]


def test_jsonl_has_no_nan(tmp_path: Path) -> None:
    text = write("jsonl", pa.table({"x": [float("nan"), float("inf"), 1.5]}), tmp_path).read_text()
    assert [json.loads(line)["x"] for line in text.splitlines()] == [None, None, 1.5]
    assert "NaN" not in text


def people(table: pa.Table, folder: Path) -> list[list[str]]:
    with write("csv_people", table, folder).open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))


@pytest.mark.parametrize("start", STARTS)
def test_no_cell_for_people_starts_a_formula(start: str, tmp_path: Path) -> None:
    rows = people(pa.table({f"{start}name": [f"{start}1", "plain", None]}), tmp_path)
    assert rows[0][0] == f"'{start}name"
    assert rows[1][0] == f"'{start}1"
    assert rows[2] == ["plain"]


def test_numbers_and_plain_texts_for_people_stay_as_they_are(tmp_path: Path) -> None:
    table = pa.table({"price": [-3.5, 2.0], "title": ["13-inch = good", "保温杯"]})
    assert people(table, tmp_path)[1:] == [["-3.5", "13-inch = good"], ["2", "保温杯"]]


def test_excel_sees_the_mark_and_machines_do_not(tmp_path: Path) -> None:
    table = hard_table()
    assert write("csv_people", table, tmp_path).read_bytes().startswith(b"\xef\xbb\xbf")
    assert not write("csv", table, tmp_path).read_bytes().startswith(b"\xef\xbb\xbf")


@pytest.mark.parametrize("name", parts.names("exports"))
def test_every_export_has_a_suffix_and_a_line_that_describes_it(name: str) -> None:
    assert parts.find("exports", name).suffix.startswith(".")
    assert len(parts.describe("exports", name)) > 20
