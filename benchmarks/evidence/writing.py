"""The tables: from figures to RESULTS.md, one table a question."""

from __future__ import annotations

from collections import Counter
from typing import Any

from _results import keep, rows
from benchmarks.evidence import rules, summing
from benchmarks.evidence.detectors import BASE, DEFAULT
from benchmarks.evidence.interactions import HEADLINE
from benchmarks.evidence.summing import GROUPS, Figures, of

COMMAND = "python -m benchmarks.evidence"
ARMS = ("gate", "gate_unshrunk", "soft_label", "relabel", "prune", "uniform", "shuffled", "random_prune",
        "majority_fix", "loss_proportional", "proportional", "oracle")  # fmt: skip
#: Rungs of arms, in the order of the table.
WEIGHED = {"people": GROUPS["people"], "by row": GROUPS["by row"], "by class": GROUPS["by class"],
           "uniform": ("uniform_20", "uniform_40"), "token": GROUPS["token"], "clean": ("clean",)}  # fmt: skip


def write(cells: Figures) -> None:
    """Put every table that has figures into RESULTS.md."""
    for title, (table, notes) in tables(cells).items():
        keep(f"Evidence: {title}", COMMAND, table, notes + f"\n{of_code(cells)}\n")


def of_code(cells: Figures) -> str:
    """Return which code made which cells, and what they took."""
    made = Counter((c["code"], c["cell"]["kind"]) for c in cells)
    minutes = sum(c["processor_seconds"] for c in cells) / 60
    each = ", ".join(f"{n} of {kind} by code `{code}`" for (code, kind), n in sorted(made.items()))
    return f"Cells: {each}; {minutes:.0f} minutes of one processor."


def tables(cells: Figures) -> dict[str, tuple[str, str]]:
    """Return title -> (table, notes) of everything that has figures."""
    made = {
        "finding wrong labels": finding(cells),
        "what a score finds beyond the out-of-fold loss": leading(cells),
        "what reading meaning finds": meaning(cells),
        "the worst cell of each score": worst(cells),
        "words that labels came with": marking(cells),
        "average precision of every cell": every(cells),
        "what arms gain": arming(cells),
        "arms of every table": every_arm(cells),
        "training without a part of the rows": curving(cells),
        "verdicts": verdicts(cells),
        "interactions": interactions(cells),
    }
    return {title: found for title, found in made.items() if found[0]}


def finding(cells: Figures) -> tuple[str, str]:
    body = []
    for tier in ("quick", "embed"):
        for group, rungs in GROUPS.items():
            chosen = of(cells, "detection", rungs, tier)
            if not chosen:
                continue
            count = len({c["cell"]["table"] for c in chosen})
            for name, f in summing.detection(chosen).items():
                line = [f[k] for k in ("ap", "lift", "auc", "p@1%", "p@5%", "p@10%", "p@count", "cost")]
                label = group if tier == "quick" else f"{group}, embed"
                body.append([label, count, name, *(f"{v:.3f}" for v in line[:-1]), f"{line[-1]:.1f}"])
    head = ["noise", "tables", "score", "AP", "lift", "AUROC", "P@1%", "P@5%", "P@10%", "P@count", "cost"]
    notes = (
        "\nMeans over tables. Lift: AP over the share of wrong rows. Cost: processor time with the training of one "
        "model, over that training alone. disputed: rows that raters disputed, which need not be wrong.\n"
    )
    return (rows(head, body) if body else "", notes)


def leading(cells: Figures) -> tuple[str, str]:
    names = [DEFAULT, "repaired", "aum", "in_sample_loss", "el2n", "self_influence", "forgetting", "neighbours",
             "cleanlab_normalized_margin", "cleanlab_adjusted_margin", "shuffled"]  # fmt: skip
    body = []
    for tier in ("quick", "embed"):
        for name in names:
            line: list[object] = [name if tier == "quick" else f"{name}, embed"]
            for rungs in GROUPS.values():
                chosen = [c for c in of(cells, "detection", rungs, tier) if name in c["scores"]]
                line.append(summing.lead(chosen, name) if chosen else "")
            if any(line[1:]):
                body.append(line)
    notes = f"\nAP minus that of `{BASE}` on the same rows and folds, mean over tables [95%, Student's over tables].\n"
    return (rows(["score", *GROUPS], body) if body else "", notes)


