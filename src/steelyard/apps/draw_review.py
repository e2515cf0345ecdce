"""The review of a run as text for a terminal: the queue, what came back, the list of flags."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from steelyard.apps.draw import number, table
from steelyard.scored import merged_reviews
from steelyard.wording import say


def queue(found: Mapping[str, Any], run: str, lang: str) -> str:
    """Return what a queue holds, the labels to choose from, its files and the next command."""
    lines = [say("T_queue", lang, **{k: found[k] for k in ("rows", "suspect", "random", "control", "eligible")})]
    if found["near"]:
        lines.append(say("T_queue_near", lang, near=found["near"]))
    lines.append(say("T_queue_labels", lang, labels=" | ".join(found["labels"][:30])))
    lines += [say("T_file", lang, path=path) for path in found["paths"]]
    files = " ".join(found["paths"])
    return "\n".join([*lines, say("T_next", lang, command=f"steelyard merge {run} {files}")])


def merged(found: Mapping[str, Any], run: str, lang: str) -> str:
    """Return who answered how, how far they agree, what changed, and how right the suspicion was."""
    told = {k: found[k] for k in ("answers", "rows", "empty", "repeated")}
    lines = [say("T_merged", lang, people=len(found["people"]), **told)]
    head = [say(k, lang) for k in ("T_person", "T_answers", "T_controls", "T_interval", "T_with_others")]
    body = [_person(p) for p in found["people"]]
    lines.append(table(head, body, (24, 8, 10, 14, 12), right=(1, 2, 4)))
    agreement = found["agreement"]
    if agreement:
        alpha = "–" if agreement["alpha"] is None else f"{agreement['alpha']:.2f}"
        lines.append(say("T_agreement", lang, alpha=alpha, equal=agreement["equal"], pairs=agreement["pairs"]))
    lines.append(say("T_merged_labels", lang, **{k: found[k] for k in ("changed", "confirmed", "not_edited")}))
    if found["conflicts"]:
        lines.append(say("T_conflicts", lang, count=found["conflicts_count"], path=found["conflicts"]))
    if found["doubted_controls"]:
        keys = ", ".join(found["doubted_controls"][:5])
        lines.append(say("T_doubted", lang, count=len(found["doubted_controls"]), keys=keys))
    lines += [f" {say(code, lang, **facts)}" for code, facts in merged_reviews(found)]
    lines.append(say("T_file", lang, path=found["path"]))
    return "\n".join([*lines, say("T_next", lang, command=f"steelyard export {run} flags --fdr 0.1")])


def _person(found: Mapping[str, Any]) -> tuple[str, ...]:
    low, high = found["controls_low"], found["controls_high"]
    interval = f"[{low:.0%}, {high:.0%}]" if found["controls"] else "–"
    right = f"{found['controls_right']}/{found['controls']}"
    return found["annotator"], f"{found['answers']:,}", right, interval, number(found["with_others"], 2)


def flags(found: Mapping[str, Any], path: str, lang: str) -> str:
    """Return what may be said of a list of flags, and where it lies."""
    facts = {k: found[k] for k in ("rows", "fdr", "confidence", "reviewed", "right", "enough")}
    code = "T_flags_mean" if found["confidence"] is None else "T_flags_sure"
    lines = [say(code if found["rows"] else "T_flags_none", lang, **facts)]
    lines += [say("T_flags_gold", lang)] if found["by"] == "gold" else []
    lines += [say("T_flags_open", lang, **found)] if found["open"] else []
    return "\n".join([*lines, say("T_file", lang, path=path)])
