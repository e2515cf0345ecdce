"""What a report says of interactions: whose rows and which items carry the doubt, and what the arms do about it."""

from __future__ import annotations

from typing import Any

import numpy as np

from steelyard.compared import latest
from steelyard.errors import DataError
from steelyard.reporting import WORST, comparison, histogram, listed_findings, said
from steelyard.taken import Taken
from steelyard.values.comparison import Comparison
from steelyard.values.findings import Finding
from steelyard.values.interactions import Interactions

#: Rows of each quadrant that are shown.
EXAMPLES = 3
#: What run.json says that the report repeats.
REPEATED = ("id", "platform", "command", "fingerprint", "rows", "groups", "task", "tier", "seed", "columns", "model")


def facts(taken: Taken) -> dict[str, Any]:
    """Return everything the report of interactions shows, schema ``steelyard.report/1``; JSON values only.

    Beside the parts of a report of samples: ``carriers``, see ``acts/locating.py``, with users and items by name, and
    ``views``, see ``acts/viewing.counted``, with examples of each quadrant; None where nobody looked.
    """
    info, compared = taken.info, latest(taken.run)
    rows, problem = _source(taken)
    return {
        "schema": "steelyard.report/1",
        "run": _run(taken, compared),
        "findings": _findings(rows, problem),
        "summary": _summary(taken, compared),
        "top": _top(taken, rows),
        "slices": [],
        "map": None,
        "curves": None,
        "histogram": histogram(taken),
        "carriers": _carriers(taken, rows),
        "views": _views(taken, rows),
        "compare": comparison(compared),
        "limits": [said(code, values) for code, values in _limits(info, compared)],
        "reproduce": info["command"],
    }


def _source(taken: Taken) -> tuple[Interactions | None, DataError | None]:
    """Return the interactions, or None and why they cannot be read again."""
    try:
        return taken.interactions, None
    except DataError as e:
        return None, e


def _run(taken: Taken, compared: Comparison | None) -> dict[str, Any]:
    info = taken.info
    return {
        **{k: info[k] for k in REPEATED},
        "name": taken.run.path.name,
        "created": None,
        "version": info["versions"]["steelyard"],
        "python": info["versions"]["python"],
        "paths": [p.replace("\\", "/").rsplit("/", 1)[-1] for p in info["paths"]],
        "measure": compared.measure if compared else None,
    }


def _findings(rows: Interactions | None, problem: DataError | None) -> list[dict[str, Any]]:
    from steelyard.acts.inspecting import check

    if rows is None:
        assert problem is not None
        return listed_findings([Finding(problem.code, "warn", 0, problem.facts)])
    return listed_findings(check(rows).findings)


def _summary(taken: Taken, compared: Comparison | None) -> dict[str, Any]:
    info = taken.info
    found = info["reviewed"]
    quality = [] if found is None else [
        {"name": "auc_doubt", "value": found["by"]["suspicion"]["auc"]},
        {"name": "auc_in_sample_loss", "value": found["by"]["in_sample_loss"]["auc"]},
        {"name": "precision_doubt", "value": found["by"]["suspicion"]["ap"]},
        {"name": "unwanted", "value": found["wrong"] / found["rows"]},
    ]  # fmt: skip
    visible = None
    if compared:
        visible = {"measure": compared.measure, "value": compared.smallest_visible, "groups": compared.groups}
    return {
        "rows": info["rows"],
        "labelled": info["labelled"],
        "users": info["users"],
        "items": info["items"],
        "place": info["place"],
        "smallest_visible": visible,
        "quality": quality,
    }


def _top(taken: Taken, rows: Interactions | None) -> list[dict[str, Any]]:
    """Return the most doubted rows, personal data masked; ``masked`` says where there was any."""
    shown = taken.top(WORST, text=rows is not None)
    bare = taken.top(WORST, text=rows is not None, mask=False)
    return [{**row, "masked": row != plain} for row, plain in zip(shown, bare, strict=True)]


def _carriers(taken: Taken, rows: Interactions | None) -> dict[str, Any] | None:
    from steelyard.acts.locating import locate
    from steelyard.features.personal import mask

    doubt = taken.column("suspicion")
    read = np.flatnonzero(np.isfinite(doubt))
    if not len(read):
        return None
    user_ids, user = np.unique(taken.column("user")[read].astype(str), return_inverse=True)
    item_ids, item = np.unique(taken.column("item")[read].astype(str), return_inverse=True)
    wrong = None
    if rows is not None and rows.gold is not None:
        wrong = np.where(rows.gold[read] < 0, -1, 1 - rows.gold[read])
    found = locate(user, item, doubt[read], wrong)
    titles = {} if rows is None or rows.titles is None else dict(zip(rows.item_ids, rows.titles, strict=True))
    for entry in found["users"]:
        entry["user"] = mask(str(user_ids[entry.pop("code")]))
    for entry in found["items"]:
        own = str(item_ids[entry.pop("code")])
        entry |= {"item": mask(own), "title": mask(str(titles.get(own) or "")) or None}
    return found


def _views(taken: Taken, rows: Interactions | None) -> dict[str, Any] | None:
    """Return what both views say, with the rows that lie deepest in each quadrant; personal data masked."""
    found = taken.info.get("views") or {}
    if "quadrants" not in found:
        return None
    text, others = taken.column("text_place"), taken.column("others_place")
    named, item = taken.column("quadrant"), taken.column("item")
    depth = np.minimum(np.abs(text - found["cut"]), np.abs(others - found["cut"]))
    examples: dict[str, list[dict[str, Any]]] = {}
    for quadrant in found["quadrants"]:
        lying = np.flatnonzero(named == quadrant)
        order = lying[np.lexsort((taken.column("row_key")[lying].astype(str), -depth[lying]))]
        _, first = np.unique(item[order].astype(str), return_index=True)  # one row an item
        picked = order[np.sort(first)[:EXAMPLES]]
        shown = taken.rows(picked, text=rows is not None)
        examples[quadrant] = [
            {"item": r["item"], "title": r.get("title"), "text": r["text_place"], "others": r["others_place"]}
            for r in shown
        ]
    return {**found, "examples": examples}


def _limits(info: Any, compared: Comparison | None) -> list[tuple[str, Any]]:
    codes = ["LM06"] if info["reviewed"] else ["LM06", "LM07"]
    codes += ["LM08"] if compared else ["LM08", "LM04"]
    views = info.get("views") or {}
    unseen: list[tuple[str, Any]] = [("LM11", {})] if views.get("why") == "no_titles" else []
    if "size" in views and views["by"] is None:
        unseen = [("LM12", {k: views[k] for k in ("size", "most")})]
    return [*((code, {}) for code in codes), *unseen, *(compared.limits if compared else ())]