#: Tier, the tiers before it, a score of it -> what that is measured against.
MEANT = {
    ("embed", ("quick",), DEFAULT): (f"quick {BASE}", f"quick {DEFAULT}", BASE),
    ("embed", ("quick",), BASE): (f"quick {BASE}",),
    ("full", ("quick", "embed"), DEFAULT): (f"quick {BASE}", f"embed {DEFAULT}", "network_loss"),
    ("full", ("quick", "embed"), "network_loss"): (f"quick {BASE}", f"embed {DEFAULT}"),
}


def meaning(cells: Figures) -> tuple[str, str]:
    """By tier and noise: AP, what it takes in trainings of the network, and the lead over scores of other tiers."""
    body = []
    for (tier, others, name), rivals in MEANT.items():
        for group in ("people", "by row", "uniform"):
            there = summing.beside(cells, GROUPS[group], tier, others)
            ap, took = (summing.mean(there, name, figure) for figure in ("ap", "trainings"))
            for over in rivals if there else ():
                lead = summing.lead(there, name, over)
                body.append([tier, group, lead.n, name, f"{ap:.3f}", f"{took:.2f}", over, lead])
    notes = (
        "\nEnglish texts, and pairs that a crowd judged. embed: a frozen encoder reads every text once, in bf16; full: "
        "that, and networks fine-tuned blind to each of three folds, on fewer rows. trainings: processor time with one "
        "fine-tuning of that network (three epochs, fp32), over it, from ten timed batches and 256 texts read. lead: "
        "AP over that score on the same rows and noise, mean over tables [95%, Student's over tables].\n"
    )
    return (rows(["tier", "noise", "tables", "score", "AP", "trainings", "over", "lead"], body) if body else "", notes)


def worst(cells: Figures) -> tuple[str, str]:
    parts = ("class_auc_mean", "class_auc_worst", "slice_auc_mean", "slice_auc_worst")
    body = [
        [name, f"{w['least']:.3f}", w["where"], *(f"{w[k]:.3f}" if k in w else "" for k in parts)]
        for name, w in summing.worst_table(cells).items()
    ]
    notes = (
        "\nOver all cells with known wrong rows. Within classes, and within slices (an airline, a shop category): "
        "AUROC, of the mean one and of the worst one that has 10 wrong rows and 10 right ones, mean over tables.\n"
    )
    head = ["score", "least AUROC", "where", "within classes", "in the worst", "within slices", "in the worst slice"]
    return (rows(head, body) if body else "", notes)


def marking(cells: Figures) -> tuple[str, str]:
    """By noise: in how many tables of texts a word was named, and of its rows how many were wrong."""
    body = []
    texts = summing.of_texts(cells)
    for rung in dict.fromkeys(c["cell"]["rung"] for c in texts):
        there = [c for c in texts if c["cell"]["rung"] == rung]
        named = [c["marked"] for c in there if c["marked"]["rows"]]
        rows_, wrong = sum(m["rows"] for m in named), sum(m["wrong"] for m in named)
        body.append([rung, len(there), len(named), rows_ or "", f"{wrong / rows_:.1%}" if rows_ else ""])
    notes = "\nIn tables of texts, quick tier. A token is planted where the noise is an artefact_token, nowhere else.\n"
    return (rows(["noise", "cells", "a word named in", "rows", "of them wrong"], body) if body else "", notes)


def every(cells: Figures) -> tuple[str, str]:
    body = []
    for c in sorted(of(cells, "detection") + of(cells, "detection", tier="embed"), key=_order):
        f, own = c["scores"], c["cell"]
        line = [f[DEFAULT]["auc"], *(f[n]["ap"] for n in (DEFAULT, BASE, "aum", "neighbours"))]
        body.append(
            [
                own["table"],
                own["rung"],
                own["tier"],
                own["seed"],
                c["rows"],
                f"{c['wrong']:.1%}",
                f"{c['accuracy']:.3f}",
            ]
            + [f"{v:.3f}" for v in line]
        )
    head = ["table", "noise", "tier", "seed", "rows", "wrong", "agrees", f"{DEFAULT}: AUROC", f"{DEFAULT}: AP",
            f"{BASE}: AP", "aum: AP", "neighbours: AP"]  # fmt: skip
    return (rows(head, body) if body else "", "\nagrees: share of given labels that the held-out models give too.\n")


