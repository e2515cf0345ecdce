"""The page: one static file from the figures, in the dress of Steelyard's reports; no row of any table is in it."""

from __future__ import annotations

import re
from typing import Any

from benchmarks.evidence import figures, rules, summing
from benchmarks.evidence.detectors import BASE, DEFAULT
from benchmarks.evidence.figures import Line
from benchmarks.evidence.interactions import HEADLINE
from benchmarks.evidence.phrases import ANSWER, END, KIND, NOISE, SAY
from benchmarks.evidence.summing import GROUPS, Figures, of
from benchmarks.evidence.targets import targets
from benchmarks.evidence.weighing import SHARES
from benchmarks.evidence.writing import WEIGHED, of_code
from steelyard.page.markup import Html, Two, put, tag, text
from steelyard.page.render import STYLES, fingerprint, template
from steelyard.page.tables import Head, cell, table

MORE = """
.chart-cost { max-width: 760px; } .chart-curve { max-width: 560px; }
.curve.random { stroke: var(--faint); stroke-dasharray: 2 3; } .knot.random { fill: var(--faint); }
.held td:first-child, .missed td:first-child { max-width: 60ch; }
.missed .said { color: var(--warm); } .held .said { color: var(--calm); }
.about strong span::before { content: none; }
#again pre { white-space: pre-wrap; line-height: 1.6; }
.mine { background: var(--calm-wash); font-weight: 620; }
"""
SCORES = ("suspicion", "repaired", "in_sample_loss", "aum", "el2n", "self_influence", "cleanlab_normalized_margin",
          "cleanlab_adjusted_margin", "neighbours", "forgetting", "shuffled")  # fmt: skip
ARMS = ("soft_label", "gate", "relabel", "prune", "shuffled", "random_prune", "majority_fix")


def render(cells: Figures, commands: str) -> str:
    """Return the page of these figures. commands: how they are made again."""
    sections = [_targets(cells), _finding(cells), _meaning(cells), _worst(cells), _interactions(cells), _cost(cells),
                _weighting(cells), _curves(cells), _verdicts(cells), _not(), _again(cells, commands)]  # fmt: skip
    style, script = "\n".join(template(n) for n in STYLES) + MORE, template("page.js")
    policy = f"default-src 'none'; style-src '{fingerprint(style)}'; script-src '{fingerprint(script)}'"
    filled = {
        "lang": "en", "shown": "en", "title": "Steelyard: the evidence", "title_en": "Steelyard: the evidence",
        "title_zh": "Steelyard：证据", "policy": policy + "; base-uri 'none'; form-action 'none'", "style": style,
        "script": script, "masthead": tag("p", tag("strong", SAY["title"]), class_="about"),
        "contents": tag("nav", [tag("a", SAY[f"nav.{n}"], href=f"#{n}") for n in
                                ("targets", "finding", "weighting", "verdicts", "limits", "again")]),
        "sections": Html("\n".join(s for s in sections if s)), "foot": put(SAY["foot"]),
        "theme": tag("button", SAY["theme"], type="button", id="theme", hidden=True), "facts": Html("{}"),
    }  # fmt: skip
    return re.sub(r"\{\{(\w+)\}\}", lambda m: str(filled[m[1]]), template("page.html")) + "\n"


def _targets(cells: Figures) -> Html:
    body = [
        tag("tr", cell(Two(t.en, t.zh)), cell(t.figure, "num"), cell(SAY["held" if t.held else "missed"], "said"),
            class_="held" if t.held else "missed")
        for t in targets(cells)
    ]  # fmt: skip
    heads = [Head(SAY["target"]), Head(SAY["figure"], "num"), Head("")]
    return _section("targets", tag("p", SAY["lede"], class_="lede"), table(SAY["targets"], heads, body))


