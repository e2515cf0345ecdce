"""What leaves a run: the repaired table, weights, the rows to look at, a list with a bound, the report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from steelyard import compared, parts, recommendation, review
from steelyard.api import open_run
from steelyard.errors import UsageError
from steelyard.run import write_atomically
from steelyard.scored import Scored
from steelyard.taken import Taken


def export(
    run: Any,
    what: str,
    *,
    to: str | None = None,
    path: str | Path | None = None,
    policy: str | None = None,
    fdr: float | None = None,
    confidence: float | None = None,
    run_dir: str | Path | None = None,
) -> Path:
    """Write ``clean``, ``weights``, ``top``, ``flags`` or ``report`` and return where.

    clean: the table with repaired training labels, ``label_original`` beside them, no row lost; of interactions every
    row with its weight, its doubt and a mark where both views say mis-click. weights: row_key and
    weight by ``policy`` (default: what compare recommended, else gate). to: an Export part (``steelyard list
    exports``), by default parquet. Test rows are never repaired or weighted.
    flags: the rows of which at most the share ``fdr`` (by default 0.1) has a right label after all, on average over
    reviews, or with ``confidence`` in this one; it needs reviewed rows drawn by chance (``pick``, or a column gold).
    ``flags.json`` beside the run says on what the list rests.
    """
    scored = open_run(run, run_dir)
    if what != "flags" and (fdr is not None or confidence is not None):
        raise UsageError("U189", what=what)
    if what == "report":
        return report(scored, path)
    from steelyard.acts import exporting

    writer = parts.make("exports", to or _export_for(path))
    if isinstance(scored, Taken) and what in ("weights", "clean"):
        leave = recommendation.clean if what == "clean" else recommendation.weights
        table = leave(scored, policy or _recommended(scored))
    elif what == "weights":
        chosen = policy or _recommended(scored) or "gate"
        table = exporting.weights(scored.readings, scored.samples.split, parts.make("policies", chosen))
    elif what == "clean":
        from steelyard.acts.reading import raw

        whole = None if scored.run.has("source.parquet") else raw(scored.samples.origin)
        table = exporting.clean(scored.samples, scored.table, scored.info["columns"], whole)
    elif what == "top":
        table = exporting.top(scored.top(1000))
    elif what == "flags":
        table, told = review.listed(scored, 0.1 if fdr is None else fdr, confidence)
        scored.run.write_json("flags.json", {"schema": "steelyard.flags/1", **told})
    else:
        raise UsageError("U141", name=what, known="clean, weights, top, flags, report")
    target = Path(path) if path else scored.run.path / f"{what}{writer.suffix}"
    write_atomically(target, lambda p: writer.write(table, p))
    return target


def report(run: Any, path: str | Path | None = None, *, lang: str = "en", run_dir: str | Path | None = None) -> Path:
    """Write the report of a run: one offline HTML file (or Markdown, for a path that ends in .md); returns where."""
    from steelyard import reporting

    scored = open_run(run, run_dir)
    target = Path(path) if path else scored.run.path / "report.html"
    text = reporting.write(scored, markdown=target.suffix == ".md", lang=lang)
    write_atomically(target, lambda p: p.write_text(text, encoding="utf-8"))
    return target


def _recommended(scored: Scored) -> str | None:
    found = compared.latest(scored.run)
    return found.recommended if found else None


def _export_for(path: str | Path | None) -> str:
    suffix = Path(path).suffix.lower() if path else ".parquet"
    return {".csv": "csv", ".jsonl": "jsonl", ".tsv": "csv"}.get(suffix, "parquet")
