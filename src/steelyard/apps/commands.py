"""What each verb of the command line does: call the api, draw the value, or print it as JSON."""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Callable, Mapping
from typing import Any

from steelyard import api, leaving, review
from steelyard.apps import draw, draw_review
from steelyard.apps.cli import as_said, gate, inconclusive, reading_options
from steelyard.apps.live import Live
from steelyard.errors import UsageError
from steelyard.machine import machine
from steelyard.taken import Taken

#: What a score run says of itself in one object.
SUMMARY = (
    "rows", "groups", "labelled", "flagged", "contradicted", "benefit", "error_rate", "out_of_fold", "reviewed",
    "calibration", "planted", "marks", "unseen_clicks", "disagreement", "model", "columns",
)  # fmt: skip

#: What a score run of interactions says of itself.
TAKEN = ("rows", "labelled", "users", "items", "place", "reviewed", "propensity", "views", "model", "columns")


def _out(args: argparse.Namespace, schema: str, body: dict[str, Any], text: Callable[[], str]) -> None:
    """Print one JSON object, or the drawing for people. An error that follows has the exit code and stderr."""
    if args.json:
        whole = {"schema": f"steelyard.{schema}", **finite(body)}
        print(json.dumps(whole, ensure_ascii=False, allow_nan=False, default=str))
        args.answered = True
    else:
        print(text())