def _finding(cells: Figures) -> Html:
    charts = []
    for group, rungs in GROUPS.items():
        chosen = of(cells, "detection", rungs)
        lines = [
            Line(n, summing.lead(chosen, n), n == "shuffled")
            for n in SCORES
            if chosen and all(n in c["scores"] for c in chosen)
        ]
        if not lines:
            continue
        count = len({c["cell"]["table"] for c in chosen})
        charts.append(tag("h3", NOISE[group]))
        told = SAY["tables" if count > 1 else "one table"]
        charts.append(tag("p", told.en.format(n=count), class_="note en", lang="en"))
        charts.append(tag("p", told.zh.format(n=count), class_="note zh", lang="zh-Hans"))
        drawn = figures.intervals(
            f"lead-{group.replace(' ', '-')}", lines, NOISE[group], SAY["lead.axis"], (-0.3, 0.16)
        )
        charts.append(tag("figure", tag("div", drawn, class_="scroll")))
    return _section("finding", tag("p", SAY["finding.lede"], class_="lede"), charts)


def _meaning(cells: Figures) -> Html:
    """What the tier that reads meaning finds beyond the out-of-fold loss of models of words, on the same rows."""
    charts = []
    for group in ("people", "by row", "uniform"):
        there = summing.beside(cells, GROUPS[group], "embed", ("quick",))
        if not there:
            continue
        names = {"embed: suspicion": DEFAULT, f"embed: {BASE}": BASE, "quick: suspicion": f"quick {DEFAULT}"}
        lines = [Line(said, summing.lead(there, n, f"quick {BASE}"), False) for said, n in names.items()]
        charts.append(tag("h4", NOISE[group]))
        drawn = figures.intervals(
            f"meant-{group.replace(' ', '-')}", lines, NOISE[group], SAY["meaning.axis"], (-0.1, 0.2)
        )
        charts.append(tag("figure", tag("div", drawn, class_="scroll")))
    if not charts:
        return Html("")
    return tag("section", tag("h3", SAY["meaning"]), tag("p", SAY["meaning.lede"], class_="lede"), charts, id="meaning")


def _worst(cells: Figures) -> Html:
    found = summing.worst_table(cells)
    if not found:
        return Html("")
    body = [
        tag("tr", cell(name), cell(f"{w['least']:.3f}", "num"), cell(w["where"]),
            *(cell(f"{w[k]:.3f}" if k in w else "", "num") for k in ("class_auc_worst", "slice_auc_worst")))
        for name, w in found.items()
    ]  # fmt: skip
    heads = [Head(SAY["score"]), Head(SAY["least"], "num"), Head(SAY["where"]), Head(SAY["worst.class"], "num"),
             Head(SAY["worst.slice"], "num")]  # fmt: skip
    return tag("section", tag("h3", SAY["worst"]), tag("p", SAY["worst.lede"], class_="lede"),
               table(SAY["worst"], heads, body), id="worst")  # fmt: skip


def _interactions(cells: Figures) -> Html:
    chosen = of(cells, "interactions")
    if not chosen:
        return Html("")
    body = [
        tag("tr", cell(c["cell"]["table"]), cell(f"{c['cell']['rung']}, {c['cell']['seed']}"),
            cell(f"{c['scores'][HEADLINE]['auc']:.3f}", "num"),
            cell("{:+.3f} [{:+.3f}, {:+.3f}]".format(*c["lead"]), "num"))
        for c in chosen
    ]  # fmt: skip
    heads = [Head(SAY["table"]), Head(SAY["reader"]), Head("AUROC", "num"), Head(SAY["lead"], "num")]
    return tag("section", tag("h3", SAY["people"]), tag("p", SAY["people.lede"], class_="lede"),
               table(SAY["people"], heads, body), tag("p", SAY["elsewhere"], class_="note"), id="people")  # fmt: skip


def _cost(cells: Figures) -> Html:
    known = of(cells, "detection", GROUPS["people"] + GROUPS["by row"])
    if not known:
        return Html("")
    found = summing.detection(known)
    points = [(n, f["cost"], f["ap"]) for n, f in found.items() if n != "shuffled"]
    drawn = figures.scatter("cost", points, SAY["cost"], SAY["cost.axis"], SAY["cost.up"])
    return tag("section", tag("h3", SAY["cost"]), tag("figure", tag("div", drawn, class_="scroll"),
               tag("figcaption", SAY["cost.caption"])), id="cost")  # fmt: skip


