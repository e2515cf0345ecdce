"""Facts of invented shops: what the report is drawn from in tests, with titles as hostile as real ones."""

# ruff: noqa: E501

from __future__ import annotations

import random
from typing import Any

HOSTILE = [
    "</script><script>alert('boo')</script> Laptop sleeve",
    '<img src=x onerror=alert(1)> Wireless mouse & pad "2024"',
    "Gift card \u202egnp.exe\u202c \u2066hidden\u2069 edition",
    "USB-C cable\x00\x07\x1b[31m 2 m\ttabbed\nbroken line",
    "{{style}} {{facts}} %s {0} ${x} `rm` | pipe | --> <!-- ]]>",
    "Lone surrogate \ud800 and \ufffe in one title",
    "javascript:alert(1) @everyone [click](https://evil.example/?q=1) http://evil.example/a.js",
]
PAIRS = [
    ("13 inch macbook air case", '15.6" Laptop Sleeve, Water-Resistant, Grey, with Pocket', "Exact", "Irrelevant"),
    ("防水登山鞋 男", "男士透气网面跑步鞋 轻便减震 春夏新款", "完全匹配", "替代品"),
    ("usb c hub 4k 60hz", "7-in-1 USB-C Hub, HDMI 4K@30Hz, 100 W Charging, SD Reader", "Exact", "Substitute"),
    ("婴儿车 可坐可躺 轻便", "婴儿车专用雨罩 通用型 防风防雨 透明", "完全匹配", "配套品"),
    ("espresso beans dark roast", "Stainless Steel Milk Frothing Pitcher 350 ml", "Substitute", "Complement"),
    ("机械键盘 红轴 87键", "机械键盘 红轴 87键 热插拔 PBT键帽 有线 白光", "不相关", "完全匹配"),
    ("standing desk 120x60", "Electric Standing Desk 140 x 70 cm, Oak Top, Memory Presets", "Irrelevant", "Substitute"),
    ("苹果15手机壳 透明", "适用于苹果14Pro手机壳 液态硅胶 防摔 全包镜头", "完全匹配", "不相关"),
    ("kids rain boots size 10", "Toddler Rain Boots, Dinosaur Print, Size 10, Pull Handles", "Complement", "Exact"),
    ("led desk lamp clip on", "Replacement LED Bulb E27 9 W Warm White, Pack of 4", "Exact", "Complement"),
]
REASONS = [
    (
        "3 of 4 near-identical products under this query are Irrelevant.",
        "该查询下 4 个近乎相同的商品中有 3 个标为不相关。",
    ),
    ("Same pair judged Exact by A07 and Irrelevant by A12.", "同一对样本：A07 标为完全匹配，A12 标为不相关。"),
    ("5 of 5 folds say Substitute, mean probability 0.96.", "5 折全部判为替代品，平均概率 0.96。"),
    ("The query says 13 inch, the title says 15.6.", "查询为 13 英寸，标题为 15.6 英寸。"),
]
ARMS = {
    "use_weights": (0.0094, 0.0041, -0.0112, "gate"),
    "prune": (0.0037, 0.0091, -0.0098, "prune"),
    "relabel_first": (0.0021, 0.0034, -0.0121, "relabel"),
    "keep_uniform": (0.0008, 0.0006, -0.0093, None),
    "cannot_tell": (0.0067, 0.0052, -0.0110, None),
}


