"""Tables in memory: the same rows give the same samples whatever holds them."""

import pyarrow as pa
import pytest

from steelyard.acts import reading as act
from steelyard.acts.reading import read, reread
from steelyard.errors import DataError
from steelyard.parts.sources import choose


class Stream:
    """As polars and others: only the Arrow stream interface."""

    def __init__(self, table):
        self.table = table

    def __arrow_c_stream__(self, requested_schema=None):
        return self.table.__arrow_c_stream__(requested_schema)


class ClassLabel:
    names = ("bad", "good")


class Dataset:
    """As a Hugging Face dataset: features, with_format, iter."""

    def __init__(self):
        self.features = {"label": ClassLabel(), "text": None}

    def with_format(self, kind):
        assert kind == "arrow"
        return self

    def iter(self, size):
        yield pa.table({"text": ["x", "y", "z"], "label": [1, 0, None]})


def test_what_holds_the_rows_does_not_matter(rows, reading):
    pandas = pytest.importorskip("pandas")
    table = pa.Table.from_pylist(rows)
    held = [
        rows, table, pandas.DataFrame(rows), Stream(table), table.to_batches()[0], table.to_reader(),
        {c: [r[c] for r in rows] for c in rows[0]}, pa.concat_tables([table[:1], table[1:]]),
    ]  # fmt: skip
    first = reading(rows)
    for where in held:
        s = reading(where)
        assert s.row_key.tolist() == first.row_key.tolist(), type(where)
        assert s.label.tolist() == first.label.tolist()
        assert s.origin.fingerprint == first.origin.fingerprint, type(where)


def test_polars_frames_lazy_or_not_are_read(rows, reading):
    polars = pytest.importorskip("polars")
    first, frame = reading(rows), polars.DataFrame(rows)
    for where in (frame, frame.lazy()):
        s = reading(where)
        assert s.row_key.tolist() == first.row_key.tolist(), type(where)
        assert s.label.tolist() == first.label.tolist()
        assert s.origin.fingerprint == first.origin.fingerprint, type(where)


def test_polars_categories_and_dates_are_read(reading):
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame({"query": ["a", None, "c"], "title": ["x", "y", "z"], "label": [1, None, 2]})
    frame = frame.with_columns(
        polars.Series("shop", ["s1", "s2", "s1"], dtype=polars.Categorical),
        polars.Series("day", ["2026-01-02", None, "2026-01-03"]).str.to_date(),
    )
    s = reading(frame)
    assert s.texts("query") == ["a", "", "c"]
    assert s.label.tolist() == [0, -1, 1]
    assert s.table["shop"].to_pylist() == ["s1", "s2", "s1"]


def test_hugging_face_datasets_are_read_with_their_indices(rows, reading):
    datasets = pytest.importorskip("datasets")
    first = reading(rows)
    whole = datasets.Dataset.from_list(rows)
    assert reading(whole).row_key.tolist() == first.row_key.tolist()
    assert reading(whole.select([3, 2, 1, 0])).row_key.tolist() == first.row_key.tolist()[::-1]
    assert reading(whole.filter(lambda r: r["label"] == 2)).label.tolist() == [0, 0]


def test_class_labels_of_a_hugging_face_dataset_become_names(reading):
    datasets = pytest.importorskip("datasets")
    features = datasets.Features(
        {"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["bad", "good"])}
    )
    s = reading(datasets.Dataset.from_dict({"text": ["x", "y", "z"], "label": [1, 0, None]}, features=features))
    assert s.scale.names == ("bad", "good")
    assert s.label.tolist() == [1, 0, -1]


def test_class_labels_become_names(reading):
    s = reading(Dataset())
    assert s.scale.names == ("bad", "good")
    assert s.label.tolist() == [1, 0, -1]


def test_odd_pandas_columns_are_read(reading):
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(
        {"query": ["a", 5, None], "title": ["x", "y", "z"], "label": [1.0, None, 2.0], "product_id": [7.0, None, 8.0]}
    )
    frame["shop"] = pd.Categorical(["s1", "s2", "s1"])
    s = reading(frame)
    assert s.texts("query") == ["a", "5", ""]
    assert s.texts("product_id") == ["7", "", "8"]
    assert s.label.tolist() == [0, -1, 1]
    assert s.table["shop"].to_pylist() == ["s1", "s2", "s1"]


def test_no_rows_is_said(reading):
    for nothing in ([], pa.table({"query": pa.array([], pa.string())})):
        with pytest.raises(DataError):
            reading(nothing)


def test_a_table_in_memory_cannot_be_read_again(rows, reading):
    with pytest.raises(DataError) as e:
        reread(reading(rows).origin)
    assert e.value.code == "D159"


def test_a_large_table_lies_on_disk_and_says_the_same(tmp_path, rows, monkeypatch):
    many = [r | {"title": f"{r['title']} {i}"} for i in range(50) for r in rows]
    small = read(choose(many), many)
    monkeypatch.setattr(act, "Spool", lambda folder: _spool(folder, 60))
    big = read(choose(many), many, spool=tmp_path / "kept")
    assert len(list((tmp_path / "kept").iterdir())) == 1
    assert big.table.to_pylist() == small.table.to_pylist()
    temporary = read(choose(many), many)
    assert temporary.table.to_pylist() == small.table.to_pylist()
    for bad in (None, tmp_path / "bad"):
        with pytest.raises(DataError):
            read(choose(many), [r | {"label": "?!"} for r in many], spool=bad)
    assert not list((tmp_path / "bad").iterdir())


def _spool(folder, rows):
    from steelyard.acts.spooling import Spool

    return Spool(folder, rows)


def test_a_parquet_file_written_by_polars_is_read(rows, reading, tmp_path):
    polars = pytest.importorskip("polars")
    path = tmp_path / "pairs.parquet"
    polars.DataFrame(rows).with_columns(polars.lit("s1").cast(polars.Categorical).alias("shop")).write_parquet(path)
    s = reading(path)
    assert s.row_key.tolist() == reading(rows).row_key.tolist()
    assert s.table["shop"].to_pylist() == ["s1"] * len(rows)


def test_a_dataset_dict_names_its_splits(rows, reading):
    datasets = pytest.importorskip("datasets")
    both = datasets.DatasetDict({"train": datasets.Dataset.from_list(rows), "test": datasets.Dataset.from_list(rows)})
    with pytest.raises(DataError, match="D197") as caught:
        reading(both)
    assert caught.value.facts["splits"] == "train, test"


def test_tags_of_a_hugging_face_dataset_become_names(reading):
    datasets = pytest.importorskip("datasets")
    tags = datasets.List(datasets.ClassLabel(names=["O", "B-X"]))
    features = datasets.Features({"tokens": datasets.List(datasets.Value("string")), "tags": tags})
    s = reading(datasets.Dataset.from_dict({"tokens": [["a", "b"], ["c"]], "tags": [[0, 1], [0]]}, features=features))
    assert s.table["tags"].to_pylist() == [["O", "B-X"], ["O"]]


def test_what_a_users_lazy_frame_raises_is_told(reading):
    polars = pytest.importorskip("polars")
    with pytest.raises(DataError, match="D149") as caught:
        reading(polars.LazyFrame({"a": [1]}).select("b"))
    assert "b" in caught.value.facts["reason"]
