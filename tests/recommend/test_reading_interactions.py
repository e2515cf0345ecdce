"""Tables of users and items become Interactions, whatever they are called; the rule that is applied is said."""

import dataclasses
import gzip
import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import steelyard as sy
from steelyard.acts import interacting
from steelyard.errors import DataError, DataErrors, UsageError
from steelyard.values.interactions import Interactions
from steelyard.values.samples import Samples

ROWS = [
    {"userId": 2, "movieId": 30, "rating": 4.0, "timestamp": 9},
    {"userId": 1, "movieId": 10, "rating": 5.0, "timestamp": 7},
    {"userId": 1, "movieId": 30, "rating": 2.0, "timestamp": 8},
]
FORMS = {
    "ratings.csv": "userId,movieId,rating,timestamp\n2,30,4.0,9\n1,10,5.0,7\n1,30,2.0,8\n",
    "rows.tsv": "用户\t商品\t评分\t时间戳\n2\t30\t4.0\t9\n1\t10\t5.0\t7\n1\t30\t2.0\t8\n",
    "rows.jsonl": '{"uid": "2", "sku": 30, "stars": 4, "ts": 9}\n{"uid": "1", "sku": 10, "stars": 5, "ts": 7}\n'
    '{"uid": "1", "sku": 30, "stars": 2, "ts": 8}\n',
    "ml.inter": "user_id:token\titem_id:token\trating:float\ttimestamp:float\n2\t30\t4\t9\n1\t10\t5\t7\n1\t30\t2\t8\n",
    "u.data": "2\t30\t4\t9\n1\t10\t5\t7\n1\t30\t2\t8\n",
    "ratings.dat": "2::30::4::9\n1::10::5::7\n1::30::2::8\n",
}


def facts(found: Interactions):
    user, item = found.user_ids[found.user], found.item_ids[found.item]
    ts = [None] * len(found) if found.ts is None else found.ts.tolist()
    return list(zip(user.tolist(), item.tolist(), found.value.tolist(), ts, strict=True))


TRUE = [("2", "30", 4.0, 9.0), ("1", "10", 5.0, 7.0), ("1", "30", 2.0, 8.0)]