def arming(cells: Figures) -> tuple[str, str]:
    body = []
    for group, rungs in WEIGHED.items():
        chosen = _weighed(cells, rungs)
        for arm in ARMS:
            there = [c for c in chosen if arm in c["arms"]]
            if not there:
                continue
            share = summing.recovered(there, arm) if group != "clean" and arm != "oracle" else None
            kept = [c for c in there if "shuffled" in c["arms"]]
            beyond = summing.gains(kept, arm, "shuffled") if arm not in ("shuffled", "oracle", "uniform") else None
            body.append([
                group, len({c["cell"]["table"] for c in there}), arm, summing.points(summing.gains(there, arm)),
                "" if share is None or share.value != share.value else summing.share(share),
                "" if beyond is None else summing.points(beyond),
                len(summing.below_control(there, arm)),
            ])  # fmt: skip
    head = ["noise", "tables", "arm", "over uniform, early stop", "recovered", "over shuffled", "cells below control"]
    notes = (
        "\nIn points (hundredths of the table's own measure), mean over tables [95%, Student's over tables]. "
        "recovered: the arm's gain over the oracle's, both summed over tables [95%, tables drawn with replacement].\n"
    )
    return (rows(head, body) if body else "", notes)


def every_arm(cells: Figures) -> tuple[str, str]:
    names = ("gate", "soft_label", "relabel", "prune", "shuffled", "oracle")
    body = []
    for c in sorted(of(cells, "weighting"), key=_order):
        own = c["cell"]
        gains = [f"{100 * c['arms'][n]['delta'][0]:+.2f}" if n in c["arms"] else "" for n in names]
        right = "yes" if rules.is_right(own["rung"], c) else "no"
        where = [own["table"], own["rung"], c["rows"], c["model"], c["measure"], f"{c['arms'][_BASE]['value']:.4f}"]
        body.append([*where, *gains, c["answer"], rules.kind(own["rung"], c), right])
    head = ["table", "noise", "rows", "model", "measure", "early stop", *names, "verdict", "kind", "right"]
    return (rows(head, body) if body else "", "\nDifferences from uniform with early stopping, in points.\n")


def curving(cells: Figures) -> tuple[str, str]:
    body = []
    for c in of(cells, "curves"):
        for end in ("most", "least", "random"):
            line = [c["arms"][f"{end}_{s}"]["delta"] for s in (0.05, 0.1, 0.2, 0.3, 0.4, 0.5)]
            body.append([c["cell"]["table"], c["cell"]["rung"], end, *(f"{100 * d[0]:+.2f}" for d in line)])
    head = ["table", "noise", "dropped first", "5%", "10%", "20%", "30%", "40%", "50%"]
    notes = "\nDifference from training on all rows (early stop), in points, without that share of the rows.\n"
    return (rows(head, body) if body else "", notes)


def verdicts(cells: Figures) -> tuple[str, str]:
    chosen = of(cells, "weighting")
    if not chosen:
        return "", ""
    found = summing.verdicts(chosen)
    body = [[kind, *(n or "" for n in line.values())] for kind, line in found["confusion"].items()]
    wrong = "; ".join(f"{w['cell']['table']}, {w['cell']['rung']}: `{w['answer']}`" for w in found["wrong"])
    notes = (
        f"\n{found['right']} of {found['cells']} cells right ({found['right'] / found['cells']:.0%}) by the rules in "
        f"`benchmarks/evidence/rules.py`, which allow `cannot_tell` where the test is too small. Of the kinds much, "
        f"clean and tiny, whose answer is known by how they were made: {found['known']} of {found['fixed']}, without "
        f"allowance {found['asked']}. Verdicts to act on clean or tiny tables: {found['acted']}. "
        f"Wrong: {wrong or 'none'}.\n"
    )
    return rows(["kind of cell", *rules.ALL], body), notes


def interactions(cells: Figures) -> tuple[str, str]:
    body = [
        [c["cell"]["table"], c["cell"]["rung"], c["cell"]["seed"], f"{c['wrong']:.1%}", name, f"{f['auc']:.3f}",
         f"{f['ap']:.3f}", "{:+.3f} [{:+.3f}, {:+.3f}]".format(*c["lead"]) if name == HEADLINE else ""]
        for c in of(cells, "interactions")
        for name, f in c["scores"].items()
    ]  # fmt: skip
    head = ["table", "read by", "seed", "wrong", "reading", "AUROC", "AP", "AUROC - in-sample loss [95%]"]
    notes = "\nwrong: ratings of 3 and less, which no reading sees. The interval is over users.\n"
    return (rows(head, body) if body else "", notes)


_BASE = "uniform_early_stop"


def _weighed(cells: Figures, rungs: tuple[str, ...]) -> Figures:
    """Return the comparisons of tables that are large enough to say anything."""
    return [c for c in of(cells, "weighting", rungs) if c["rows"] >= rules.TINY]


def _order(c: dict[str, Any]) -> tuple[Any, ...]:
    own = c["cell"]
    return own["tier"] != "quick", own["rung"], own["table"], own["rows"], own["seed"]
