"""JSON lines, Parquet, Arrow, presets and places that are not there."""

import gzip
import io
import json
import os

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from steelyard.acts.reading import reread
from steelyard.errors import DataError, EnvironmentProblem, UsageError
from steelyard.parts.sources import choose


def test_json_lines_say_what_parquet_says(tmp_path, rows, reading):
    lines, packed, table = tmp_path / "t.jsonl", tmp_path / "t.jsonl.gz", tmp_path / "t.parquet"
    text = "".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows)
    lines.write_text(text, encoding="utf-8")
    packed.write_bytes(gzip.compress(text.encode()))
    pq.write_table(pa.Table.from_pylist(rows), table)
    first = reading(table)
    for path in (lines, packed):
        assert reading(path).table.equals(first.table)
        assert reading(path).label.tolist() == first.label.tolist()


def test_a_broken_json_line_is_named(tmp_path, reading):
    path = tmp_path / "t.jsonl"
    path.write_text('{"query":"a","title":"b","label":1}\n\n{"query": "a",\n[1]\n', encoding="utf-8")
    with pytest.raises(DataError) as e:
        reading(path)
    assert e.value.code == "D145"
    assert e.value.facts["count"] == 2
    assert e.value.facts["lines"].startswith("3 (")
    assert "4 (list)" in e.value.facts["lines"]


def test_lone_surrogates_and_mixed_values_become_text(tmp_path, reading):
    path = tmp_path / "t.jsonl"
    path.write_text(
        '{"query":"a\\ud800","title":5,"label":1}\n{"query":"b","title":"x","label":2.0,"late":true}\n',
        encoding="utf-8",
    )
    s = reading(path)
    assert s.texts("query")[0] == "a\ufffd"
    assert s.texts("title") == ["5", "x"]
    assert s.scale.names == ("1", "2")


def test_a_json_list_is_read(tmp_path, rows, reading):
    path = tmp_path / "t.json"
    path.write_text(json.dumps(rows), encoding="utf-8")
    assert len(reading(path)) == len(rows)


@pytest.mark.parametrize("keep", [0.0, 0.3, 0.9, 0.999])
def test_truncated_parquet_is_said(tmp_path, rows, reading, keep):
    path = tmp_path / "t.parquet"
    pq.write_table(pa.Table.from_pylist(rows * 50), path)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * keep)])
    with pytest.raises(DataError) as e:
        reading(path)
    assert e.value.code == "D147"
    assert "t.parquet" in e.value.say("zh")


def test_parquet_without_rows_is_said(tmp_path, reading):
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"query": pa.array([], pa.string()), "title": [], "label": []}), path)
    with pytest.raises(DataError) as e:
        reading(path)
    assert e.value.code == "D139"


def test_arrow_files_and_streams(tmp_path, rows, reading):
    table = pa.Table.from_pylist(rows)
    for new, name in ((pa.ipc.new_file, "t.arrow"), (pa.ipc.new_stream, "s.arrow")):
        with new(str(tmp_path / name), table.schema) as w:
            w.write_table(table)
        assert reading(tmp_path / name).texts("title") == [r["title"] for r in rows]


def test_esci_joins_products_and_knows_its_labels(tmp_path, reading):
    examples = [
        {"query_id": 1, "query": "q", "product_id": f"p{i}", "product_locale": "us", "esci_label": x, "split": "train"}
        | {"small_version": int(i < 2)}
        for i, x in enumerate("ESCI")
    ]
    products = [
        {"product_id": f"p{i}", "product_locale": loc, "product_title": f"{loc} title {i}", "product_brand": "b"}
        for loc in ("jp", "us")
        for i in range(3)
    ]
    pq.write_table(pa.Table.from_pylist(examples), tmp_path / "shopping_queries_dataset_examples.parquet")
    pq.write_table(pa.Table.from_pylist(products), tmp_path / "shopping_queries_dataset_products.parquet")
    s = reading(tmp_path)
    assert s.origin.source == "esci"
    assert s.scale.names == ("I", "C", "S", "E")
    assert s.scale.gains == (0.0, 0.01, 0.1, 1.0)
    assert s.label.tolist() == [3, 2, 1, 0]
    assert s.table["title"].to_pylist() == ["us title 0", "us title 1", "us title 2", None]
    assert "D117" in [n.code for n in s.notes]
    assert len(reading(tmp_path, source={"version": "small"}, preset="esci")) == 2