@pytest.mark.parametrize("name", FORMS)
def test_every_form_says_the_same(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(FORMS[name], encoding="utf-8")
    found = sy.read(path)
    assert isinstance(found, Interactions)
    assert facts(found) == TRUE
    assert found.row_key.tolist() == sy.read(ROWS).row_key.tolist()


def test_a_table_in_memory_and_its_parquet_say_the_same(tmp_path: Path) -> None:
    pq.write_table(pa.Table.from_pylist(ROWS), tmp_path / "rows.parquet")
    assert facts(sy.read(tmp_path / "rows.parquet")) == facts(sy.read(pa.Table.from_pylist(ROWS))) == TRUE


def test_the_order_of_the_rows_changes_neither_keys_nor_codes() -> None:
    there, back = sy.read(ROWS), sy.read(ROWS[::-1])
    assert there.row_key.tolist() == back.row_key.tolist()[::-1]
    assert there.user.tolist() == back.user.tolist()[::-1]
    assert there.item_ids.tolist() == back.item_ids.tolist()


def test_movies_and_item_files_give_titles(tmp_path: Path) -> None:
    (tmp_path / "ml").mkdir()
    (tmp_path / "ml" / "ratings.csv").write_text(FORMS["ratings.csv"])
    (tmp_path / "ml" / "movies.csv").write_text('movieId,title,genres\n30,"Heat, The (1995)",x\n99,No,x\n')
    found = sy.read(tmp_path / "ml")
    assert dict(zip(found.item_ids, found.titles, strict=True)) == {"10": "", "30": "Heat, The (1995)"}
    lacking = [n for n in found.notes if n.code == "D204"]
    assert [(n.count, n.facts["items"]) for n in lacking] == [(1, 2)]
    (tmp_path / "ml.inter").write_text(FORMS["ml.inter"])
    (tmp_path / "ml.item").write_text("item_id:token\tmovie_title:token_seq\n30\tHeat The\n10\tUp\n")
    atomic = sy.read(tmp_path / "ml.inter")
    assert atomic.titles.tolist()[0] == "Up"
    assert [n.code for n in atomic.notes if n.code.startswith("D204")] == ["D204.ok"]
    given = sy.read(ROWS, items=[{"sku": 10, "name": "Up"}, {"sku": 30, "name": "Heat"}])
    assert given.titles.tolist() == ["Up", "Heat"]


def told_of(found: Interactions, item: str) -> dict[str, float]:
    row = found.item_features[found.item_ids.tolist().index(item)]
    return dict(zip(found.item_feature_names, row.tolist(), strict=True))


ITEMS = [
    {"sku": f"i{k}", "name": f"thing {k}", "price": f"{k}.5", "kind": "ab"[k % 2], "tags": "x|y" if k % 4 else "y|z",
     "shop_id": k, "grade": str(k % 3), "url": f"http://{k}", "always": "same"}
    for k in range(40)
]  # fmt: skip


def test_an_item_table_tells_prices_and_categories(tmp_path: Path) -> None:
    taken = [{"user": f"u{k % 7}", "item": f"i{k}"} for k in range(41)]
    found = sy.read(taken, items=ITEMS)
    names = found.item_feature_names
    assert set(names) == {"price", "kind=a", "kind=b", "tags=x", "tags=z", "grade=0", "grade=1", "grade=2"}
    assert told_of(found, "i5") == {
        **{"price": 5.5, "kind=a": 0, "kind=b": 1, "tags=x": 1, "tags=z": 0, "grade=0": 0, "grade=1": 0, "grade=2": 1}
    }
    assert np.isnan(list(told_of(found, "i40").values())).all(), "an item that the table lacks"
    note = next(n for n in found.notes if n.code == "D227")
    assert note.count == 8
    assert all("price" in note.say(lang) for lang in ("en", "zh"))
    found.write(tmp_path / "kept.parquet")
    again = Interactions.read(tmp_path / "kept.parquet")
    np.testing.assert_array_equal(again.item_features, found.item_features)
    assert again.item_feature_names == names
    some = sy.read(taken, items=ITEMS, sample=20)
    assert some.n_items < 41
    assert told_of(some, some.item_ids[0]) == pytest.approx(told_of(found, some.item_ids[0]), nan_ok=True)
    bare = sy.read(taken, items=[{"sku": r["sku"], "name": r["name"]} for r in ITEMS])
    assert (bare.item_features, bare.item_feature_names) == (None, ())
    assert "D227" not in {n.code for n in bare.notes}


def test_an_item_table_without_titles_tells_what_else_it_has() -> None:
    taken = [{"user": f"u{k % 7}", "item": f"i{k}"} for k in range(60)]
    items = [{"item_id": f"i{k}", "i_category": k % 30, "goes_with": [k % 3, 7]} for k in range(60)]
    found = sy.read(taken, items=items)
    assert found.titles is None
    assert told_of(found, "i4")["i_category=4"] == 1, "whole numbers of a category are no amounts"
    assert [told_of(found, "i4")[f"goes_with={k}"] for k in range(3)] == [0, 1, 0]
    note = next(n for n in found.notes if n.code == "D237")
    assert note.count == 60
    assert all("i_category, goes_with" in note.say(lang) for lang in ("en", "zh"))
    own = sy.read([{**row, "title": "Tea"} for row in taken], items=items)
    assert "D237" not in {n.code for n in own.notes}, "the rows say titles"
    with pytest.raises(DataError) as error:
        sy.read(taken, items=[{"item_id": "i1"}])
    assert (error.value.code, error.value.facts["missing"]) == ("D155", "title")


def test_atomic_files_and_movielens_tell_features(tmp_path: Path) -> None:
    taken = "".join(f"u{k % 3}\ti{k}\n" for k in range(9))
    (tmp_path / "a.inter").write_text("user_id:token\titem_id:token\n" + taken)
    told = "".join(f"i{k}\t{k}.25\t{'up down' if k % 2 else 'up left'}\t0.5 0.25\n" for k in range(9))
    head = "item_id:token\tprice:float\tclass:token_seq\tvector:float_seq\n"
    (tmp_path / "a.item").write_text(head + told)
    found = sy.read(tmp_path / "a.inter")
    assert told_of(found, "i3") == {"price": 3.25, "class=left": 0, "class=down": 1}
    assert found.titles is None
    ml = tmp_path / "ml"
    ml.mkdir()
    (ml / "ratings.dat").write_text("".join(f"{k % 3}::{k}::4::9\n" for k in range(9)))
    genres = ["Comedy|Drama", "Drama|War", "War"]
    (ml / "movies.dat").write_text("".join(f"{k}::Film {k}::{genres[k % 3]}\n" for k in range(9)))
    found = sy.read(ml)
    assert told_of(found, "1") == {"genres=Comedy": 0, "genres=Drama": 1, "genres=War": 1}
    assert found.titles[0] == "Film 0"


def test_an_item_file_without_ids_names_its_columns(tmp_path: Path) -> None:
    (tmp_path / "ml.inter").write_text(FORMS["ml.inter"])
    (tmp_path / "ml.item").write_text("movie_id:token\ttitle:token_seq\n30\tHeat\n")
    for where in (tmp_path, tmp_path / "ml.inter"):
        with pytest.raises(DataError) as error:
            sy.read(where)
        facts = error.value.facts
        assert (error.value.code, facts["missing"], facts["known"]) == ("D155", "item_id", "movie_id, title")
        assert facts["file"].endswith("ml.item")


@pytest.mark.parametrize("broken", [b"\xff\xfe\x00", b"PAR1 and no more"])
def test_a_broken_file_of_items_is_said_with_a_code(broken: bytes, tmp_path: Path) -> None:
    (tmp_path / "ratings.csv").write_text(FORMS["ratings.csv"])
    (tmp_path / "movies.csv").write_bytes(broken)
    with pytest.raises(DataError):
        sy.read(tmp_path)
    (tmp_path / "movies.csv").unlink()
    (tmp_path / "movies.parquet").write_bytes(broken)
    (tmp_path / "ratings.csv").unlink()
    pq.write_table(pa.Table.from_pylist(ROWS), tmp_path / "ratings.parquet")
    with pytest.raises(DataError) as error:
        sy.read(tmp_path)
    assert error.value.code == "D147"


def test_the_old_movielens_is_latin_1(tmp_path: Path) -> None:
    (tmp_path / "u.data").write_text(FORMS["u.data"])
    (tmp_path / "u.item").write_bytes("10|Léon (1994)|x\n30|Up|y\n".encode("latin-1"))
    assert sy.read(tmp_path).titles.tolist() == ["Léon (1994)", "Up"]
    (tmp_path / "u.data").write_text("1\t2\n1\t2\t3\t4\n")
    with pytest.raises(DataError) as error:
        sy.read(tmp_path)
    assert (error.value.code, error.value.facts["lines"]) == ("D207", "1")


def test_lists_of_items_are_laid_out_in_their_order() -> None:
    rows = [{"user": "b", "items": ["x", "y"]}, {"user": "a", "items": ["y"]}, {"user": "c", "items": []}]
    found = sy.read(rows)
    assert [(u, i, t) for u, i, _, t in facts(found)] == [("b", "x", 1), ("b", "y", 2), ("a", "y", 1)]
    text = sy.read([{"user": "b", "history": "x y", "item_id": "z"}])
    assert [(i, t) for _, i, _, t in facts(text)] == [("x", 1), ("y", 2), ("z", 3)]


def test_recbole_splits_by_file_and_lists(tmp_path: Path) -> None:
    head = "user_id:token\titem_id_list:token_seq\titem_id:token\n"
    (tmp_path / "a.train.inter").write_text(head + "u\tx y\tz\n")
    (tmp_path / "a.test.inter").write_text(head + "v\tx\ty\n")
    found = sy.read(tmp_path)
    assert sorted(zip(found.split, (r[:2] for r in facts(found)), strict=True)) == [
        ("test", ("v", "x")), ("test", ("v", "y")),
        ("train", ("u", "x")), ("train", ("u", "y")), ("train", ("u", "z")),
    ]  # fmt: skip
    for text, code in (("user_id\titem_id\n1\t2\n", "D205"), ("user_id:token\titem_id:float\n1\tx\n", "D206")):
        (tmp_path / "b.inter").write_text(text)
        with pytest.raises(DataError) as error:
            sy.read(tmp_path / "b.inter")
        assert error.value.code == code


def test_samples_stay_samples() -> None:
    row = {"user_id": "u", "product_id": "p", "title": "t", "label": 1}
    assert isinstance(sy.read([{**row, "query": "q"}, {**row, "query": "q", "label": 0}]), Samples)
    review = [{"user_id": "u", "asin": "p", "review": "good", "rating": 5}, {"review": "bad", "rating": 1}]
    assert isinstance(sy.read(review), Samples)
    assert isinstance(sy.read(review[:1], task="recommendation"), Interactions)
    assert isinstance(sy.read([row]), Interactions)
    with pytest.raises(DataError, match="classification"):
        sy.read([{"user_id": "u", "product_id": "p", "label": 1}], task="classification")


def test_options_of_the_other_kind_are_refused() -> None:
    for rows, option in ((ROWS, {"labels": {"1": 1}}), ([{"query": "q", "title": "t", "label": 1}], {"positive": 4})):
        with pytest.raises((UsageError, DataError)) as error:
            sy.read(rows, **option)
        assert error.value.code in ("U107", "D200")


@pytest.mark.parametrize(
    ("rows", "options", "label", "code"),
    [
        ([3, 0.5, 0], {}, [1, 1, -1], "D198.every"),
        ([3, 0.5, 0], {"positive": 3}, [1, -1, -1], "D198.least"),
        ([3, 0.5, 0], {"positive": "every"}, [1, 1, -1], "D198.every"),
        ([1, 0, 1], {}, [1, -1, 1], "D198.clicks"),
        ([None, None, None], {}, [1, 1, 1], "D198.all"),
    ],
)
def test_the_rule_for_positives_is_applied_and_said(rows, options, label, code) -> None:
    table = [{"user": "u", "item": f"i{n}", **({} if v is None else {"rating": v})} for n, v in enumerate(rows)]
    found = sy.read(table, **options)
    assert found.label.tolist() == label
    assert found.positive.tolist() == [v == 1 for v in label]
    note = next(n for n in found.notes if n.code == code)
    assert (note.count, note.facts["neither"]) == (label.count(1), label.count(-1))
    for lang in ("en", "zh"):
        assert str(note.count) in note.say(lang)


def test_not_clicked_is_negative_only_where_it_was_shown() -> None:
    rows = [{"user": "u", "item": i, "click": c, "position": 1, "shown": s} for i, c, s in ("a10", "b01", "c00")]
    rows = [{**r, "click": int(r["click"]), "shown": int(r["shown"])} for r in rows]
    assert sy.read([{k: v for k, v in r.items() if k != "position"} for r in rows]).label.tolist() == [1, 0, -1]
    assert sy.read([{k: v for k, v in r.items() if k != "shown"} for r in rows]).label.tolist() == [1, 0, 0]
    bare = [{k: r[k] for k in ("user", "item", "click")} for r in rows]
    assert sy.read(bare).label.tolist() == [1, -1, -1]


def test_events_are_positive_unless_they_only_show() -> None:
    rows = [{"user": "u", "item": f"i{n}", "event": e} for n, e in enumerate(["view", "曝光", "buy", "impression"])]
    assert sy.read(rows).label.tolist() == [1, 0, 1, 0]
    assert sy.read(rows, positive="buy").label.tolist() == [-1, 0, 1, 0]
    with pytest.raises(UsageError) as error:
        sy.read(rows, positive="bye")
    assert (error.value.code, error.value.facts["near"]) == ("U181", "buy")
    with pytest.raises(UsageError) as error:
        sy.read(rows, relevant=4)
    assert error.value.code == "U182"


def test_relevant_judges_and_teaches_nothing() -> None:
    found = sy.read(ROWS, relevant=4)
    assert found.gold.tolist() == [1, 1, 0]
    assert found.label.tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    ("stamps", "first"),
    [
        (["2014-05-06", "2014-05-07"], 1399334400.0),
        (["2014/05/06 00:00:00", "2014/05/07"], 1399334400.0),
        (["2014-05-06T00:00:00Z", "2014-05-07T00:00:00+02:00"], 1399334400.0),
        (["05 6, 2014", "05 7, 2014"], 1399334400.0),
        ([1399334400, 1399420800], 1399334400.0),
        (np.array(["2014-05-06", "2014-05-07"], "datetime64[us]"), 1399334400.0),
        (np.array(["2014-05-06", "2014-05-07"], "datetime64[D]"), 1399334400.0),
    ],
)
def test_times_in_any_form(stamps, first: float) -> None:
    found = sy.read(pa.table({"user": ["a", "b"], "item": ["x", "y"], "time": pa.array(stamps)}))
    assert found.ts[0] == first < found.ts[1]