def finite(value: Any) -> Any:
    """Return the same JSON value with null for numbers that JSON cannot write (NaN, infinity)."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(k): finite(v) for k, v in value.items()}
    return [finite(v) for v in value] if isinstance(value, list | tuple) else value


def check(args: argparse.Namespace) -> int:
    found = api.check(args.data, strict=args.strict, **reading_options(args))
    body = {k: v for k, v in found.to_dict().items() if k != "schema"}
    _out(args, "check/1", body, lambda: draw.checkup(found, args.lang, as_said(args)))
    found.raise_for_errors()
    return 0


def score(args: argparse.Namespace) -> int:
    options = reading_options(args)
    if args.dry_run:
        found = api.check(args.data, **options)
        _out(args, "estimate/1", {"estimates": found.to_dict()["estimates"]}, lambda: draw.estimates(found, args.lang))
        return 0
    scored = api.score(
        args.data,
        tier=args.tier,
        seed=args.seed,
        folds=args.folds,
        model=args.model,
        epochs=args.epochs,
        batch_size=args.batch_size,
        learning_rate=args.learning_rate,
        tuning=args.tuning,
        architecture=args.architecture,
        precision=args.precision,
        max_length=args.max_length,
        trackers=_trackers(args.trackers),
        run_dir=args.run_dir,
        progress=Live(args),
        **options,
    )
    info = scored.info
    body: dict[str, Any] = {"run": scored.run.path.name, "id": scored.id, "path": str(scored.run.path)}
    if isinstance(scored, Taken):
        body |= {k: info.get(k) for k in TAKEN}
        _out(args, "taken/1", body, lambda: draw.taken(scored, args.lang))
        return 0
    body.update({k: info.get(k) for k in SUMMARY})
    _out(args, "score/1", body, lambda: draw.scored(scored, args.lang))
    return 0


def _trackers(text: str | None) -> list[str] | None:
    """Return the names in ``a,b``; none for ``none``, None where nothing was said."""
    return None if text is None else [t.strip() for t in text.split(",") if t.strip() not in ("", "none")]


def compare(args: argparse.Namespace) -> int:
    judge = gate(args.fail_on, ("answer", "gain")) if args.fail_on else None
    result = api.compare(
        args.run,
        seeds=args.seeds,
        metric=args.metric,
        model=args.model,
        arms=[a.strip() for a in args.arms.split(",") if a.strip()] if args.arms else (),
        candidates=args.candidates,
        min_gain=args.min_gain,
        interest=args.interest,
        max_rows=args.max_rows,
        run_dir=args.run_dir,
        progress=Live(args),
    )
    body = {k: v for k, v in result.as_dict().items() if k != "schema"}
    _out(args, "compare/1", body, lambda: draw.comparison(result, args.lang))
    if judge:
        best = max((a.delta.value for a in result.arms if not a.control), default=0.0)
        judge({"answer": result.answer, "gain": best})
    if args.require_verdict:
        inconclusive(result.answer)
    return 0


def show(args: argparse.Namespace) -> int:
    scored = api.open_run(args.run, args.run_dir)
    if args.what in ("row", "query") and not args.key:
        raise UsageError("U133", what=args.what)
    mask = not args.unmask
    if args.what == "slices":
        every = scored.slices()
        body = {"slices": every[: args.n], "total": len(every)}
        taken = isinstance(scored, Taken)
        drawn = draw.taken_slices if taken else draw.slices
        _out(args, f"{'taken_' * taken}slices/1", body, lambda: drawn(every[: args.n], args.lang, len(every)))
    elif args.what == "info":
        _out(args, "info/1", {"info": scored.info}, lambda: draw.info(scored, args.lang))
    else:
        rows = (
            scored.top(args.n, mask=mask) if args.what == "top"
            else scored.query(args.key, mask=mask) if args.what == "query"
            else [scored.row(args.key, mask=mask)]
        )  # fmt: skip
        if isinstance(scored, Taken):
            _out(args, "taken_rows/1", {"rows": rows}, lambda: draw.taken_rows(rows, args.lang))
            return 0
        _out(args, "rows/1", {"rows": rows}, lambda: draw.rows(rows, args.lang, whole=args.what == "row"))
    return 0


def export(args: argparse.Namespace) -> int:
    if args.what == "report":
        path = leaving.report(args.run, args.out, lang=args.lang, run_dir=args.run_dir)
    else:
        asked = {"policy": args.policy, "fdr": args.fdr, "confidence": args.confidence}
        path = leaving.export(args.run, args.what, to=args.to, path=args.out, run_dir=args.run_dir, **asked)
    if args.what == "flags":
        told = api.open_run(args.run, args.run_dir).run.read_json("flags.json")
        _out(args, "flags/1", {"path": str(path), **told}, lambda: draw_review.flags(told, str(path), args.lang))
        return 0
    _out(args, "export/1", {"path": str(path)}, lambda: str(path))
    return 0


def pick(args: argparse.Namespace) -> int:
    queue = review.pick(
        args.run,
        budget=args.budget,
        random=args.random,
        controls=args.controls,
        annotators=[a.strip() for a in (args.annotators or "").split(",") if a.strip()],
        show_label=args.show_label,
        mask=not args.unmask,
        seed=args.seed,
        path=args.out,
        run_dir=args.run_dir,
    )
    body = queue.as_dict()
    _out(args, "pick/1", body, lambda: draw_review.queue(body, args.run, args.lang))
    return 0


def merge(args: argparse.Namespace) -> int:
    body = review.merge(args.run, args.files, path=args.out, replace=args.replace, run_dir=args.run_dir).as_dict()
    _out(args, "merge/1", body, lambda: draw_review.merged(body, args.run, args.lang))
    return 0


def demo(args: argparse.Namespace) -> int:
    from steelyard.demonstration import running

    scored, result, report = running.demo(run_dir=args.run_dir, progress=Live(args), seed=args.seed)
    taken = running.demo_taken(run_dir=args.run_dir, progress=Live(args), seed=args.seed)
    deep = None if args.quick else running.demo_full(run_dir=args.run_dir, progress=Live(args), seed=args.seed)
    body = {"run": scored.run.path.name, "reviewed": scored.info["reviewed"], "answer": result.answer}
    visits, verdict, visits_report = taken
    told = {"run": visits.run.path.name, "reviewed": visits.info["reviewed"], "answer": verdict.answer}
    body |= {"report": str(report), "interactions": {**told, "report": str(visits_report)}, "full": None}
    if deep:
        run, page = deep
        body["full"] = {"run": run.run.path.name, "reviewed": run.info["reviewed"], "report": str(page)}
    _out(args, "demo/1", body, lambda: draw.demo(scored, result, report, taken, deep, args.lang))
    return 0


def runs(args: argparse.Namespace) -> int:
    found = [{"name": r.path.name, "path": str(r.path), "verb": r.plan.verb, "done": r.has("scores.parquet")}
             for r in api.runs(args.run_dir)]  # fmt: skip
    _out(args, "runs/1", {"runs": found}, lambda: draw.runs(found, args.lang))
    return 0


def list_parts(args: argparse.Namespace) -> int:
    from steelyard import parts

    kinds = [args.kind] if args.kind else sorted(parts.KINDS)
    if args.kind and args.kind not in parts.KINDS:
        raise UsageError("U134", name=args.kind, known=", ".join(sorted(parts.KINDS)))
    found = {kind: {name: parts.describe(kind, name) for name in parts.names(kind)} for kind in kinds}
    _out(args, "list/1", {"parts": found}, lambda: draw.part_list(found))
    return 0


def doctor(args: argparse.Namespace) -> int:
    facts = machine()
    _out(args, "doctor/1", facts, lambda: draw.machine(facts))
    return 0


def metrics(args: argparse.Namespace) -> int:
    found = api.metrics(args.name, like=args.like)
    _out(args, "metrics/1", {"like": args.like, "metrics": found}, lambda: draw.metrics(found, args.lang))
    return 0


VERBS: dict[str, Callable[[argparse.Namespace], int]] = {
    "check": check,
    "compare": compare,
    "demo": demo,
    "doctor": doctor,
    "export": export,
    "list": list_parts,
    "merge": merge,
    "metrics": metrics,
    "pick": pick,
    "runs": runs,
    "score": score,
    "show": show,
}
