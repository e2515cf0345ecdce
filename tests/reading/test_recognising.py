"""Columns: recognised in two languages, never guessed between two, misspelt ones named."""

import pytest

from steelyard.errors import DataError, UsageError

PAIR = {"query": "q", "title": "t", "label": 1}


def renamed(**names):
    return [
        {names.get(k, k): v for k, v in PAIR.items()},
        {names.get(k, k): (0 if k == "label" else v) for k, v in PAIR.items()},
    ]


@pytest.mark.parametrize(
    ("query", "title", "label"),
    [
        ("search_term", "product_title", "relevance"),
        ("searchTerm", "Product Title", "Median-Relevance"),
        ("查询词", "商品标题", "档位"),
        ("搜索词", "标题", "标签"),
        ("搜索查询", "名称", "相关性"),
        ("keyword", "name", "等级"),
    ],
)
def test_names_in_two_languages(reading, query, title, label):
    s = reading(renamed(query=query, title=title, label=label))
    assert dict(s.columns) == {"query": query, "title": title, "label": label}
    line = next(n for n in s.notes if n.code == "D101").say("zh")
    assert f"{query}→query" in line


def test_two_possible_labels_are_an_error_that_names_them(reading):
    with pytest.raises(DataError) as e:
        reading([PAIR | {"rating": 3}])
    assert e.value.code == "D102"
    assert "label, rating" in e.value.say("en")
    assert "label, rating" in e.value.say("zh")
    assert dict(reading([PAIR | {"rating": 3}], columns={"label": "rating"}).columns)["label"] == "rating"


def test_two_possible_titles_are_an_error_unless_one_is_named_title(reading):
    rows = [{"query": "q", "product_title": "a", "item_name": "b", "label": 1}]
    with pytest.raises(DataError) as e:
        reading(rows)
    assert e.value.code == "D102"
    assert reading([PAIR | {"name": "n"}]).columns["title"] == "title"


def test_two_possible_helpful_columns_are_only_a_note(reading):
    s = reading([PAIR | {"product_brand": "a", "manufacturer": "b"}])
    assert "brand" not in s.columns
    assert {"product_brand", "manufacturer"} <= set(s.slice_columns())
    assert [n.facts["what"] for n in s.notes if n.code == "D114"] == ["brand"]


def test_a_misspelt_column_names_the_nearest(reading):
    with pytest.raises(UsageError) as e:
        reading([{"query": "q", "title": "t", "esci_label": "E"}], columns={"label": "esci_lable"})
    assert (e.value.code, e.value.facts["near"]) == ("U101", "esci_label")
    with pytest.raises(UsageError) as e:
        reading([PAIR], columns={"lable": "label2"})
    assert (e.value.code, e.value.facts["near"]) == ("U102", "label")
    with pytest.raises(UsageError) as e:
        reading([PAIR], group_by="quary")
    assert (e.value.code, e.value.facts["near"]) == ("U101", "query")


def test_both_directions_are_understood(reading):
    rows = [{"left": "q", "right": "t", "vote": 1}]
    forth = reading(rows, columns={"query": "left", "title": "right", "label": "vote"})
    back = reading(rows, columns={"left": "query", "right": "title", "vote": "label"})
    assert forth.columns == back.columns
    assert forth.row_key.tolist() == back.row_key.tolist()


def test_fields_without_a_text_are_told_of_the_task_that_reads_them(reading):
    with pytest.raises(DataError) as e:
        reading([{"pages": 1, "seconds": 2.5, "label": 1}])
    assert e.value.code == "D124"
    assert all("--task click" in e.value.say(lang) for lang in ("en", "zh"))


@pytest.mark.parametrize(
    ("rows", "missing"),
    [
        ([{"query": "q", "title": "t"}], "label"),
        ([{"qry": "q", "title": "t", "label": 1}], "query + title | text"),
        ([{"a": 1}], "query + title | text, label"),
    ],
)
def test_missing_columns_are_named_with_those_there_are(reading, rows, missing):
    with pytest.raises(DataError) as e:
        reading(rows)
    assert (e.value.code, e.value.facts["missing"]) == ("D103", missing)
    assert e.value.facts["known"] == ", ".join(rows[0])