def test_times_that_are_none_are_counted() -> None:
    rows = [{"user": "a", "item": "x", "time": "yesterday"}, {"user": "a", "item": "y", "time": "2014-05-06"}]
    found = sy.read([*rows, {"user": "b", "item": "y", "time": ""}])
    assert np.isnan(found.ts).tolist() == [True, False, True]
    assert [n.count for n in found.notes if n.code == "D203"] == [1]


def test_all_that_is_unusable_is_said_together() -> None:
    rows = [{"user": "a", "item": "", "rating": "x"}, {"user": None, "item": "y", "rating": 1}]
    with pytest.raises(DataErrors) as error:
        sy.read(rows)
    assert [p.code for p in error.value.problems] == ["D194", "D194", "D195"]
    with pytest.raises(DataError) as error:
        sy.read([{"user": "a", "price": 3}], task="recommendation")
    assert (error.value.code, error.value.facts["missing"]) == ("D200", "item_id")


@pytest.mark.parametrize(
    ("how", "split"),
    [
        ("last", {"test": 1, "valid": 1, "train": 8}),
        ("user_time", {"test": 2, "valid": 1, "train": 7}),
        ("random", {"test": 2, "valid": 1, "train": 7}),
        ("time:7,9", {"test": 1, "valid": 2, "train": 7}),
    ],
)
def test_splits_are_made_and_said(how: str, split) -> None:
    rows = [{"user": "u", "item": f"i{n}", "ts": n} for n in range(10)]
    found = sy.read(rows, split_by=how)
    assert {s: int((found.split == s).sum()) for s in split} == split
    assert next(n for n in found.notes if n.code == "D199").facts["how"] == how
    for wrong in ("yesterday", "time:9,7", "time:1"):
        with pytest.raises(UsageError) as error:
            sy.read(rows, split_by=wrong)
        assert error.value.code == "U183"


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    found = sy.read(ROWS, items=[{"sku": 10, "name": "Up"}], relevant=4)
    found.write(tmp_path / "kept.parquet")
    again = Interactions.read(tmp_path / "kept.parquet")
    assert facts(again) == TRUE
    for name in ("row_key", "split", "label", "gold", "titles", "item_ids"):
        assert getattr(again, name).tolist() == getattr(found, name).tolist()
    assert (again.position, again.origin.fingerprint) == (None, found.origin.fingerprint)


