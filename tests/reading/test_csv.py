"""CSV: any delimiter and packing, every bad line named, the fast and the careful way equal."""

import csv
import gzip
import io

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from steelyard.errors import DataError, DataErrors, UsageError
from steelyard.parts import make
from steelyard.parts.sources import _delimited, choose

HEAD = "query,title,label\n"
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)


def table(path, **options):
    return pa.Table.from_batches(list(make("sources", "csv", **options).read(path)))


def test_reading_gives_what_was_written(tmp_path, rows, reading):
    path = tmp_path / "t.csv"
    with path.open("w", newline="", encoding="utf-8") as f:
        w = csv.DictWriter(f, rows[0])
        w.writeheader()
        w.writerows(rows)
    s = reading(path)
    assert s.texts("title") == [r["title"] for r in rows]
    assert [s.scale.names[c] for c in s.label] == [str(r["label"]) for r in rows]
    assert s.task == "relevance"


@pytest.mark.parametrize("mark", [",", "\t", ";", "|"])
def test_the_delimiter_is_found(tmp_path, mark):
    path = tmp_path / "t.csv"
    path.write_text(f"query{mark}title{mark}label\na:b{mark}c{mark}1\nd{mark}e:f{mark}2\n", encoding="utf-8")
    assert table(path).column_names == ["query", "title", "label"]


@pytest.mark.parametrize("packing", ["gzip", "zstd"])
def test_packing_does_not_matter(tmp_path, packing, rows, reading):
    text = HEAD + "a,b,1\nc,d,2\n"
    plain, packed = tmp_path / "t.csv", tmp_path / f"t.csv.{ {'gzip': 'gz', 'zstd': 'zst'}[packing] }"
    plain.write_text(text, encoding="utf-8")
    packed.write_bytes(
        gzip.compress(text.encode()) if packing == "gzip" else pa.compress(text.encode(), codec="zstd", asbytes=True)
    )
    assert reading(plain).row_key.tolist() == reading(packed).row_key.tolist()


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path, encoding):
    path = tmp_path / "t.csv"
    path.write_bytes((HEAD + "手机,b,1\n").encode(encoding))
    assert table(path).to_pylist() == [{"query": "手机", "title": "b", "label": "1"}]


def test_gb18030_is_named_with_its_line_and_read_when_asked(tmp_path, reading):
    path = tmp_path / "t.csv"
    path.write_bytes((HEAD + "ok,ok,1\n手机壳,透明手机壳,2\n").encode("gb18030"))
    with pytest.raises(DataError) as e:
        reading(path)
    assert (e.value.code, e.value.facts["line"], e.value.facts["guess"]) == ("D127", 3, "gb18030")
    assert "gb18030" in e.value.say("zh")
    assert reading(path, source={"encoding": "gb18030"}).texts("query")[1] == "手机壳"


