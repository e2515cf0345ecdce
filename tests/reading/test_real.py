"""Real tables, read as a user would read them."""

import pytest

pytestmark = pytest.mark.real


def codes(samples):
    return {n.code for n in samples.notes}


def test_home_depot(real, reading):
    s = reading(real / "home_depot" / "train.parquet")
    assert (len(s), len(s.scale), s.task) == (74_067, 13, "relevance")
    assert s.scale.names[0] == "1"
    assert s.scale.names[-1] == "3"
    assert (s.label == 12).sum() == 19_125
    assert 11_700 < s.group.max() < 11_795
    assert {"D101", "D110", "D112"} <= codes(s)
    assert len(set(s.row_key)) == len(s)


def test_crowdflower(real, reading):
    s = reading(real / "crowdflower_search" / "train.parquet")
    assert s.scale.names == ("1", "2", "3", "4")
    assert s.group.max() + 1 == 261
    assert s.slice_columns() == ["fold"]
    assert sum("#" in k for k in s.row_key) > 100


def test_qbqtc(real, reading):
    s = reading(real / "qbqtc_zh" / "pairs.parquet")
    assert [(s.split == x).sum() for x in ("train", "valid", "test")] == [20_000, 0, 5_000]
    assert "D119" in codes(s)
    assert (s.label[:20_000] == 1).sum() == 12_592


def test_airline_tweets_need_their_label_named(real, reading):
    path = real / "airline_tweets" / "tweets.parquet"
    with pytest.raises(Exception, match="airline_sentiment"):
        reading(path)
    s = reading(path, columns={"label": "airline_sentiment", "gold": "airline_sentiment_gold"})
    assert s.scale.names == ("negative", "neutral", "positive")
    assert not s.scale.ordered
    assert (s.gold >= 0).sum() == 40
    assert not {"airline_sentiment_gold", "negativereason_gold"} & set(s.table.column_names)


def test_banking77(real, reading):
    s = reading(real / "banking77" / "utterances.parquet")
    assert (s.task, len(s.scale), len(s)) == ("classification", 77, 13_083)
    assert [(s.split == x).sum() for x in ("train", "test")] == [10_003, 3_080]


def test_dproduct_crowd(real, reading):
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    table = pq.read_table(real / "dproduct_crowd" / "pairs.parquet")
    majority = [
        int(yes * 2 > votes)
        for yes, votes in zip(table["n_yes"].to_pylist(), table["n_votes"].to_pylist(), strict=True)
    ]
    columns = {"query": "left_name", "query_description": "left_description", "query_price": "left_price"}
    columns |= {"title": "right_name", "description": "right_description", "price": "right_price"}
    columns |= {"brand": "right_manufacturer", "product_id": "right_id", "label": "majority", "gold": "truth"}
    s = reading(table.append_column("majority", pa.array(majority)), columns=columns, group_by="left_id")
    assert abs((s.label != s.gold).mean() - 0.103) < 0.001
    assert s.scale.names == ("0", "1")
    assert not {"truth", "leipzig_match"} & set(s.table.column_names)
    assert s.group.max() + 1 == len(set(table["left_id"].to_pylist()))


def test_zh_ecommerce_ner(real, reading):
    s = reading(real / "zh_ecommerce_ner" / "sentences.parquet")
    assert (s.task, len(s)) == ("tagging", 4_987)
    assert {"O", "B-HC", "E-HP"} <= set(s.scale.names)
    assert [(s.split == x).sum() for x in ("train", "valid", "test")] == [3_989, 500, 498]