def test_files_are_read_again_in_the_same_way(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv.gz"
    with gzip.open(path, "wt") as out:
        out.write("who,what,how\n1,a,5\n1,b,2\n")
    found = sy.read(path, columns={"user_id": "who", "item_id": "what", "value": "how"}, positive=3)
    again = interacting.reread(found.origin)
    assert facts(again) == facts(found)
    assert again.label.tolist() == [1, -1]


@pytest.mark.parametrize("name", ["propensity", "propensity_score", "PScore", "曝光概率"])
def test_logged_propensities_are_read_kept_and_said(name: str, tmp_path: Path) -> None:
    found = sy.read([{**r, name: p} for r, p in zip(ROWS, (1, 0.5, "0.02"), strict=True)])
    assert found.propensity.tolist() == [1.0, 0.5, 0.02]
    assert found.take(np.array([2, 0])).propensity.tolist() == [0.02, 1.0]
    note = next(n for n in found.notes if n.code == "D208")
    for lang in ("en", "zh"):
        assert f"{name}" in note.say(lang)
        assert "0.02" in note.say(lang)
    found.write(tmp_path / "kept.parquet")
    assert Interactions.read(tmp_path / "kept.parquet").propensity.tolist() == [1.0, 0.5, 0.02]
    assert sy.read([{**r, name: 0.5} for r in ROWS], columns={"propensity": ""}).propensity is None
    assert sy.read(ROWS).propensity is None


@pytest.mark.parametrize("wrong", [0, -0.1, 1.5, None, "often", float("inf")])
def test_propensities_that_are_no_chance_are_counted_and_refused(wrong) -> None:
    rows = [
        {**r, "pscore": str(p)} for r, p in zip(ROWS, ("0.2", "" if wrong is None else wrong, wrong or ""), strict=True)
    ]
    with pytest.raises(DataError) as error:
        sy.read(rows)
    assert (error.value.code, error.value.facts["count"], error.value.facts["first"]) == ("D209", 2, 1)
    with pytest.raises(DataErrors) as both:
        sy.read([{**rows[0], "rating": "x"}, *rows[1:]])
    assert [p.code for p in both.value.problems] == ["D195", "D209"]
    good = sy.read(ROWS)
    with pytest.raises(DataError, match="D209"):
        dataclasses.replace(good, propensity=np.array([0.5, np.nan, 0.0]))


def test_a_sample_keeps_whole_users() -> None:
    rows = [{"user": f"u{n // 5}", "item": f"i{n % 7}"} for n in range(60)]
    some = sy.read(rows, sample=20)
    assert 15 <= len(some) <= 20
    assert np.bincount(some.user).tolist() == [5] * some.n_users


@pytest.mark.real
@pytest.mark.parametrize(
    ("name", "options", "counts"),
    [
        ("movielens_latest_small", {}, (100_004, 671, 9_066)),
        ("amazon_musical_instruments_5core/reviews.parquet", {"task": "recommendation"}, (10_261, 1_429, 900)),
        ("gowalla_lightgcn/interactions.parquet", {}, (1_027_370, 29_858, 40_981)),
        ("coat/ratings.parquet", {}, (11_600, 290, 300)),
    ],
)
def test_real_tables_have_their_published_counts(name: str, options, counts) -> None:
    folder = Path(os.environ.get("STEELYARD_DATA") or Path(__file__).parents[2] / ".." / "shared" / "data")
    if not folder.is_dir():
        pytest.skip("real data: set STEELYARD_DATA, or lay it at ../shared/data")
    found = sy.read(folder / name, **options)
    assert (len(found), found.n_users, found.n_items) == counts