def facts(answer: str | None = "keep_uniform", *, rows: int = 100, points: int = 4000, seed: int = 7) -> dict[str, Any]:
    """Return complete facts with this verdict; None is a run that compared nothing."""
    draw = random.Random(seed)
    return {
        "schema": "steelyard.report/1",
        "run": _run(),
        "findings": _findings(),
        "summary": {
            "rows": 198_327,
            "labelled": 198_204,
            "groups": 21_840,
            "error_rate": {"value": 0.0483, "low": 0.0391, "high": 0.0588, "how": "out_of_fold"},
            "flagged": 6_412,
            "threshold": 0.7,
            "contradictory_rows": 1_807,
            "smallest_visible": {"measure": "ndcg@10[gain=esci]", "value": 0.0041, "groups": 4_368},
            "quality": [{"name": "out-of-fold NDCG@10", "value": 0.7431}, {"name": "log loss", "value": 0.6128}],
        },
        "top": [_top(draw, k, rows) for k in range(rows)],
        "slices": _slices(),
        "map": _map(draw, points),
        "histogram": {
            "edges": [k / 20 for k in range(21)],
            "counts": [round(88_000 * 0.68**k + 300 * (k > 13) + draw.random() * 60) for k in range(20)],
        },
        "compare": _compare(draw, answer) if answer else None,
        "limits": [
            {
                "code": "L1",
                "message_en": "Suspicion is a rank, not a probability: no reviewed rows have calibrated it yet.",
                "message_zh": "可疑度是排序分数而非概率：尚无复核样本对其校准。",
            },
            {
                "code": "L2",
                "message_en": "An error that every annotator makes looks like a rule and is not found.",
                "message_zh": "所有标注员都犯的同一种错误看起来像规则，无法被发现。",
            },
            {
                "code": "L3",
                "message_en": "Offline NDCG is not online conversion; the product range of the test is that of spring 2026.",
                "message_zh": "离线 NDCG 不等于线上转化；测试商品为 2026 年春季在售范围。",
            },
        ],
        "reproduce": "steelyard score pairs.parquet --preset esci --tier quick --seed 7",
    }


def minimal() -> dict[str, Any]:
    return {"schema": "steelyard.report/1", "run": {}, "summary": {}}


def empty_table() -> dict[str, Any]:
    """Return the facts of a table without rows."""
    none: list[Any] = []
    summary = {"rows": 0, "labelled": 0, "groups": 0, "error_rate": None, "flagged": 0, "threshold": 0.7}
    return {
        "run": {"id": "00000000", "name": "empty.csv", "rows": 0, "groups": 0, "scale": {"names": [], "ordered": False}},
        "summary": {**summary, "contradictory_rows": 0, "smallest_visible": None, "quality": none},
        "findings": none, "top": none, "slices": none, "limits": none, "compare": None,
        "map": {"x": none, "y": none, "s": none, "n": 0, "drawn": 0},
        "histogram": {"edges": [0.0, 0.5, 1.0], "counts": [0, 0]},
    }  # fmt: skip


def _run() -> dict[str, Any]:
    return {
        "id": "3fa91c07",
        "name": "pairs.parquet",
        "created": "2026-11-24 09:12",
        "version": "0.1.0",
        "python": "3.12.4",
        "platform": "Linux x86_64",
        "command": "steelyard score pairs.parquet --preset esci",
        "fingerprint": "b2:7c1e5a90d4f3",
        "paths": ["pairs.parquet"],
        "rows": 198_327,
        "groups": 21_840,
        "task": "relevance",
        "tier": "quick",
        "seed": 7,
        "seconds": 41.6,
        "columns": {"query": "query", "title": "product_title", "label": "esci_label", "locale": "product_locale"},
        "scale": {"names": ["Irrelevant", "Complement", "Substitute", "Exact"], "ordered": True},
        "measure": "ndcg@10[gain=esci]",
    }


def _findings() -> list[dict[str, Any]]:
    return [
        {
            "code": "D100", "severity": "ok", "count": 0, "rows": [],
            "message_en": "No query is in both splits.", "message_zh": "没有同时出现在训练集与测试集的查询。",
        },
        {
            "code": "D133", "severity": "warn", "count": 1_807, "rows": ["a81f0c2e", "09bb41d7#1", "77fe20aa"],
            "message_en": "1,807 rows contradict an identical pair. They are used as evidence; see the worst rows.",
            "message_zh": "1,807 行与相同的样本标签矛盾，已作为证据使用；见最可疑样本。",
        },
        {
            "code": "P201", "severity": "note", "count": 412, "rows": [],
            "message_en": "412 queries look personal (phone 120, e-mail 71, address 221): masked in this report.",
            "message_zh": "412 个查询疑似含个人信息（电话 120、邮箱 71、地址 221）：本报告已脱敏。",
        },
        {
            "code": "D128", "severity": "error", "count": 210, "rows": ["line 40112"],
            "message_en": "product_id has 210 values like 6.9E+12: a spreadsheet damaged them. Export ids as text.",
            "message_zh": "product_id 有 210 个形如 6.9E+12 的值：已被表格软件损坏，请以文本导出。",
        },
    ]  # fmt: skip


