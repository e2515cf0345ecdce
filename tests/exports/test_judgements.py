"""Judgement files: trec_eval and Quepid read the grades that were written; what cannot be written is refused."""

import csv
from pathlib import Path

import pyarrow as pa
import pytest
import pytrec_eval

from steelyard import parts
from steelyard.demonstration import LABELS, make
from steelyard.errors import DataError

TABLE = pa.table(
    {
        "query_id": ["q1", "q1", "q2", "q2", "q1"],
        "query": ["红色 帐篷", "红色 帐篷", '=a, "b"', '=a, "b"', "红色 帐篷"],
        "product_id": ["p1", "p2", "p1", "p3", "p1"],
        "label": ["E", "I", "S", None, "E"],
    }
)


def write(name: str, table: pa.Table, folder: Path, **options: object) -> Path:
    export = parts.make("exports", name, **options)
    path = folder / f"out{export.suffix}"
    export.write(table, path)
    return path


def read_quepid(path: Path) -> list[tuple[str, str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return [(r["query"], r["docid"], r["rating"]) for r in csv.DictReader(file)]


def test_trec_eval_reads_the_qrels(tmp_path: Path) -> None:
    with write("judgements_trec", TABLE, tmp_path, labels=LABELS).open() as file:
        assert pytrec_eval.parse_qrel(file) == {"q1": {"p1": 3, "p2": 0}, "q2": {"p1": 2}}


def test_quepid_list(tmp_path: Path) -> None:
    assert read_quepid(write("judgements_quepid", TABLE, tmp_path, labels=LABELS)) == [
        ("红色 帐篷", "p1", "3"),
        ("红色 帐篷", "p2", "0"),
        ('=a, "b"', "p1", "2"),
        ('=a, "b"', "p3", ""),
    ]


def test_numbers_are_grades_as_they_are(tmp_path: Path) -> None:
    for label in ([2, 0, 1, None, 2], [2.0, 0.0, 1.0, None, 2.0], ["2", "0", "1", "", "2"]):
        table = TABLE.set_column(3, "label", pa.array(label))
        text = write("judgements_trec", table, tmp_path).read_text()
        assert text == "q1 0 p1 2\nq1 0 p2 0\nq2 0 p1 1\n"


def test_the_demo_goes_out_and_comes_back(tmp_path: Path) -> None:
    table = make()
    with write("judgements_trec", table, tmp_path, labels=LABELS, repeated="last").open() as file:
        read = pytrec_eval.parse_qrel(file)
    assert read == last_grades(table)


def last_grades(table: pa.Table) -> dict[str, dict[str, int]]:
    grades: dict[str, dict[str, int]] = {}
    for r in table.to_pylist():
        grades.setdefault(r["query_id"], {})[r["product_id"]] = LABELS.index(r["label"])
    return grades


@pytest.mark.parametrize("name", ["judgements_trec", "judgements_quepid"])
def test_a_pair_with_two_grades_is_refused_unless_told_otherwise(name: str, tmp_path: Path) -> None:
    table = pa.table({"query_id": ["q", "q", "q"], "product_id": ["p", "p", "p"], "label": ["I", "E", "S"]})
    with pytest.raises(DataError, match="D183: 1 pairs have two different grades"):
        write(name, table, tmp_path, labels=LABELS)
    for repeated, grade in (("lowest", "0"), ("highest", "3"), ("last", "2")):
        text = write(name, table, tmp_path, labels=LABELS, repeated=repeated).read_text()
        assert text.split()[-1][-1] == grade


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        ("label", ["E", "good", "bad", None, "E"], "D182: 2 labels are no grades: bad, good"),
        ("query_id", ["q 1", "", "q2", "q2", "q1"], "D184: 2 ids are empty or hold blanks .first: 'q 1'"),
    ],
)
def test_what_qrels_cannot_hold_is_refused(column: str, values: list, message: str, tmp_path: Path) -> None:
    table = TABLE.set_column(TABLE.column_names.index(column), column, pa.array(values))
    with pytest.raises(DataError, match=message):
        write("judgements_trec", table, tmp_path, labels=LABELS)


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"D181.*product_id.*query_id, query, label"):
        write("judgements_trec", TABLE.drop_columns(["product_id"]), tmp_path)
    assert "product_id" in DataError("D181", wanted="product_id", known="a").say("zh")


def test_no_rows_give_no_judgements(tmp_path: Path) -> None:
    assert write("judgements_trec", TABLE.slice(0, 0), tmp_path).read_text() == ""
    assert read_quepid(write("judgements_quepid", TABLE.slice(0, 0), tmp_path)) == []


@pytest.mark.parametrize("labels", [["E", None], [None, "E"]])
def test_a_pair_judged_once_is_judged(labels: list, tmp_path: Path) -> None:
    table = pa.table({"query_id": ["q", "q"], "product_id": ["p", "p"], "label": labels})
    assert write("judgements_trec", table, tmp_path, labels=LABELS).read_text() == "q 0 p 3\n"