def test_latin_1_is_not_called_chinese(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes((HEAD + "café,crème brûlée,1\n").encode("latin-1"))
    with pytest.raises(DataError) as e:
        table(path)
    assert e.value.facts["guess"] == "latin-1"


def test_short_and_long_rows_are_named_all_together(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(HEAD + "a,b,1\nshort,1\nc,d,2\nlong,x,y,z\n" + "bad\n" * 30, encoding="utf-8")
    with pytest.raises(DataError) as e:
        table(path)
    assert e.value.code == "D142"
    assert e.value.facts["count"] == 32
    assert e.value.facts["lines"].startswith("3 (2), 5 (4), 6 (1)")
    assert e.value.facts["lines"].count("(") == 20


def test_an_unclosed_quote_eats_no_rows(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(HEAD + "a,b,1\n" + 'c,"5 inch,2\n' + "d,e,1\n" * 100 + "f,1\n", encoding="utf-8")
    with pytest.raises(DataErrors) as e:
        table(path)
    found = {p.code: p.facts["lines"] for p in e.value.problems}
    assert found == {"D143": "3", "D142": "104 (2)"}


def test_an_unclosed_quote_near_the_end_is_named(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(HEAD + 'a,b,1\nc,"d,2\ne,f,1\n', encoding="utf-8")
    with pytest.raises(DataError) as e:
        table(path)
    assert (e.value.code, e.value.facts["lines"]) == ("D143", "3")


def test_two_stray_quotes_far_apart_are_no_field(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(HEAD + 'a,"b,1\n' + "c,d,2\n" * 200 + 'e,f",1\n', encoding="utf-8")
    with pytest.raises(DataError) as e:
        table(path)
    assert (e.value.code, e.value.facts["lines"]) == ("D143", "2")


def test_a_field_of_many_lines_is_kept_when_allowed(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(HEAD + 'a,"' + "x\n" * 100 + '",1\n', encoding="utf-8")
    assert table(path, max_field_lines=200)["title"][0].as_py() == "x\n" * 100


def test_nul_bytes_are_named(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(HEAD + "a,b,1\nc,\0,2\n", encoding="utf-8")
    with pytest.raises(DataError) as e:
        table(path)
    assert (e.value.code, e.value.facts["lines"]) == ("D144", "3")


def test_blank_lines_are_no_rows_and_shift_no_number(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(HEAD + "\na,b,1\n   \n\nc,d,2\nx\n", encoding="utf-8")
    with pytest.raises(DataError) as e:
        table(path)
    assert e.value.facts["lines"] == "7 (1)"


@pytest.mark.parametrize(("text", "code"), [("", "D140"), ("\n\n", "D140"), (HEAD, "D139"), ("a,a\n1,2\n", "D146")])
def test_nothing_to_read_is_said(tmp_path, reading, text, code):
    path = tmp_path / "t.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError) as e:
        reading(path)
    assert e.value.code == code


def test_errors_are_reported_and_in_no_other_way():
    with pytest.raises(UsageError) as e:
        make("sources", "csv", errors="skip")
    assert e.value.code == "U108"


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(TEXT, TEXT, TEXT), min_size=1, max_size=12))
def test_any_table_comes_back_on_both_ways(tmp_path, cells):
    out = io.StringIO(newline="")
    csv.writer(out).writerows([("a", "b", "c"), *cells])
    path = tmp_path / "t.csv"
    path.write_bytes(out.getvalue().encode())
    assert [tuple(r.values()) for r in table(path, delimiter=",").to_pylist()] == cells
    look = _delimited.survey(path)
    careful = pa.Table.from_batches(list(_delimited._careful(path, look, ",", 60, 0)))
    assert [tuple(r.values()) for r in careful.to_pylist()] == cells


def test_rows_behind_a_doubt_are_read_once(tmp_path, monkeypatch):
    """The fast reader gives up after its first batch; the careful one goes on behind it."""
    path = tmp_path / "t.csv"
    path.write_text(HEAD + "".join(f"q{i},t{i},{i % 3}\n" for i in range(500)), encoding="utf-8")

    def doubtful(path, mark, most, done):
        done[0] = 100
        yield pa.RecordBatch.from_pylist(
            [{"query": f"q{i}", "title": f"t{i}", "label": str(i % 3)} for i in range(100)]
        )
        return False

    whole = table(path)
    monkeypatch.setattr(_delimited, "_fast", doubtful)
    assert table(path).equals(whole)


def test_a_pattern_reads_files_of_one_schema(tmp_path, reading):
    for i in range(3):
        (tmp_path / f"p{i}.csv").write_text(HEAD + f"q{i},t,{i}\n", encoding="utf-8")
    assert len(reading(str(tmp_path / "p*.csv"))) == 3
    (tmp_path / "p9.csv").write_text("query,name,label\nq,t,1\n", encoding="utf-8")
    with pytest.raises(DataError) as e:
        reading(str(tmp_path / "p*.csv"))
    assert e.value.code == "D151"


def test_choose_names_the_csv_source(tmp_path):
    path = tmp_path / "t.tsv.gz"
    path.write_bytes(gzip.compress(b"query\ttitle\tlabel\na\tb\t1\n"))
    assert type(choose(path)).__name__ == "Csv"