def _top(draw: random.Random, k: int, rows: int) -> dict[str, Any]:
    query, title, given, suggested = PAIRS[k % len(PAIRS)]
    if k >= len(PAIRS) and k - len(PAIRS) < len(HOSTILE):
        title = HOSTILE[k - len(PAIRS)]
    if k == 20:
        title = "超长标题 " + "旗舰店正品 限时特惠 全国联保 顺丰包邮 " * 30
    reason = REASONS[k % len(REASONS)]
    suspicion = 0.995 - 0.28 * (k / max(rows, 1)) - draw.random() * 0.01
    return {
        "row_key": f"{draw.getrandbits(48):012x}" + ("#1" if k % 17 == 3 else ""),
        "query": "call ███████████ about order" if k == 4 else query,
        "title": title,
        "text": "Fits most models; see the size table before ordering." if k % 3 == 0 else None,
        "given": given,
        "suggested": None if k % 23 == 22 else suggested,
        "p_suggested": 0.98 - 0.3 * draw.random(),
        "suspicion": suspicion,
        "difficulty": 0.3 + 2.5 * draw.random(),
        "benefit": draw.gauss(-0.0021, 0.0013),
        "reason_en": reason[0],
        "reason_zh": reason[1],
        "masked": k == 4,
    }


def _slices() -> list[dict[str, Any]]:
    raw = [
        ("label", "Complement", 18_204, 1_656, 2.81, True), ("annotator", "A12", 6_120, 539, 2.72, True),
        ("locale & label", "jp & Exact", 9_311, 559, 1.86, True), ("category", "手机配件 / 保护壳", 4_402, 231, 1.62, True),
        ("query words", "1", 21_077, 780, 1.14, False), ("price band", "0–9.99", 30_115, 1_020, 1.05, False),
        ("guideline_version", "2025-03 <draft>", 812, 31, 1.18, False), ("locale", "us", 140_209, 4_100, 0.90, False),
        ("label", "Exact", 121_330, 2_905, 0.74, True),
    ]  # fmt: skip
    return [
        {
            "column": column, "value": value, "n": n, "flagged": k, "share": k / n, "low": max(k / n - 2 * (k / n / n) ** 0.5, 0),
            "high": k / n + 2.1 * (k / n / n) ** 0.5, "lift": lift, "q_value": 0.0004 if star else 0.31, "star": star,
            "example": "a81f0c2e99d1", "benefit": 0.3 - lift / 5, "benefit_low": 0.27 - lift / 5,
            "benefit_high": 0.33 - lift / 5, "benefit_own": 0.2, "benefit_own_low": 0.17, "benefit_own_high": 0.23,
            "benefit_rest": -0.1 if star else None, "benefit_rest_low": -0.12, "benefit_rest_high": -0.08,
        }
        for column, value, n, k, lift, star in raw
    ]  # fmt: skip


def _map(draw: random.Random, points: int) -> dict[str, Any]:
    x, y, s = [], [], []
    for _ in range(points):
        bad = draw.random() < 0.05
        confidence = min(max(draw.betavariate(1.4, 7) if bad else draw.betavariate(5, 1.4), 0), 1)
        variability = min(0.5, abs(draw.gauss(0, 0.09)) + 0.55 * confidence * (1 - confidence))
        x.append(round(variability, 4))
        y.append(round(confidence, 4))
        s.append(round(min(max(1 - confidence + draw.gauss(0, 0.07), 0), 1), 3))
    return {"x": x, "y": y, "s": s, "n": 198_327, "drawn": points}