def _weighting(cells: Figures) -> Html:
    charts = []
    for group, rungs in WEIGHED.items():
        chosen = [c for c in of(cells, "weighting", rungs) if c["rows"] >= rules.TINY]
        if not chosen:
            continue
        clean = group == "clean"
        lines = []
        for arm in ARMS:
            there = [c for c in chosen if arm in c["arms"]]
            if there:
                control = arm in ("shuffled", "random_prune", "majority_fix")
                mean = _points(summing.gains(there, arm)) if clean else summing.recovered(there, arm)
                lines.append(Line(arm, mean, control))
        charts.append(tag("h3", NOISE[group]))
        axis = SAY["clean.axis"] if clean else SAY["recovered.axis"]
        reach = (-2.0, 1.0) if clean else (-0.6, 1.2)
        charts.append(tag("figure", tag("div", figures.intervals(f"arms-{group.replace(' ', '-')}", lines, NOISE[group],
                          axis, reach, 1), class_="scroll")))  # fmt: skip
    return _section("weighting", tag("p", SAY["weighting.lede"], class_="lede"), charts) if charts else Html("")


def _curves(cells: Figures) -> Html:
    drawn = []
    for n, c in enumerate(of(cells, "curves")):
        lines = {
            end: [100 * c["arms"][f"{end}_{s}"]["delta"][0] for s in SHARES] for end in ("most", "least", "random")
        }
        name = c["cell"]["table"]
        chart = figures.curves(f"curve curve-{n}", lines, SHARES, Two(name, name), END.__getitem__)
        drawn.append(tag("figure", tag("h3", f"{name}, {c['cell']['rung']}"), chart))
    if not drawn:
        return Html("")
    return tag("section", tag("h3", SAY["curves"]), tag("p", SAY["curves.lede"], class_="lede"),
               tag("div", drawn, class_="figures"), id="curves")  # fmt: skip


def _verdicts(cells: Figures) -> Html:
    chosen = of(cells, "weighting")
    if not chosen:
        return Html("")
    found = summing.verdicts(chosen)
    asked = {"tiny": ("cannot_tell",), "clean": ("keep_uniform",), "much": rules.ACT,
             "nothing": ("keep_uniform", "cannot_tell"), "between": ("cannot_tell", *rules.ACT)}  # fmt: skip
    body = [
        tag("tr", cell(KIND[kind]), [cell(str(n or ""), "num mine" if a in asked[kind] else "num")
                                     for a, n in line.items()])
        for kind, line in found["confusion"].items()
    ]  # fmt: skip
    heads = [Head(SAY["kind"]), *(Head(ANSWER[a], "num") for a in rules.ALL)]
    share = f"{found['right']} / {found['cells']} ({found['right'] / found['cells']:.0%})"
    wrong = "; ".join(f"{w['cell']['table']}, {w['cell']['rung']}: {w['answer']}" for w in found["wrong"])
    known, asked = f" {found['known']} / {found['fixed']}, ", f" {found['asked']} / {found['fixed']}. "
    return _section("verdicts", tag("p", SAY["verdicts.lede"], class_="lede"),
                    tag("p", SAY["right"], " ", share, ". ", SAY["known"], known, SAY["strict"], asked, SAY["acted"],
                        f" {found['acted']}. ", SAY["wrong"], " ", wrong or "–", class_="lede"),
                    table(SAY["nav.verdicts"], heads, body))  # fmt: skip


def _not() -> Html:
    return _section("limits", tag("ul", [tag("li", SAY[k], class_="lede") for k in SAY if k.startswith("not.")]))


def _again(cells: Figures, commands: str) -> Html:
    lines = Html("\n".join(text(line) for line in commands.splitlines()))
    return _section("again", tag("p", SAY["again.lede"], class_="lede"), tag("pre", lines),
                    tag("p", of_code(cells).replace("`", ""), class_="note"))  # fmt: skip


def _section(name: str, *children: Any) -> Html:
    return tag("section", tag("h2", SAY[f"nav.{name}"]), *children, id=name)


def _points(m: summing.Mean) -> summing.Mean:
    return summing.Mean(100 * m.value, 100 * m.low, 100 * m.high, m.n)
