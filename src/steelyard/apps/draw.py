"""Values as text for a terminal: aligned by display width, so that Chinese columns stand straight."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from wcwidth import wcswidth, wcwidth

from steelyard.scored import Scored
from steelyard.taken import Taken
from steelyard.values.checkup import Checkup
from steelyard.values.comparison import Arm, Comparison
from steelyard.values.slices import WHOM
from steelyard.wording import others, say, truncated, uncovered

#: Measures of clicks on shown rows, and measures that have words of their own.
CLICKS = ("auc", "gauc", "log_loss", "ece", "predicted_observed")
SPOKEN = ("coverage", "gini", "log_loss", "predicted_observed")

MARK = {"ok": "OK", "note": "NOTE", "warn": "WARN", "error": "ERROR"}


def plain(text: Any) -> str:
    """Return text that cannot move the cursor: control characters become spaces."""
    return "".join(c if c.isprintable() else " " for c in str(text))


def cut(text: Any, width: int) -> str:
    """Return text in at most ``width`` terminal cells, with an ellipsis where something was cut."""
    text = plain(text)
    if wcswidth(text) <= width:
        return text
    out, used = "", 0
    for char in text:
        cells = max(wcwidth(char), 0)
        if used + cells > width - 1:
            break
        out, used = out + char, used + cells
    return out + "…"


def pad(text: Any, width: int, right: bool = False) -> str:
    text = cut(text, width)
    space = " " * max(width - max(wcswidth(text), 0), 0)
    return space + text if right else text + space


def table(head: Sequence[str], rows: Iterable[Sequence[Any]], widths: Sequence[int], right: Sequence[int] = ()) -> str:
    """Return aligned columns; ``right``: positions of the columns that hold numbers."""
    lines = []
    for row in [head, *rows]:
        cells = (pad(c, w, i in right) for i, (c, w) in enumerate(zip(row, widths, strict=True)))
        lines.append(" " + "  ".join(cells).rstrip())
    return "\n".join(lines)


def number(value: Any, digits: int = 3) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


def checkup(found: Checkup, lang: str, data: str) -> str:
    """Return what check found, one finding a line with its code, then the costs and the next command, of ``data`` with
    the options that it was read by."""
    lines = [f" {MARK[f.severity]:<5} {f.code} {plain(f.say(lang))}" for f in found.findings]
    lines.append(estimates(found, lang))
    if found.usable:
        lines.append(say("T_next", lang, command=f"steelyard score {data}"))
    return "\n".join(lines)


def estimates(found: Checkup, lang: str) -> str:
    lines = []
    for tier, cost in found.estimates.items():
        if isinstance(cost.get("seconds"), int | float):
            memory = cost.get("bytes") or cost.get("memory_bytes") or cost.get("memory") or 0
            facts = {"tier": tier, "seconds": float(cost["seconds"]), "memory": float(memory) / 1e9}
            lines.append(say("T_cost", lang, **facts))
    return "\n".join(lines)


def scored(run: Scored, lang: str) -> str:
    """Return the summary of a score run: how many rows, what was found, the first rows, where to go on."""
    info = run.info
    facts = {k: info[k] for k in ("rows", "groups", "flagged", "contradicted")}
    lines = [say("T_scored", lang, run=run.run.path.name, **facts)]
    rate = info["error_rate"]
    if rate:
        low, high = rate["low"], rate["high"]
        interval = f" [{low:.1%}, {high:.1%}]" if low is not None else ""
        lines.append(say("T_rate", lang, rate=f"{rate['value']:.1%}{interval}", how=say(rate["how"], lang)))
    if info.get("benefit"):
        lines.append(say("T_benefit_all", lang, others=others(info["task"], lang), **info["benefit"]))
    if info["reviewed"]:
        known = info["reviewed"]["recall"] is not None
        lines.append(say("T_reviewed" if known else "T_reviewed_chosen", lang, **info["reviewed"]))
    lines += reviews(run, lang)
    if info.get("calibration"):
        lines.append(reliability(info["calibration"], info["task"], lang))
    if info.get("planted"):
        lines.append(say("T_planted", lang, **info["planted"]))
        rate = info["planted"]["rate"]
        lines += [say("T_planted_rate", lang, rate=rate)] if rate is not None else []
    if info.get("unseen_clicks"):
        lines.append(" WARN  LM14 " + say("LM14", lang, column=info["unseen_clicks"]))
    lines += [" WARN  LM13 " + say("LM13", lang, **mark) for mark in info.get("marks") or ()]
    for found in (info.get("disagreement") or {"carriers": ()})["carriers"]:
        lines.append(" WARN  LM10 " + say("LM10", lang, **found))
    lines += network(info, lang)
    lines += ["", rows(run.top(5), lang), "", say("T_after_score", lang, run=run.run.path.name)]
    return "\n".join(lines)


def taken(run: Taken, lang: str) -> str:
    """Return the summary of a score run of interactions, and its most doubted rows."""
    info, found = run.info, run.info["reviewed"]
    lines = [
        say("T_taken", lang, run=run.run.path.name, **{k: info[k] for k in ("rows", "labelled", "users", "items")})
    ]
    lines.append(say("T_places", lang, model=info["model"], **info["place"]))
    if found:
        by, base = found["by"]["suspicion"], found["by"]["in_sample_loss"]
        facts = {"rows": found["rows"], "wrong": found["wrong"], "prevalence": found["wrong"] / found["rows"]}
        lines.append(say("T_found", lang, **facts, **by, base_auc=base["auc"], base_ap=base["ap"]))
    lines += views(info.get("views") or {}, lang)
    lines += ["", taken_rows(run.top(5), lang), "", say("T_after_taken", lang, run=run.run.path.name)]
    return "\n".join(lines)


def views(found: Mapping[str, Any], lang: str) -> list[str]:
    """Return the quadrants of both views beside those of clicks by chance, or that the catalogue is too large."""
    if found.get("why") == "too_large":
        return [say("T_views_large", lang, size=found["size"], most=found["most"])]
    quadrants = found.get("quadrants")
    if not quadrants or any(q["chance"] is None for q in quadrants.values()):
        return []
    told = {name: q["share"] for name, q in quadrants.items()}
    chance = {f"{name}_chance": q["chance"] for name, q in quadrants.items()}
    return [say("T_views", lang, by=found["by"], **told, **chance)]


def taken_rows(found: list[dict[str, Any]], lang: str) -> str:
    """Return interactions with doubt and reason, two lines each."""
    lines = []
    for row in found:
        text = " · ".join(plain(row[c]) for c in ("user", "item", "title") if row.get(c))
        lines.append(f" {number(row['suspicion'])}  {pad(format(row['value'], 'g'), 8)}  {cut(text, 96)}")
        lines.append(f"        {pad(row['row_key'], 18)} {cut(row[f'reason_{lang}'] or '–', 130)}")
        if row.get(f"views_{lang}"):
            lines.append(f"        {pad('', 18)} {cut(row[f'views_{lang}'], 130)}")
    return "\n".join(lines) or say("T_none", lang)


def network(info: Mapping[str, Any], lang: str) -> list[str]:
    """Return what a run says of its network or encoder: loss, share, text that was cut, memory that ran out, layers
    without gradient rules."""
    facts = info.get("network") or info.get("encoder")
    if not facts:
        return []
    lines = []
    if "network" in info:
        more = {"loss": facts["log_loss_network"], "share": facts["blend_network"]}
        lines.append(say("T_network", lang, model=facts["model"], **more))
    found = truncated(facts, info["rows"], facts["max_length"])
    if found:
        lines.append(f" NOTE  {found[0]} " + say(found[0], lang, **found[1]))
    if facts.get("rows_a_part"):
        lines.append(" NOTE  T121 " + say("T121", lang, parts=facts["rows_a_part"]))
    if facts.get("uncovered"):
        lines.append(" NOTE  T123 " + say("T123", lang, **uncovered(facts["uncovered"], lang)))
    return lines


def rows(found: list[dict[str, Any]], lang: str, whole: bool = False) -> str:
    """Return rows with label, suggestion and reason; ``whole`` lists every field of each."""
    if whole:
        return "\n\n".join("\n".join(f" {pad(k, 20)} {plain(v)}" for k, v in row.items()) for row in found)
    lines = []
    for row in found:
        text = " · ".join(plain(row[c]) for c in ("query", "title", "text") if row.get(c))
        if not text and row.get("tokens"):
            text = "".join(row["tokens"]) if lang == "zh" else " ".join(row["tokens"])
        suggested = row[f"suggestion_{lang}"]
        suggestion = f"{row['given']} → {suggested}" if suggested else row["given"]
        lines.append(f" {number(row['suspicion'])}  {pad(suggestion, 26)}  {cut(text, 78)}")
        lines.append(f"        {pad(row['row_key'], 18)} {cut(row[f'reason_{lang}'] or '–', 110)}")
    return "\n".join(lines) or say("T_none", lang)


def slices(found: list[dict[str, Any]], lang: str, total: int) -> str:
    """Return the slices, flagged share first; behind it whom their rows help, a ? where an interval covers 0."""
    heads = ("slice", "n", "share", "interval", "lift", "q", *WHOM)
    head = [say(f"T_{k}", lang) for k in heads]
    body = [
        (f"{s['column']}={s['value']}", f"{s['n']:,}", f"{s['share']:.1%}", f"[{s['low']:.1%}, {s['high']:.1%}]",
         number(s["lift"], 1), f"{s['q_value']:.3f}{' *' if s['star'] else ''}", *(_helps(s, k) for k in WHOM))
        for s in found
    ]  # fmt: skip
    if not body:
        return say("T_none", lang)
    drawn = table(head, body, (34, 9, 7, 16, 5, 7, 8, 8, 10), right=(1, 2, 4, 6, 7, 8))
    rest = [say("T_slices_more", lang, shown=len(found), all=total)] if total > len(found) else []
    return "\n".join([drawn, *rest, "", say("T_benefit_note", lang)])


def taken_slices(found: list[dict[str, Any]], lang: str, total: int) -> str:
    """Return the bands of users and items, the most doubted first."""
    head = [say(f"T_{k}", lang) for k in ("slice", "members", "n", "doubt", "interval", "top_tenth")]
    body = [
        (f"{s['column']}={s['value']}", f"{s['members']:,}", f"{s['rows']:,}", number(s["doubt"]),
         f"[{number(s['doubt_low'])}, {number(s['doubt_high'])}]", f"{s['doubted']:.1%}")
        for s in found
    ]  # fmt: skip
    if not body:
        return say("T_none", lang)
    rest = [say("T_slices_more", lang, shown=len(found), all=total)] if total > len(found) else []
    return "\n".join([table(head, body, (26, 9, 9, 10, 16, 14), right=(1, 2, 3, 5)), *rest])


def _helps(s: Mapping[str, Any], name: str) -> str:
    if s.get(name) is None:
        return "–"
    sure = s[f"{name}_low"] > 0 or s[f"{name}_high"] < 0
    return f"{s[name]:+.3f}{' ' if sure else '?'}"


def info(run: Scored, lang: str) -> str:
    i = run.info
    lines = [f" {pad(k, 14)} {plain(i[k])}" for k in ("id", "fingerprint", "rows", "groups", "task", "tier", "seed")]
    lines += [f" {pad('columns', 14)} " + ", ".join(f"{k}←{v}" for k, v in i["columns"].items())]
    if "scale" in i:
        lines += [f" {pad('labels', 14)} " + ", ".join(i["scale"]["names"][:30])]
    if i.get("calibration"):
        lines.append(reliability(i["calibration"], i["task"], lang))
    lines += reviews(run, lang) if isinstance(run, Scored) else []
    lines += [f" {pad(k, 14)} {v}" for k, v in i["versions"].items()]
    return "\n".join([*lines, say("T_reproduce", lang, command=i["command"])])


def reviews(run: Scored, lang: str) -> list[str]:
    """Return what reviewed rows say of the ranking, a line each; none where nobody reviewed enough."""
    return [f" {say(code, lang, **facts)}" for code, facts in run.reviews()]


def reliability(found: Mapping[str, Any], task: str, lang: str) -> str:
    """Return how far the calibrated chance of a wrong label can be trusted, and its line: told to seen."""
    points = ", ".join(f"{b['predicted']:.0%}→{b['observed']:.0%}" for b in found["bins"])
    return say(
        "T_calibrated",
        lang,
        points=points,
        others=others(task, lang),
        **{k: found[k] for k in ("rows", "method", "error", "brier", "brier_plain")},
    )


def comparison(result: Comparison, lang: str) -> str:
    """Return the arms with their differences, then the verdict and why."""
    facts = {
        "measure": result.measure,
        "groups": result.groups,
        "cells": result.cells,
        "on": say(f"T_{result.on}", lang),
    }
    head = [say(k, lang) for k in ("T_arm", "T_value", "T_delta", "T_ess", "T_cost_head", "T_role")]
    lines = [
        say("T_compared", lang, **facts),
        table(head, (_arm(a, lang) for a in result.arms), (20, 8, 28, 5, 6, 10), (1, 3, 4)),
    ]
    lines += spread(result, lang)
    lines.append("")
    lines.append(say("T_verdict", lang, answer=say(f"V_{result.answer}", lang)))
    lines += [f"          {plain(say(code, lang, **values))}" for code, values in result.why]
    if result.recovered_gain:
        gain = result.recovered_gain
        lines.append("          " + say("T_recovered", lang, value=gain.value, low=gain.low, high=gain.high))
    lines.append("          " + say("T_visible", lang, visible=result.smallest_visible))
    lines += [f"          {plain(say(code, lang, **values))}" for code, values in result.limits]
    return "\n".join(lines)


def spread(result: Comparison, lang: str) -> list[str]:
    """Return what each recommender reaches beside the deciding measure, of lists and of clicks on shown rows; nothing
    for other models."""
    names = [n for n in result.arms[0].more if n != result.measure]
    clicks = [n for n in names if n in CLICKS]
    lines: list[str] = []
    for chosen in ([n for n in names if n not in clicks], clicks):
        shown = [say(f"T_{n}", lang) if n in SPOKEN else n for n in chosen]
        body = [(a.name, *(number(a.more.get(n), 4) for n in chosen)) for a in result.arms]
        widths = (20, *(max(9, wcswidth(n)) for n in shown))
        if chosen:
            lines += ["", table([say("T_arm", lang), *shown], body, widths, tuple(range(1, len(chosen) + 1)))]
    return lines


def _arm(arm: Arm, lang: str) -> tuple[str, ...]:
    d = arm.delta
    base = arm.name == "uniform_early_stop"
    delta = "–" if base else f"{d.value:+.4f} [{d.low:+.4f}, {d.high:+.4f}]"
    role = say("T_base", lang) if base else say("T_control", lang) if arm.control else ""
    return arm.name, f"{arm.value:.4f}", delta, f"{arm.ess:.2f}", f"{arm.cost:.1f}x", role


def demo(
    run: Scored,
    result: Comparison,
    report: Path,
    visits: tuple[Taken, Comparison, Path],
    deep: tuple[Scored, Path] | None,
    lang: str,
) -> str:
    """Return the demo's summary: planted errors found, what weighting did, where the reports lie.

    visits: interactions with the catalogue, what comparing them said, and their report. deep: the same catalogue read
    by a fine-tuned transformer, and its report.
    """
    found = run.info["reviewed"] or {}
    lines = [scored(run, lang), "", comparison(result, lang), ""]
    lines.append(say("T_demo", lang, **{k: found.get(k, 0) for k in ("wrong", "hits", "flagged")}))
    lines.append(say("T_report", lang, path=str(report)))
    taken_run, verdict, page = visits
    found = taken_run.info["reviewed"] or {}
    by = found.get("by", {}).get("two_views", {"auc": 0.0, "ap": 0.0})
    told = {k: found.get(k, 0) for k in ("rows", "wrong")}
    lines.append(say("T_demo_taken", lang, **told, **by, answer=say(f"V_{verdict.answer}", lang)))
    lines.append(say("T_report", lang, path=str(page)))
    if deep:
        network, page = deep
        reviewed, loss = network.info["reviewed"] or {}, network.info["out_of_fold"]
        facts = {k: reviewed.get(k, 0) for k in ("hits", "flagged")}
        more = {k: loss.get(f"log_loss_{k}", loss["log_loss"]) for k in ("boosted", "network")}
        lines.append(say("T_demo_full", lang, share=network.info["network"]["blend_network"], **facts, **more))
        lines.append(say("T_report", lang, path=str(page)))
    else:
        lines.append(say("T_demo_quick", lang))
    return "\n".join(lines)


def runs(found: Sequence[Mapping[str, Any]], lang: str) -> str:
    body = [(r["name"], r["verb"], say("T_done" if r["done"] else "T_open", lang)) for r in found]
    return table(("run", "verb", ""), body, (48, 8, 12)) if body else say("T_none", lang)


def machine(facts: Mapping[str, Any]) -> str:
    """Return the machine's facts, one a line; bytes as GB."""
    lines = []
    for name, value in facts.items():
        if isinstance(value, Mapping):
            lines += [f" {pad(k, 18)} {'–' if v is None else plain(v)}" for k, v in value.items()]
        elif name in ("memory", "free_memory", "free_disk"):
            lines.append(f" {pad(name, 18)} " + ("–" if value is None else f"{value / 1e9:.1f} GB"))
        else:
            lines.append(f" {pad(name, 18)} {plain(value)}")
    return "\n".join(lines)


def metrics(found: Sequence[Mapping[str, Any]], lang: str) -> str:
    """Return one measure a line: its full name, how people write it, what it is."""
    head = [say(k, lang) for k in ("T_metric", "T_title", "T_what")]
    widths = [max([12, *(wcswidth(m[key]) for m in found)]) for key in ("name", "title")]
    return table(head, [(m["name"], m["title"], m["what"]) for m in found], (*widths, 110))


def part_list(found: Mapping[str, Mapping[str, str]]) -> str:
    lines = []
    for kind, names in found.items():
        lines.append(kind)
        lines += [f"  {name:<22}{text}" for name, text in names.items()]
    return "\n".join(lines)