def test_esci_with_another_label_names_it(tmp_path, reading):
    path = tmp_path / "joined.parquet"
    row = {"query": "q", "product_title": "t", "esci_label": "Partial"}
    pq.write_table(pa.Table.from_pylist([row, row | {"esci_label": "E"}]), path)
    with pytest.raises(DataError) as e:
        reading(path, preset="esci")
    assert e.value.code == "D104"
    assert "'Partial' (1)" in e.value.say("en")
    assert "esci" in e.value.say("zh")


def test_wands_joins_its_three_files(tmp_path, reading):
    (tmp_path / "query.csv").write_text("query_id\tquery\tquery_class\n0\tsofa, red\tSofas\n", encoding="utf-8")
    (tmp_path / "product.csv").write_text(
        "product_id\tproduct_name\tproduct_class\tproduct_description\n7\tRed sofa\tSofas\tsoft\n", encoding="utf-8"
    )
    (tmp_path / "label.csv").write_text(
        "id\tquery_id\tproduct_id\tlabel\n0\t0\t7\tExact\n1\t0\t8\tIrrelevant\n", encoding="utf-8"
    )
    s = reading(tmp_path)
    assert s.texts("query") == ["sofa, red", "sofa, red"]
    assert s.texts("title") == ["Red sofa", ""]
    assert s.label.tolist() == [2, 0]
    assert s.scale.gains == (0.0, 0.5, 1.0)


@pytest.mark.parametrize("beir", [False, True])
def test_trec_judgements_with_corpus(tmp_path, reading, beir):
    if beir:
        (tmp_path / "qrels").mkdir()
        (tmp_path / "qrels" / "test.tsv").write_text(
            "query-id\tcorpus-id\tscore\nq1\td1\t2\nq1\td2\t0\n", encoding="utf-8"
        )
        (tmp_path / "corpus.jsonl").write_text('{"_id":"d1","title":"T","text":"body"}\n', encoding="utf-8")
        (tmp_path / "queries.jsonl").write_text('{"_id":"q1","text":"red shoes"}\n', encoding="utf-8")
    else:
        (tmp_path / "qrels.txt").write_text("q1 0 d1 2\nq1 0 d2 0\n", encoding="utf-8")
        (tmp_path / "corpus.tsv").write_text("d1\tT\tbody\n", encoding="utf-8")
        (tmp_path / "queries.tsv").write_text("q1\tred shoes\n", encoding="utf-8")
    s = reading(tmp_path)
    assert s.origin.source == "trec"
    assert s.table.select(["query_id", "product_id", "query", "title", "description"]).to_pylist() == [
        {"query_id": "q1", "product_id": "d1", "query": "red shoes", "title": "T", "description": "body"},
        {"query_id": "q1", "product_id": "d2", "query": "red shoes", "title": None, "description": None},
    ]
    assert [s.scale.names[c] for c in s.label] == ["2", "0"]


def test_bad_judgements_are_named(tmp_path, reading):
    (tmp_path / "a.qrels").write_text("q1 0 d1 2\nq1 d1\n", encoding="utf-8")
    with pytest.raises(DataError) as e:
        reading(tmp_path / "a.qrels")
    assert (e.value.code, e.value.facts["lines"]) == ("D158", "2")


def test_letor_gives_features_and_groups(tmp_path, reading):
    path = tmp_path / "fold1.txt"
    path.write_text("2 qid:10 1:0.5 3:2 # docid = GX1\n0 qid:10 1:1 # docid = GX2\n1 qid:11 2:-1\n", encoding="utf-8")
    s = reading(path)
    assert s.origin.source == "letor"
    assert s.numeric.tolist() == [[0.5, 0.0, 2.0], [1.0, 0.0, 0.0], [0.0, -1.0, 0.0]]
    assert s.numeric_names == ("1", "2", "3")
    assert s.texts("product_id") == ["GX1", "GX2", ""]
    assert s.group[0] == s.group[1] != s.group[2]


def test_a_qid_that_comes_back_is_named(tmp_path, reading):
    path = tmp_path / "t.letor"
    path.write_text("1 qid:1 1:1\n1 qid:2 1:1\n0 qid:1 1:1\n", encoding="utf-8")
    with pytest.raises(DataError) as e:
        reading(path)
    assert (e.value.code, e.value.facts["lines"]) == ("D157", "3 (qid:1)")


def test_quepid_strips_its_guard_and_keeps_unrated_rows(tmp_path, reading):
    path = tmp_path / "book.csv"
    path.write_text("query,docid,rating\n =sum,1,3\n\n =sum,2,\nred shoes,3,0\n", encoding="utf-8")
    s = reading(path)
    assert s.origin.source == "quepid"
    assert s.texts("query") == ["=sum", "=sum", "red shoes"]
    assert s.label.tolist() == [1, -1, 0]
    assert next(n.count for n in s.notes if n.code == "D105") == 1


