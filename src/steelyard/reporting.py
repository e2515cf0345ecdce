"""What a report says: the facts of a run, gathered for the page that shows them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from steelyard.compared import latest
from steelyard.errors import DataError
from steelyard.scored import Scored
from steelyard.taken import Taken
from steelyard.values.arrays import Ints
from steelyard.values.comparison import Comparison
from steelyard.values.findings import Finding
from steelyard.wording import others, say

WORST = 100
POINTS = 3000
HOW = {
    "RH01": "reviewed",
    "RH02": "confident_joint",
    "RH03": "confident_joint",
}  # the page's words for how a rate was estimated


def write(scored: Scored, *, markdown: bool = False, lang: str = "en") -> str:
    """Return the report of a run as HTML or Markdown."""
    from steelyard import page

    said = facts(scored)
    return page.render_markdown(said, lang) if markdown else page.render(said, lang=lang)


def facts(scored: Scored) -> dict[str, Any]:
    """Return everything the report shows, schema ``steelyard.report/1``; JSON values only."""
    if isinstance(scored, Taken):
        from steelyard import reporting_taken

        return reporting_taken.facts(scored)
    info = scored.info
    compared = latest(scored.run)
    return {
        "schema": "steelyard.report/1",
        "run": _run(scored, compared),
        "findings": _findings(scored),
        "summary": _summary(scored, compared),
        "top": _top(scored),
        "slices": scored.slices(),
        "map": _map(scored),
        "curves": (info.get("network") or {}).get("curves"),
        "histogram": histogram(scored),
        "compare": comparison(compared),
        "limits": [said(code, values) for code, values in _limits(scored, compared)],
        "reproduce": info["command"],
    }


def said(code: str, values: Any) -> dict[str, Any]:
    """Return a coded sentence in both languages."""
    return {"code": code, "message_en": say(code, "en", **values), "message_zh": say(code, "zh", **values)}


def _run(scored: Scored, compared: Comparison | None) -> dict[str, Any]:
    info = scored.info
    return {
        "id": info["id"],
        "name": scored.run.path.name,
        "created": None,
        "version": info["versions"]["steelyard"],
        "python": info["versions"]["python"],
        "platform": info["platform"],
        "command": info["command"],
        "fingerprint": info["fingerprint"],
        "paths": [p.replace("\\", "/").rsplit("/", 1)[-1] for p in info["paths"]],
        "rows": info["rows"],
        "groups": info["groups"],
        "task": info["task"],
        "tier": info["tier"],
        "seed": info["seed"],
        "columns": info["columns"],
        "scale": {"names": info["scale"]["names"], "ordered": info["scale"]["ordered"]},
        "measure": compared.measure if compared else None,
    }


def _findings(scored: Scored) -> list[dict[str, Any]]:
    """Return the findings of check, run now on the source; the notes of reading when the source is gone."""
    from steelyard.acts.checking import check

    try:
        found: list[Finding] = list(check(scored.samples).findings)
    except DataError as e:
        found = [Finding(e.code, "warn", 0, e.facts)]
    return listed_findings(found)


def listed_findings(found: Iterable[Finding]) -> list[dict[str, Any]]:
    """Return the findings that the reader should know, in both languages; ids and values that they quote are masked."""
    from steelyard.features.personal import mask

    def bare(f: Finding) -> Finding:
        return replace(f, facts={k: mask(v) if isinstance(v, str) else v for k, v in f.facts.items()})

    told = [bare(f) for f in found if f.severity != "ok"]
    return [{**f.as_dict(), "message_en": f.say("en"), "message_zh": f.say("zh")} for f in told]


def _summary(scored: Scored, compared: Comparison | None) -> dict[str, Any]:
    info = scored.info
    flagged = scored.column("flagged")
    suspicion = scored.column("suspicion")
    visible = None
    if compared:
        visible = {"measure": compared.measure, "value": compared.smallest_visible, "groups": compared.groups}
    quality = [{"name": k, "value": v} for k, v in info["out_of_fold"].items() if v is not None]
    if info["reviewed"]:
        quality += [
            {"name": k, "value": info["reviewed"][k]}
            for k in ("precision", "precision_low", "precision_high", "recall")
            if info["reviewed"][k] is not None
        ]
    return {
        "rows": info["rows"],
        "labelled": info["labelled"],
        "groups": info["groups"],
        "benefit": info.get("benefit"),
        "error_rate": info["error_rate"] and {**info["error_rate"], "how": HOW[info["error_rate"]["how"]]},
        "flagged": info["flagged"],
        "threshold": float(suspicion[flagged].min()) if flagged.any() else None,
        "reliability": _reliability(info.get("calibration"), info["task"]),
        "reviews": [said(code, told) for code, told in scored.reviews()],
        "contradictory_rows": info["contradicted"],
        "smallest_visible": visible,
        "quality": quality,
    }


def _reliability(found: Any, task: str) -> dict[str, Any] | None:
    """Return the calibration of suspicion with its line in words, None where nothing was calibrated."""
    if not found:
        return None
    points = ", ".join(f"{b['predicted']:.0%}→{b['observed']:.0%}" for b in found["bins"])
    facts = {**{k: v for k, v in found.items() if k != "bins"}, "points": points}
    spoken = {f"message_{lang}": say("LM05", lang, others=others(task, lang), **facts) for lang in ("en", "zh")}
    return {**found, "code": "LM05", **spoken}


def _top(scored: Scored) -> list[dict[str, Any]]:
    try:
        return scored.top(WORST)
    except DataError:
        return scored.top(WORST, text=False)


def _map(scored: Scored) -> dict[str, Any] | None:
    """Return the data map: confidence in the given label against its variability over training, a sample of rows."""
    suspicion = scored.column("suspicion")
    rows = np.flatnonzero(np.isfinite(suspicion))
    if not len(rows):
        return None
    drawn: Ints = np.sort(np.random.default_rng(0).permutation(rows)[:POINTS])
    x, y = scored.column("variability")[drawn], scored.column("confidence")[drawn]
    return {
        "x": np.round(x, 4).tolist(),
        "y": np.round(y, 4).tolist(),
        "s": np.round(suspicion[drawn], 3).tolist(),
        "n": len(rows),
        "drawn": len(drawn),
    }


def histogram(scored: Scored) -> dict[str, Any]:
    """Return how many rows lie in each of 25 steps of suspicion from 0 to 1."""
    suspicion = scored.column("suspicion")
    counts, edges = np.histogram(suspicion[np.isfinite(suspicion)], bins=25, range=(0.0, 1.0))
    return {"edges": np.round(edges, 3).tolist(), "counts": counts.tolist()}


def comparison(compared: Comparison | None) -> dict[str, Any] | None:
    """Return a comparison with its reasons in words, and each difference beside its ends; None without one."""
    if compared is None:
        return None
    out = compared.as_dict()
    out["why"] = [{**said(code, values), "facts": dict(values)} for code, values in compared.why]
    out["seeds"] = compared.cells
    out["folds"] = compared.settings.get("folds")
    out["arms"] = [
        {**{k: v for k, v in a.items() if k != "delta"}, **{k: a["delta"][k] for k in ("low", "high")},
         "delta": a["delta"]["value"]}
        for a in out["arms"]
    ]  # fmt: skip
    out["slices"] = [
        {**{k: v for k, v in s.items() if k != "delta"}, **{k: s["delta"][k] for k in ("low", "high")},
         "delta": s["delta"]["value"]}
        for s in out["slices"]
    ]  # fmt: skip
    return out


def _limits(scored: Scored, compared: Comparison | None) -> list[tuple[str, Any]]:
    info = scored.info
    codes = [] if info.get("calibration") else ["LM01"]
    codes += [] if info["reviewed"] or scored.reviews() else ["LM02"]
    codes += ["LM03"] if compared else ["LM03", "LM04"]
    found = info.get("disagreement") or {"carriers": ()}
    own = [("LM13", mark) for mark in info.get("marks") or ()]
    own += [("LM14", {"column": info["unseen_clicks"]})] if info.get("unseen_clicks") else []
    own += [("LM10", carrier) for carrier in found["carriers"]]
    own += [("LM09", info["planted"])] if info.get("planted") else []
    return [*own, *((code, {}) for code in codes), *(compared.limits if compared else ())]
