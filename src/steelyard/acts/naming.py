"""Naming: which column of an interaction table is the user, the item, the time ..., in English and Chinese."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

from steelyard.acts.recognising import ALIASES as OF_SAMPLES
from steelyard.acts.recognising import asked_columns, candidates, only
from steelyard.errors import DataError, nearest

#: Canonical name -> names that mean it, in folded form (see ``recognising.fold``); the order is that of showing.
ALIASES: dict[str, tuple[str, ...]] = {
    "user_id": (
        *("user", "uid", "userid", "customer_id", "reviewer_id", "member_id", "visitor_id", "client_id", "buyer_id"),
        *("用户id", "用户", "用户编号", "会员id", "会员", "买家id", "顾客id"),
    ),
    "item_id": (
        *("item", "itemid", "iid", "product_id", "product", "movie_id", "movieid", "asin", "sku", "sku_id", "goods_id"),
        *("article_id", "book_id", "song_id", "artist_id", "track_id", "video_id", "business_id", "object_id"),
        *("content_id", "商品id", "商品", "商品编号", "物品id", "物品", "产品id", "项目id", "视频id", "内容id"),
    ),
    "items": (
        *("item_list", "item_ids", "item_id_list", "item_seq", "item_sequence", "history", "sequence", "clicks"),
        *("商品序列", "商品列表", "行为序列", "点击序列", "浏览历史"),
    ),
    "value": (
        *("rating", "ratings", "score", "stars", "overall", "count", "play_count", "plays", "strength", "weight"),
        *("click", "clicked", "is_click", "purchased", "is_purchase", "label", "like", "liked"),
        *("评分", "打分", "得分", "星级", "点击", "是否点击", "是否购买", "次数", "标签"),
    ),
    "event": (
        *("event_type", "event_name", "action", "action_name", "action_type", "behavior", "behavior_type", "behaviour"),
        *("行为", "行为类型", "事件", "事件类型", "动作"),
    ),
    "ts": (
        *OF_SAMPLES["ts"],
        *("time_stamp", "event_time", "unix_review_time", "review_time", "rated_at", "clicked_at", "date_time"),
        *("点击时间", "下单时间", "评分时间", "行为时间", "发生时间"),
    ),
    "position": (*OF_SAMPLES["position"], "pos", "slot", "position_ordinal", "坑位"),
    "shown": ("exposed", "is_exposed", "exposure", "impression", "impressed", "曝光", "是否曝光", "展示"),
    "propensity": ("propensity_score", "pscore", "倾向得分", "倾向性得分", "倾向分", "曝光倾向", "曝光概率"),
    "split": OF_SAMPLES["split"],
    "title": (
        *("item_title", "product_title", "movie_title", "item_name", "product_name", "name"),
        *("商品标题", "标题", "商品名称", "商品名", "名称", "产品名称", "物品名称"),
    ),
}
CANONICAL = tuple(ALIASES)
#: Where two columns could be it, none is taken, and that is said; for the others it is an error.
HELPFUL = ("ts", "position", "shown", "propensity", "title")
#: What makes a table one of samples, whoever else it names.
SAMPLES = ("query", "query_id", "text", "tokens", "tags")


@dataclass(frozen=True)
class Named:
    """columns: canonical name -> the user's column. others: columns that mean nothing here.

    unclear: columns that help, with the several columns that could be it: none was taken.
    """

    columns: Mapping[str, str]
    others: tuple[str, ...]
    unclear: Mapping[str, tuple[str, ...]]


def recognise(
    schema: pa.Schema, asked: Mapping[str, str | None] | None = None, preset: Mapping[str, str] | None = None
) -> Named:
    """Find out which column is what.

    asked: canonical -> column, or column -> canonical; None or '' says that there is none. preset: from the source.
    Raises UsageError U101, U102; DataError D102 (ambiguous), D200 (no user, or no item).
    """
    names = list(schema.names)
    given = asked_columns(asked or {}, names, CANONICAL)
    known = {c: own for c, own in (preset or {}).items() if own in names and c not in given}
    known |= {c: own for c, own in given.items() if own}
    unclear: dict[str, tuple[str, ...]] = {}
    for canonical, aliases in ALIASES.items():
        if canonical in known or canonical in given:
            continue
        found = candidates(canonical, (canonical, *aliases), names, known)
        if len(found) > 1 and canonical in HELPFUL:
            unclear[canonical] = tuple(found)
        elif found:
            known[canonical] = only(canonical, found)
    missing = [c for c in ("user_id", "item_id") if c not in known and not (c == "item_id" and "items" in known)]
    if missing:
        free = [n for n in names if n not in known.values()]
        example = ",".join(f"{m}={nearest(m, free) or '…'}" for m in missing)
        raise DataError("D200", missing=", ".join(missing), known=", ".join(names) or "-", example=example)
    columns = {c: known[c] for c in CANONICAL if c in known}
    others = tuple(n for n in names if n not in columns.values())
    return Named(columns, others, unclear)


def interacts(schema: pa.Schema, asked: Mapping[str, str | None] | None, preset: Mapping[str, str]) -> bool:
    """Say whether a table is one of interactions when nobody says: users and items, and neither query nor text.

    Such a table could not be read as samples, so nothing that was samples before is interactions now. What the user
    says of the columns counts: ``text=review`` makes samples.
    """
    names, said = list(schema.names), {**preset, **(asked or {})}
    spoken = {*(c for c, own in said.items() if own), *(own for c, own in said.items() if c in names and own)}
    if spoken & set(SAMPLES):
        return False
    silent = {c for c, own in said.items() if not own}
    if any(candidates(c, (c, *OF_SAMPLES[c]), names, {}) for c in SAMPLES if c not in silent):
        return False
    people = "user_id" in spoken or bool(candidates("user_id", ("user_id", *ALIASES["user_id"]), names, {}))
    things = any(candidates(c, (c, *ALIASES[c]), names, {}) or c in spoken for c in ("item_id", "items"))
    return people and things
