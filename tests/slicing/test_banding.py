"""Columns to slice by: bands fit their texts and numbers, and the truth is never a slice."""

import numpy as np
import pyarrow as pa

from steelyard.acts.banding import frequency_bands, length_bands, price_bands, slice_columns
from steelyard.acts.slicing import slices
from steelyard.demonstration import LABELS, make
from steelyard.values.samples import Origin, Samples
from steelyard.values.scale import Scale


def demo_samples() -> Samples:
    table = make()
    table = table.append_column("row_key", pa.array([str(i) for i in range(table.num_rows)]))
    label = np.array([LABELS.index(v) for v in table["label"].to_pylist()], dtype=np.int32)
    group = np.unique(table["query_id"].to_pylist(), return_inverse=True)[1].astype(np.int64)
    return Samples(table, "relevance", Scale(LABELS, True), label, group, Origin((), "0", "table"))


def chunked(*values: object) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(values)])


def test_a_query_is_counted_in_words_or_in_characters() -> None:
    words, characters = length_bands(
        chunked("tent", " red  tent ", "a b c", "a b c d e", "保温杯 500ml", "炒锅", "", None)
    )
    assert words.to_pylist() == ["1", "2", "3-4", "5+", None, None, None, None]
    assert characters.to_pylist() == [None, None, None, None, "5-8", "1-4", None, None]


def test_frequency_bands() -> None:
    group = np.repeat([5, 6, 7, 8], [1, 2, 6, 21])
    bands = frequency_bands(group).to_pylist()
    assert [bands[0], bands[1], bands[3], bands[-1]] == ["1", "2-5", "6-20", "21+"]


def test_price_bands_are_made_within_each_locale() -> None:
    prices = chunked(*[float(i) for i in range(1, 101)], *[f * 100.0 for f in range(1, 101)])
    locale = chunked(*["us"] * 100, *["cn"] * 100)
    bands = price_bands(prices, locale).to_pylist()
    assert bands[0].startswith("us 1-")
    assert bands[100].startswith("cn 100-")
    assert all(bands.count(b) in range(19, 23) for b in set(bands))
    assert len(set(bands)) == 10


def test_prices_written_as_text() -> None:
    bands = price_bands(chunked("$1,299.00", "￥99", "free", None, "15"))
    assert [b is None for b in bands.to_pylist()] == [False, False, True, True, False]
    assert price_bands(chunked(5.0, 5.0, None)).to_pylist() == ["5", "5", None]


def test_the_demo_table_has_its_slices_and_not_the_truth() -> None:
    found = slice_columns(demo_samples())
    assert {"label", "locale", "category", "brand", "annotator", "price_band", "query_words"} <= set(found)
    assert not {"gold", "planted", "title", "query", "row_key", "price"} & set(found)
    assert all(len(column) == 1200 for column in found.values())


def test_the_careless_judge_of_the_demo_is_the_first_slice() -> None:
    samples = demo_samples()
    flagged = np.array([p != "" for p in samples.table["planted"].to_pylist()])
    best = slices(slice_columns(samples), flagged, row_key=samples.row_key)[0]
    assert best.name == "annotator=A07"
    assert best.star
