"""Made-up facts of a run of interactions; a few ids and titles try to break the page."""

from typing import Any

import sample_facts

BANDS = {"activity": [(1, 1), (2, 4), (5, 9), (10, 19)], "popularity": [(1, 1), (2, 4), (20, 49)]}


def facts(answer: str | None = "cannot_tell", *, rows: int = 30, known: bool = True) -> dict[str, Any]:
    """Return complete facts with this verdict; None is a run that compared nothing. known: the truth is known."""
    made = sample_facts.facts(answer, points=0)
    run = {k: v for k, v in made["run"].items() if k != "scale"}
    compare = made["compare"]
    if compare:
        further = {"ndcg@10": 0.1, "recall@10": 0.12, "coverage": 0.31, "gini": 0.87}
        compare["arms"] = [{**a, "more": further} for a in compare["arms"]]
        compare["slices"] = [{**s, "column": "rows_of_user", "value": "1-9"} for s in compare["slices"]]
    return {
        **made,
        "run": {**run, "task": "recommendation", "model": "item_knn"},
        "summary": {
            "rows": 120_000,
            "labelled": 104_233,
            "users": 6_711,
            "items": 9_066,
            "place": {"fitted": 0.96, "held_out": 0.888},
            "smallest_visible": {"measure": "ndcg@10", "value": 0.0041, "groups": 4_368},
            "quality": [{"name": "auc_doubt", "value": 0.616}] if known else [],
        },
        "top": [_top(k) for k in range(rows)],
        "slices": [],
        "map": None,
        "carriers": _carriers(known),
        "views": _views(),
        "compare": compare,
    }


def _top(k: int) -> dict[str, Any]:
    return {
        "row_key": f"k{k:05d}",
        "user": "[phone]" if k == 2 else f"u{k}",
        "item": f"i{k}",
        "title": (None, *sample_facts.HOSTILE)[k % (1 + len(sample_facts.HOSTILE))],
        "value": (0.5, 3.0, 5.0)[k % 3],
        "label": 1,
        "split": "train",
        "suspicion": 0.9 - k / 200,
        "propensity": 0.18,
        "reason_en": f"{k} others took it too",
        "reason_zh": f"另有 {k} 人也取过它",
        "views_en": "neither leads here",
        "views_zh": "都不指向它",
        "masked": k == 2,
    }


def _carriers(known: bool) -> dict[str, Any]:
    def band(low: int, high: int, k: int) -> dict[str, Any]:
        doubt = 0.4 + 0.03 * k
        ends = {"doubt": doubt, "doubt_low": doubt - 0.01, "doubt_high": doubt + 0.01}
        counts = {"members": 90 + k, "rows": 1_000 * (k + 1), "share": 0.1 * (k + 1), "doubted": 0.05 * k}
        return {"low": low, "high": high, **counts, **ends, "known": 900, "wrong": 0.4 if known else None}

    across, upward = len(BANDS["activity"]), len(BANDS["popularity"])
    cold = {"of": 6_711, "members": 671, "rows": 2_000, "share": 0.019, "doubt": 0.5}
    return {
        "rows": 104_233,
        "overall": 0.467,
        "doubted": 0.1,
        **{way: [band(a, b, k) for k, (a, b) in enumerate(ends)] for way, ends in BANDS.items()},
        "cold": {"below": 5, "users": cold, "items": cold},
        "grid": {
            "count": [[100 * j + k for j in range(across)] for k in range(upward)],
            "doubt": [
                [None if j == k == 0 else 0.4 + 0.02 * j + 0.01 * k for j in range(across)] for k in range(upward)
            ],
        },
        "users": [{"user": "u<7>", "rows": 2_391, "doubted": 1_620, "doubt": 0.561}],
        "items": [{"item": "i60", "title": sample_facts.HOSTILE[0], "rows": 32, "doubted": 23, "doubt": 0.574}],
    }


def _views() -> dict[str, Any]:
    names = ("mis_click", "cold", "complement", "redundant")
    shares, chance = (0.05, 0.15, 0.2, 0.6), (0.3, 0.2, 0.2, 0.3)
    shown = {"item": "i4", "title": sample_facts.HOSTILE[0], "text": 0.03, "others": 0.04}
    return {
        "by": "words",
        "known": 100_000,
        "unknown": {"text": 4_000, "others": 233},
        "cut": 0.5,
        "strangers": 200,
        "quadrants": {
            n: {"rows": round(100_000 * s), "share": s, "chance": c}
            for n, s, c in zip(names, shares, chance, strict=True)
        },
        "grid": {"rows": [[10 * j + k for j in range(4)] for k in range(4)], "chance": [[1 / 16] * 4] * 4},
        "examples": {"mis_click": [shown], "cold": [], "complement": [{**shown, "title": None}], "redundant": [shown]},
    }