def test_standard_input_is_told_apart(monkeypatch, reading):
    for text in (
        b"query,title,label\na,b,1\nc,d,0\n",
        b'{"query":"a","title":"b","label":1}\n{"query":"c","title":"d","label":0}\n',
    ):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text)))
        s = reading("-")
        assert s.texts("title") == ["b", "d"]
        assert s.origin.paths == ()


def test_a_missing_file_names_the_nearest(tmp_path):
    (tmp_path / "pairs.parquet").write_bytes(b"")
    with pytest.raises(DataError) as e:
        choose(tmp_path / "pair.parquet")
    assert (e.value.code, e.value.facts["near"]) == ("D153", "pairs.parquet")


def test_a_folder_or_ending_that_nothing_reads_is_said(tmp_path):
    (tmp_path / "x.docx").write_bytes(b"?")
    for where in (tmp_path, tmp_path / "x.docx", 17, object()):
        with pytest.raises(UsageError) as e:
            choose(where)
        assert e.value.code == "U103"
        assert ".csv" in e.value.say("en")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_no_permission_is_said(tmp_path, reading):
    path = tmp_path / "t.csv"
    path.write_text("query,title,label\na,b,1\n", encoding="utf-8")
    path.chmod(0)
    with pytest.raises(EnvironmentProblem) as e:
        reading(path)
    assert e.value.code == "E230"


def test_no_permission_is_told_from_damage(tmp_path, reading, monkeypatch):
    """The same as above for root: the source meets a PermissionError."""
    path = tmp_path / "t.csv"
    path.write_text("query,title,label\na,b,1\n", encoding="utf-8")

    def refuse(self, where):
        raise PermissionError(13, "no", str(path))

    monkeypatch.setattr("steelyard.parts.sources.csv.Csv.read_file", refuse)
    with pytest.raises(EnvironmentProblem) as e:
        reading(path)
    assert e.value.exit_code == 4


def test_reading_again_gives_the_same(tmp_path, rows, reading):
    path = tmp_path / "t.csv"
    path.write_bytes("查询词;标题;档位\n手机;手机壳;低\n手机;手机;高\n".encode("gb18030"))
    s = reading(path, source={"encoding": "gb18030"}, label_order=["低", "中", "高"])
    again = reread(s.origin)
    assert again.origin == s.origin
    assert json.loads(json.dumps(s.origin.options)) == s.origin.options
    assert again.table.equals(s.table)
    assert again.scale == s.scale
    path.write_bytes("查询词;标题;档位\n手机;手机壳;中\n手机;手机;高\n".encode("gb18030"))
    assert reread(s.origin).origin.fingerprint != s.origin.fingerprint


def test_batch_size_does_not_matter_to_the_join(tmp_path, monkeypatch):
    examples = [
        {"query": f"q{i % 3}", "product_id": f"p{i % 7}", "product_locale": "us", "esci_label": "ESCI"[i % 4]}
        for i in range(20)
    ]
    products = [{"product_id": f"p{i}", "product_locale": "us", "product_title": f"title {i}"} for i in range(7)]
    pq.write_table(pa.Table.from_pylist(examples), tmp_path / "examples.parquet")
    pq.write_table(pa.Table.from_pylist(products), tmp_path / "products.parquet")
    monkeypatch.setattr("steelyard.parts.sources.esci.BATCH", 3)
    joined = pa.Table.from_batches(list(choose(tmp_path).read(tmp_path)))
    assert joined["product_title"].to_pylist() == [f"title {i % 7}" for i in range(20)]


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_batch_size_does_not_matter(tmp_path, monkeypatch, rows, reading, size):
    many = [r | {"title": f"{r['title']} {i // 2}"} for i in range(10) for r in rows]
    path = tmp_path / "t.parquet"
    pq.write_table(pa.Table.from_pylist(many), path)
    whole = reading(path)
    monkeypatch.setattr("steelyard.parts.sources.parquet.BATCH", size)
    parts = reading(path)
    assert parts.table.combine_chunks().equals(whole.table.combine_chunks())
    assert parts.label.tolist() == whole.label.tolist()
    assert parts.group.tolist() == whole.group.tolist()
    memory = pa.Table.from_pylist(many)
    monkeypatch.setattr("steelyard.parts.sources.frame.BATCH", size)
    assert reading(memory).origin.fingerprint == reading(many).origin.fingerprint