def _compare(draw: random.Random, answer: str) -> dict[str, Any]:
    gate, prune, loss, best = ARMS[answer]
    wide = 0.0124 if answer == "cannot_tell" else 0.0026

    def arm(name: str, delta: float, control: bool = False, **more: Any) -> dict[str, Any]:
        seeds = [delta + draw.gauss(0, wide / 2) for _ in range(5)]
        ends = {"low": delta - wide, "high": delta + wide, "per_seed": seeds}
        return {"name": name, "control": control, "value": 0.7213 + delta, "delta": delta, **ends, **more}

    return {
        "answer": answer,
        "why": WHY[answer],
        "measure": "ndcg@10[gain=esci]", "on": "given", "groups": 4_368, "rows": 39_665, "seeds": 5, "folds": 5,
        "smallest_visible": 0.0131 if answer == "cannot_tell" else 0.0041,
        "recommended": best, "test_uses": 1,
        "recovered_gain": {"value": 0.42, "low": 0.21, "high": 0.63} if best else None,
        "arms": [
            {"name": "uniform", "control": False, "value": 0.7213, "delta": 0.0, "low": None, "high": None,
             "ess": 158_662, "top_share": 0.01, "cost": 1.0, "per_seed": []},
            arm("gate", gate, ess=119_204, top_share=0.013, cost=1.3),
            arm("prune", prune, ess=153_100, top_share=0.0104, cost=0.97),
            arm("soft_label", gate * 0.6, ess=158_662, top_share=0.01, cost=1.3),
            arm("relabel", gate * 0.8 if best != "relabel" else 0.0112, ess=158_662, top_share=0.01, cost=1.3),
            arm("shuffled", 0.0002, True, ess=119_204, top_share=0.013, cost=1.3),
            arm("random_prune", -0.0006, True, ess=153_100, top_share=0.0104, cost=0.97),
            arm("loss_proportional", loss, True, ess=61_020, top_share=0.084, cost=1.3),
            arm("item_knn", -0.31, True, ess=None, top_share=None, cost=0.1),
        ],
        "slices": [
            {"arm": "prune", "column": "locale", "value": "jp", "n": 402, "delta": -0.006, "low": -0.0101, "high": -0.0019, "harmed": True},
            {"arm": "gate", "column": "locale", "value": "us", "n": 2_908, "delta": 0.0031, "low": 0.0002, "high": 0.0060, "harmed": False},
            {"arm": "gate", "column": "query words", "value": "1", "n": 611, "delta": 0.0011, "low": -0.0052, "high": 0.0074, "harmed": False},
        ],
    }  # fmt: skip


WHY: dict[str, list[dict[str, Any]]] = {
    "use_weights": [
        {"code": "V1", "message_en": "Weighting by the gate raises NDCG@10 by 0.0094 [0.0068, 0.0120]; shuffled weights gain nothing.",
         "message_zh": "门控加权使 NDCG@10 提升 0.0094 [0.0068, 0.0120]；打乱的权重没有收益。"},
        {"code": "V2", "message_en": "No slice loses beyond its interval under the recommended arm.", "message_zh": "推荐方案下没有切片的损失超出置信区间。"},
    ],
    "prune": [{"code": "V1", "message_en": "Leaving out the 3% most suspect rows raises NDCG@10 by 0.0091 [0.0065, 0.0117]; random pruning does not.",
               "message_zh": "去掉最可疑的 3% 样本使 NDCG@10 提升 0.0091 [0.0065, 0.0117]；随机剔除没有效果。"}],
    "relabel_first": [{"code": "V1", "message_en": "Corrected labels are worth 0.0112 [0.0086, 0.0138], three times what weighting brings.",
                       "message_zh": "修正标签可带来 0.0112 [0.0086, 0.0138]，约为加权收益的三倍。"}],
    "keep_uniform": [
        {"code": "V1", "message_en": "Weighting shows no benefit that we can see, and this test could have seen 0.0041.",
         "message_zh": "加权没有可见的收益，而这份测试集足以看出 0.0041 的差异。"},
        {"code": "V2", "message_en": "The labels look fairly clean (about 4.8% wrong); there is little to repair.",
         "message_zh": "标签总体较干净（误标约 4.8%），可修复的不多。"},
    ],
    "cannot_tell": [],
}  # fmt: skip
