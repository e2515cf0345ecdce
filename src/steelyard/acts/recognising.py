"""Recognise the user's columns by name, in English and Chinese; say what was recognised; never guess silently."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from steelyard.errors import DataError, UsageError, nearest
from steelyard.values.samples import CANONICAL, Task

#: Canonical name -> names that mean it, in folded form (see ``fold``).
ALIASES: dict[str, tuple[str, ...]] = {
    "query": (
        *("search_term", "search_query", "keyword", "keywords", "query_text", "search_text", "queries"),
        *("查询", "查询词", "搜索词", "搜索查询", "关键词", "检索词", "查询文本"),
    ),
    "title": (
        *("product_title", "item_title", "product_name", "item_name", "doc_title", "name", "product"),
        *("商品标题", "标题", "商品名称", "商品名", "名称", "产品名称"),
    ),
    "description": (
        *("product_description", "item_description", "desc", "product_desc"),
        *("商品描述", "描述", "商品详情", "详情", "产品描述"),
    ),
    "brand": ("product_brand", "brand_name", "manufacturer", "品牌", "商品品牌", "品牌名称"),
    "category": (
        *("product_category", "category_name", "product_class", "cat", "product_type"),
        *("类目", "品类", "商品类目", "分类", "类目名称"),
    ),
    "price": ("product_price", "item_price", "价格", "售价", "商品价格", "单价"),
    "text": (
        *("sentence", "content", "review", "review_text", "comment", "utterance", "tweet", "message", "body"),
        *("文本", "内容", "评论", "评价", "正文", "句子", "评论内容", "语句"),
    ),
    "tokens": ("words", "token", "词", "字", "分词"),
    "tags": ("ner_tags", "tag", "token_labels", "bio", "标注序列", "实体标签"),
    "query_id": ("qid", "queryid", "search_id", "查询id", "查询编号"),
    "product_id": (
        *(
            "product_uid",
            "item_id",
            "docid",
            "doc_id",
            "pid",
            "sku",
            "asin",
            "goods_id",
            "spu",
            "sku_id",
            "document_id",
        ),
        *("商品id", "商品编号", "产品id"),
    ),
    "user_id": ("uid", "user", "customer_id", "用户id", "用户"),
    "annotator": (
        *("worker", "worker_id", "rater", "judge", "annotator_id", "labeler", "labeller"),
        *("标注员", "标注人", "标注者", "评审员"),
    ),
    "label_source": ("source_of_label", "标签来源", "标注来源"),
    "guideline_version": ("guideline", "guidelines", "标注规范版本", "规范版本"),
    "split": (
        *("dataset_split", "data_split", "subset", "partition"),
        *("数据集划分", "划分", "数据集", "数据划分"),
    ),
    "locale": ("product_locale", "lang", "language", "market", "country", "语言", "地区", "站点"),
    "position": ("rank_position", "display_position", "曝光位置", "展示位置", "位置"),
    "ts": ("timestamp", "time", "date", "created_at", "datetime", "时间", "时间戳", "日期"),
    "weight": ("sample_weight", "权重", "样本权重"),
    "gold": ("gold_label", "golden_label", "label_gold", "金标", "金标准", "标准标签"),
    "query_description": (),
    "query_price": (),
}
#: Names of the two texts of a pair: they are query and title where both are there, hold text, and no text is named.
PAIRS = (
    ("sentence1", "sentence2"),
    ("sentence_1", "sentence_2"),
    ("text_a", "text_b"),
    ("question1", "question2"),
    ("premise", "hypothesis"),
    ("left", "right"),
)
#: Names of labels of every task; of grades; of classes. The last are labels of a text only.
LABELS = ("label", "labels", "标签", "标注", "标注结果")
GRADES = (
    *("relevance", "grade", "rating", "esci_label", "median_relevance", "relevance_label", "relevance_grade"),
    *(
        "judgement",
        "judgment",
        "rel",
        "relevancy",
        "档位",
        "相关性",
        "等级",
        "相关性档位",
        "相关度",
        "相关性等级",
        "评分",
    ),
)
CLASSES = (
    "sentiment",
    "intent",
    "class",
    "emotion",
    "topic",
    "polarity",
    "rating",
    "stars",
    "情感",
    "意图",
    "类别",
    "情感倾向",
)
#: Label of a text when nothing else is.
LAST_CLASSES = ("category", "类目", "分类", "cat")

#: Names that give the answer away: never a slice.
ANSWER = re.compile(
    r"(^|_)(gold|golden|truth|true|answer|answers|correct|oracle|ground)(_|$)|^label_original$|^steelyard_|真值|答案|正确|金标"
)
#: Labels of a click log: impressions with fields, and neither query nor text.
CLICKS = (
    *("click", "clicked", "is_click", "clk", "purchased", "is_purchase", "conversion", "converted", "is_conversion"),
    *("点击", "是否点击", "购买", "是否购买", "转化", "是否转化"),
)
TASKS = ("relevance", "classification", "tagging", "recommendation", "click")
#: Columns that say how a row was made or judged, not what was shown to whom.
ABOUT = ("label", "gold", "split", "weight", "ts", "annotator", "label_source", "guideline_version")
#: Numbers of rows are neither fields nor slices, however small the table.
ROW_IDS = {"id", "row_id", "rowid", "index", "row", "uuid", "guid", "example_id", "pair_id", "sample_id", "idx", "编号"}
#: Helpful columns: where two could be it, none is taken, and that is said; for all others it is an error.
HELPFUL = ("brand", "category", "price", "user_id", "label_source", "guideline_version", "locale", "position", "ts")
_SIDE = ("title", "description", "product_id", "brand", "category")


@dataclass(frozen=True)
class Recognised:
    """columns: canonical name -> the user's column. others: columns that mean nothing to us.

    unclear: columns that help but are not needed, with the several columns that could be it: none was taken.
    fields: columns that a click model reads, where the table is a click log; its task is then classification.
    """

    task: Task
    columns: Mapping[str, str]
    others: tuple[str, ...]
    unclear: Mapping[str, tuple[str, ...]]
    fields: tuple[str, ...] = ()

    def line(self) -> str:
        """Return the one line that says it."""
        return line(self.columns)


def line(columns: Mapping[str, str]) -> str:
    """Return canonical -> own column in one line: ``search_term→query, title``."""
    return ", ".join(c if c == own else f"{own}→{c}" for c, own in columns.items())


def fold(name: str) -> str:
    """Return a column name in lower case with ``_`` for blanks, dashes, dots and camel humps."""
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.strip())
    return re.sub(r"[\s\-.]+", "_", name).lower()


def recognise(
    schema: pa.Schema,
    asked: Mapping[str, str | None] | None = None,
    preset: Mapping[str, str] | None = None,
    task: str | None = None,
) -> Recognised:
    """Find out which column is what.

    asked: canonical -> column (or column -> canonical where only that makes sense); None or '' says that there is
    none. preset: the same from the source. task: None finds out, ``click``
    asks for a click log.
    Raises UsageError U101, U102, U109; DataError D102 (ambiguous), D103, D124 (needed column missing).
    """
    names = list(schema.names)
    if task is not None and task not in TASKS:
        raise UsageError("U109", option="task", value=task, known=", ".join(TASKS))
    given = asked_columns(asked or {}, names, CANONICAL)
    known = {c: own for c, own in (preset or {}).items() if own in names and c not in given}
    known |= {c: own for c, own in given.items() if own}
    none = {c for c, own in given.items() if not own}
    unclear: dict[str, tuple[str, ...]] = {}
    for canonical in ALIASES:
        if canonical not in known and canonical not in none:
            found = candidates(canonical, (canonical, *ALIASES[canonical]), names, known)
            if len(found) > 1 and canonical in HELPFUL:
                unclear[canonical] = tuple(found)
            elif found:
                known[canonical] = only(canonical, found)
    if task in (None, "relevance") and not {"query", "title", "text", "tokens", "query_id"} & (set(known) | none):
        known |= _pair(schema, known)
    clicks = task == "click" or (task is None and _logged(known, none, names))
    chosen = "classification" if clicks else _task(known, names, task)
    if clicks and "label" not in known:
        found = candidates("label", CLICKS, names, known)
        known |= {"label": only("label", found)} if found else {}
        known = {c: own for c, own in known.items() if c not in ("text", "tokens", "tags")}
    if chosen != "tagging" and "label" not in known and "label" not in none:
        _label(known, names, chosen, {**given, "category": ""} if clicks else given)
    fields = _fields(schema, known) if clicks else ()
    if not fields:
        _require(known, names, chosen)
    order = [c for c in CANONICAL if c in known]
    used = set(known.values())
    return Recognised(chosen, {c: known[c] for c in order}, tuple(n for n in names if n not in used), unclear, fields)


def asked_columns(asked: Mapping[str, str | None], names: Sequence[str], known: Sequence[str]) -> dict[str, str | None]:
    """Return canonical -> column of what the user said, in either direction; known: the canonical names.

    Raises UsageError U101 for a column that is not there, U102 for a name that means nothing.
    """
    meant = [c for c in known if c != "row_key"]
    found: dict[str, str | None] = {}
    for left, right in asked.items():
        if left in known and (not right or right in names):
            found[left] = right
        elif right in known and left in names:
            found[str(right)] = left
        elif left in known:
            raise UsageError("U101", name=str(right), near=nearest(str(right), names) or "-", known=", ".join(names))
        else:
            near = nearest(left, meant) or "-"
            raise UsageError("U102", name=left, near=near, known=", ".join(meant))
    return found


def candidates(canonical: str, aliases: Sequence[str], names: Sequence[str], known: Mapping[str, str]) -> list[str]:
    """Return the columns that could be it; the canonical name itself leaves no doubt, except for the label."""
    taken = set(known.values())
    free = [n for n in names if n not in taken]
    return [canonical] if canonical in free and canonical != "label" else [n for n in free if fold(n) in aliases]


def _pair(schema: pa.Schema, known: Mapping[str, str]) -> dict[str, str]:
    """Return query and title of a table whose two texts go by the names of a pair, nothing for any other table."""
    texts = {fold(f.name): f.name for f in schema if _text(f.type) and f.name not in known.values()}
    found = [(a, b) for a, b in PAIRS if a in texts and b in texts]
    return {"query": texts[found[0][0]], "title": texts[found[0][1]]} if len(found) == 1 else {}


def _text(kind: pa.DataType) -> bool:
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def only(canonical: str, found: Sequence[str]) -> str:
    """Return the one candidate. Raises DataError D102 for two."""
    if len(found) > 1:
        raise DataError("D102", what=canonical, columns=", ".join(found), first=found[0])
    return found[0]


def _label(known: dict[str, str], names: Sequence[str], task: Task, given: Mapping[str, str | None]) -> None:
    """Add the label; a category is the label of a text only when there is no other."""
    aliases = (*LABELS, *(GRADES if task == "relevance" else (*CLASSES, *GRADES)))
    found = candidates("label", aliases, names, known)
    own = only("label", found) if found else None
    if own is None and task == "classification" and "category" not in given:
        own = next((n for n in names if fold(n) in LAST_CLASSES), None)
        if own is not None and known.get("category") == own:
            del known["category"]
    if own is not None:
        known["label"] = own


def _logged(known: Mapping[str, str], none: set[str], names: Sequence[str]) -> bool:
    """Whether a table is a click log when nobody says: a label of clicks, and neither query nor text."""
    said = {"query", "query_id", "text", "tokens", "tags", "label"} & (set(known) | none)
    return not said and bool(candidates("label", CLICKS, names, known))


def _fields(schema: pa.Schema, known: Mapping[str, str]) -> tuple[str, ...]:
    """Return all columns but the label, times, what tells the answer, row ids and lists; none without a label."""
    about = {known[c] for c in ABOUT if c in known}
    names = [f.name for f in schema if f.name not in about and not pa.types.is_nested(f.type)]
    found = tuple(n for n in names if fold(n) not in ROW_IDS and not ANSWER.search(fold(n)))
    return found if "label" in known else ()


def _task(known: dict[str, str], names: Sequence[str], task: str | None) -> Task:
    """Return the task, and settle which column its text is (changes ``known``)."""
    if task is None and {"tokens", "tags"} <= set(known):
        return "tagging"
    if task == "tagging":
        return "tagging"
    relevance = "query" in known or "query_id" in known
    sided = any(c in known for c in _SIDE) or "text" in known or "feature_index" in names
    if task == "relevance" or (task is None and relevance and sided):
        if "text" in known:
            known["description" if "title" in known else "title"] = known.pop("text")
        return "relevance"
    if "text" not in known and "query" in known:
        known["text"] = known.pop("query")
    elif "text" not in known and task == "classification" and "title" in known:
        known["text"] = known.pop("title")
    return "classification"


def _require(known: Mapping[str, str], names: Sequence[str], task: Task) -> None:
    """Raise DataError D103 naming every missing column, and the columns that there are; D124 where nothing but the
    text is missing, so that the columns may be fields."""
    if task == "tagging":
        missing = [c for c in ("tokens", "tags") if c not in known]
    elif task == "classification":
        missing = [c for c in ("text", "label") if c not in known]
        if "text" in missing:
            missing[0] = "query + title | text"
    else:
        missing = [] if "query" in known or "query_id" in known else ["query"]
        if not any(c in known for c in _SIDE) and "feature_index" not in names:
            missing.append("title")
        if "label" not in known:
            missing.append("label")
    if missing:
        free = [n for n in names if n not in known.values()]
        example = ",".join(f"{m}={nearest(m, free) or '…'}" for m in (m.rpartition(" ")[2] for m in missing))
        fields = "label" in known and not any(c in known for c in _SIDE) and len(free) > 1
        code = "D124" if task == "classification" and fields else "D103"
        raise DataError(code, missing=", ".join(missing), known=", ".join(names) or "-", task=task, example=example)