def test_the_task_follows_from_the_columns(reading):
    assert reading([PAIR]).task == "relevance"
    assert reading([{"text": "x", "category": "a"}]).task == "classification"
    assert reading([{"query": "x", "intent": "a"}]).columns["text"] == "query"
    assert reading([{"query": "x", "passage": "p", "text": "a", "label": 1}]).columns["title"] == "text"
    assert reading([{"评论": "x", "情感": "正", "类目": "书"}]).columns["category"] == "类目"
    with pytest.raises(UsageError):
        reading([PAIR], task="ranking")


def test_a_column_can_be_switched_off(reading):
    s = reading([PAIR | {"split": "test"}], columns={"split": None})
    assert "split" not in s.columns
    assert s.split.tolist() == ["train"]


def test_second_texts_of_the_query_side(reading):
    rows = [{"ln": "a", "ld": "b", "lp": "$1", "rn": "c", "label": 1}]
    columns = {"query": "ln", "query_description": "ld", "query_price": "lp", "title": "rn"}
    s = reading(rows, columns=columns)
    assert s.texts("query_description") == ["b"]
    assert s.texts("query_price") == ["$1"]


def test_only_columns_with_few_values_are_slices(reading):
    rows = [
        PAIR
        | {
            "title": f"t{i}",
            "shop": f"s{i % 3}",
            "note": f"n{i}",
            "score": i / 7,
            "id": i,
            "truth": i % 2,
            "fresh": i > 2,
        }
        for i in range(300)
    ]
    s = reading(rows)
    assert s.slice_columns() == ["shop", "fresh"]
    ignored = next(n for n in s.notes if n.code == "D107").facts["columns"]
    assert ignored == "id, note, score, truth"


def test_a_column_that_tells_the_trusted_label_is_no_slice(reading):
    rows = [
        PAIR | {"title": f"t{i}", "label": i % 2, "truth": i % 3 % 2, "match": f"m{i % 3 % 2}", "shop": i % 5}
        for i in range(90)
    ]
    assert reading(rows, columns={"gold": "truth"}).slice_columns() == ["shop"]


def test_split_names_become_three(reading):
    rows = [PAIR | {"title": str(i), "split": x} for i, x in enumerate(["Train", "dev", "测试集", "fold7", None])]
    s = reading(rows)
    assert s.split.tolist() == ["train", "valid", "test", "train", "train"]
    assert next(n for n in s.notes if n.code == "D118").count == 1


def test_dev_rows_train_where_nothing_else_does(reading):
    s = reading([PAIR | {"title": str(i), "split": x} for i, x in enumerate(["dev", "test"])])
    assert s.split.tolist() == ["train", "test"]
    assert next(n for n in s.notes if n.code == "D119").count == 1


SIDES = {"left": ["a b", "c d", "e f"], "right": ["x y", "z w", "u v"]}


@pytest.mark.parametrize("names", [("sentence1", "sentence2"), ("premise", "hypothesis"), ("left", "right")])
def test_the_two_texts_of_a_pair_are_query_and_title(reading, names):
    s = reading({names[0]: ["a", "b", "c"], names[1]: ["x", "y", "z"], "label": [0, 1, 1]})
    assert s.columns["query"] == names[0]
    assert s.columns["title"] == names[1]


def test_names_of_a_pair_mean_nothing_beside_a_text_or_as_numbers_or_alone(reading):
    text = {"text": ["a", "b", "c"], "label": [0, 1, 1]}
    for more in (SIDES, {"left": [1, 2, 3]}, {"left": [1, 2, 3], "right": [4, 5, 6]}, {"left": ["a", "b", "c"]}):
        s = reading({**text, **more})
        assert s.task == "classification"
        assert s.columns["text"] == "text"
    tagged = reading({"tokens": [["a"], ["b"]], "tags": [["O"], ["B"]], "left": ["x", "y"], "right": ["z", "w"]})
    assert tagged.task == "tagging"
    assert "query" not in tagged.columns
