"""The command line: builds a call, lets the api do it, draws what comes back."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NoReturn

os.environ.setdefault("OMP_WAIT_POLICY", "passive")

from steelyard.errors import (
    DataErrors,
    EnvironmentProblem,
    GateFailed,
    Inconclusive,
    Interrupted,
    SteelyardError,
    UsageError,
)
from steelyard.version import VERSION
from steelyard.wording import choose_language

VERBS = ("demo", "check", "score", "compare", "show", "pick", "merge", "export", "runs", "list", "metrics", "doctor")


def main(argv: list[str] | None = None) -> int:
    """Run one command and return its exit code: 0 done, 1 gate, 2 usage, 3 data, 4 environment, 5 no verdict, 130."""
    words = sys.argv[1:] if argv is None else argv
    try:
        args = parser().parse_args(words)
    except SteelyardError as e:
        return _fail(e, _guessed(words))
    args.lang = choose_language(args.lang)
    if not args.verb:
        parser().print_help()
        return 0
    if args.threads:
        os.environ["OMP_NUM_THREADS"] = os.environ["STEELYARD_PROCESSES"] = str(args.threads)
    try:
        return _dispatch(args)
    except SteelyardError as e:
        return _fail(e, args)
    except KeyboardInterrupt:
        return _fail(Interrupted("I130"), args)
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except MemoryError:
        return _fail(EnvironmentProblem("E224"), args)
    except Exception as e:
        return _unexpected(e, args)


class Parser(argparse.ArgumentParser):
    """A parser whose errors are ours: coded, one JSON object when asked, exit 2."""

    def error(self, message: str) -> NoReturn:
        raise UsageError("U135", problem=message[:1].upper() + message[1:], command=self.prog)


def _guessed(words: Sequence[str]) -> argparse.Namespace:
    """Return the language and form in which to tell of words that could not be parsed."""
    lang = next((b for a, b in pairwise(words) if a == "--lang"), None)
    verbose = "-v" in words or "--verbose" in words
    return argparse.Namespace(json="--json" in words, lang=choose_language(lang), verbose=verbose, answered=False)


def _dispatch(args: argparse.Namespace) -> int:
    from steelyard.apps import commands

    result = commands.VERBS[args.verb](args)
    return int(result or 0)


def _fail(error: SteelyardError, args: argparse.Namespace) -> int:
    if args.json and not args.answered:
        problems = error.problems if isinstance(error, DataErrors) else (error,)
        body = {"schema": "steelyard.error/1", "errors": [p.as_dict() for p in problems], "exit_code": error.exit_code}
        print(json.dumps(body, ensure_ascii=False))
    label = {"en": "error", "zh": "错误"}[args.lang]
    text = error.say(args.lang)
    head = "" if isinstance(error, DataErrors) else f"{error.code} "
    print(f"steelyard: {label} {head}{text}", file=sys.stderr)
    if args.verbose:
        traceback.print_exc()
    return error.exit_code


def _unexpected(error: Exception, args: argparse.Namespace) -> int:
    """Say what went wrong without a traceback; the traceback lies in a file."""
    from steelyard.api import runs_root

    log = runs_root(args.run_dir) / "errors.log"
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("a", encoding="utf-8") as out:
            out.write(time.strftime("%Y-%m-%dT%H:%M:%S ") + traceback.format_exc() + "\n")
    except OSError:
        log = Path("-")
    found = SteelyardError("X001", reason=f"{type(error).__name__}: {error}", log=str(log))
    return _fail(found, args)


def parser() -> argparse.ArgumentParser:
    """Return the parser of every verb."""
    top = Parser(
        prog="steelyard",
        description="Weigh every training sample, and say honestly whether weighting helps. 称出每条训练样本的分量。",
        epilog="DATA: a path, a glob or -. RUN: a directory, an id, a prefix or last.",
    )
    top.add_argument("--version", action="version", version=f"steelyard {VERSION}")
    everywhere = _everywhere()
    verbs = top.add_subparsers(parser_class=Parser, dest="verb", metavar="VERB")
    top.set_defaults(lang=None, json=False, answered=False, verbose=False, threads=None, run_dir=None)

    def verb(name: str, text: str) -> argparse.ArgumentParser:
        return verbs.add_parser(name, help=text, description=text, parents=[everywhere])

    demo = verb("demo", "the main job on a generated bilingual catalogue with planted errors")
    demo.add_argument("--seed", type=int, default=7)
    demo.add_argument("--quick", action="store_true", help="leave the transformer tier out")
    check = verb("check", "look at a table before any model: columns, leaks, contradictions, personal data, cost")
    check.add_argument("data", metavar="DATA")
    check.add_argument("--strict", action="store_true", help="exit 1 when there is a warning")
    _reading(check)
    score = verb("score", "suspicion, difficulty and benefit of every row, with reasons")
    score.add_argument("data", metavar="DATA")
    _tier(score)
    score.add_argument("--seed", type=int, default=7)
    score.add_argument("--folds", type=int, help="parts of the queries that are held out in turn (5; full: 3)")
    score.add_argument("--dry-run", action="store_true", help="say what it would cost and stop")
    _reading(score)
    compare = verb("compare", "uniform, weighted, pruned, repaired and controls on unseen queries: a verdict")
    compare.add_argument(
        "run", metavar="RUN", nargs="?", default="last", help="a run, or a table to score first (last)"
    )
    compare.add_argument("--seeds", type=int, default=5, help="cells, each with its own held-out queries (5)")
    compare.add_argument("--metric", help="such as ndcg@10[gain=esci]; by default what suits the labels")
    compare.add_argument(
        "--model", help="boosted, linear, network; of clicks fm, deepfm; of users and items bpr, ease ..."
    )
    compare.add_argument("--arms", help="only these policies, with their controls: gate,soft_label,step_alignment")
    compare.add_argument("--candidates", metavar="TABLE", help="of users and items: rank these lists, not all items")
    compare.add_argument("--min-gain", type=float, default=0.0, help="least gain worth acting on (0)")
    compare.add_argument(
        "--interest", type=float, help="a difference that would matter (0.01; at most 1/20 of a recommender's)"
    )
    compare.add_argument("--max-rows", type=int, default=60_000, help="sample whole queries above it (60000)")
    compare.add_argument("--require-verdict", action="store_true", help="exit 5 when the answer is cannot_tell")
    compare.add_argument("--fail-on", help="exit 1 when it holds: answer=use_weights, or gain>0.01")
    show = verb("show", "look into a run: top, slices, row KEY, query TEXT, info")
    show.add_argument("run", metavar="RUN")
    show.add_argument("what", choices=["top", "slices", "row", "query", "info"])
    show.add_argument("key", nargs="?")
    show.add_argument("-n", type=int, default=20, help="rows to show (20)")
    show.add_argument("--unmask", action="store_true", help="show personal data")
    pick = verb("pick", "a queue of rows for people to label again: suspicious, drawn by chance, hidden controls")
    pick.add_argument("run", metavar="RUN")
    pick.add_argument("--budget", type=int, default=500, help="rows to label (500)")
    pick.add_argument("--random", type=float, default=0.2, help="share drawn by chance from all rows (0.2)")
    pick.add_argument("--controls", type=float, default=0.08, help="share whose label is known (0.08)")
    pick.add_argument("--annotators", help="one file each, with all rows: anna,bo")
    pick.add_argument("--show-label", action="store_true", help="show the label; half of the controls show a wrong one")
    pick.add_argument("--unmask", action="store_true", help="show personal data")
    pick.add_argument("--seed", type=int, default=0)
    pick.add_argument("--out", help=".csv (opens in Excel), .jsonl, .parquet, or .json for Label Studio; queue.csv")
    merge = verb("merge", "bring labels back: agreement, conflicts, annotators, the reviewed table")
    merge.add_argument("run", metavar="RUN")
    merge.add_argument("files", metavar="FILE", nargs="+", help="queues with the column answer filled in")
    merge.add_argument("--out", help="reviewed table; by default merged.parquet inside the run directory")
    merge.add_argument("--replace", action="store_true", help="a person's later answer counts, instead of an error")
    export = verb("export", "write clean, weights, top, flags or report")
    export.add_argument("run", metavar="RUN")
    export.add_argument("what", choices=["clean", "weights", "top", "flags", "report"])
    export.add_argument("--to", help="format; steelyard list exports")
    export.add_argument("--out", help="file to write; by default inside the run directory")
    export.add_argument("--policy", help="policy of the weights; steelyard list policies")
    export.add_argument("--fdr", type=float, help="flags: at most that share is labelled right after all (0.1)")
    export.add_argument("--confidence", type=float, help="flags: with that confidence in this list, not on average")
    verb("runs", "all runs, newest first")
    parts_of = verb("list", "all parts of a kind, one line each")
    parts_of.add_argument("kind", nargs="?")
    metrics = verb("metrics", "all measures with their exact names; --like says what another system means by them")
    metrics.add_argument("name", nargs="?", help="one measure, such as ndcg@10")
    metrics.add_argument("--like", metavar="SYSTEM", help="trec, sklearn, quepid, lightgbm, esci-script or recbole")
    verb("doctor", "versions and machine: what to paste into an issue")
    return top


def _everywhere() -> Parser:
    """Return the options that every verb has; they may stand before or behind the others."""
    both = Parser(add_help=False)
    group = both.add_argument_group("everywhere")
    group.add_argument("--json", action="store_true", help="one JSON object on stdout; logs go to stderr")
    group.add_argument("--lang", choices=["en", "zh"], help="language of sentences (or STEELYARD_LANG)")
    group.add_argument("--run-dir", help="folder of all runs (runs, or STEELYARD_RUNS)")
    group.add_argument("--quiet", "-q", action="store_true", help="no progress")
    group.add_argument("--verbose", "-v", action="store_true", help="tracebacks too")
    group.add_argument("--threads", type=int, help="cores to use, all by default; changes no number")
    group.add_argument("--no-color", action="store_true", help=argparse.SUPPRESS)
    return both


def _tier(verb: argparse.ArgumentParser) -> None:
    group = verb.add_argument_group("tier")
    group.add_argument("--tier", default="quick", help="quick (no torch), embed (frozen encoder) or full (fine-tuning)")
    group.add_argument(
        "--model", help="minilm, a folder or a hub name; of users and items a recommender such as item_knn"
    )
    group.add_argument("--epochs", type=int, help="full: passes over the rows (3)")
    group.add_argument("--batch-size", type=int, help="full: rows a step (32)")
    group.add_argument("--learning-rate", type=float, help="full: highest rate (1e-4)")
    group.add_argument("--tuning", help="full: full, lora, adalora, adapters or frozen")
    group.add_argument("--architecture", help="full, of pairs: cross (one sequence) or dual (two vectors, cosine)")
    group.add_argument("--precision", help="fp32 or bf16")
    group.add_argument("--max-length", type=int, help="tokens read of a row (128); what is cut is counted")
    group.add_argument("--trackers", help="full: jsonl,tensorboard,wandb ...; steelyard list trackers; none")


def _reading(verb: argparse.ArgumentParser) -> None:
    group = verb.add_argument_group("reading")
    group.add_argument("--preset", help="esci, wands, trec, letor, quepid; steelyard list sources")
    group.add_argument("--columns", help="yours are called differently: label=my_grade,query=search_term")
    group.add_argument("--labels", help="order and worth of labels: Exact=1,Partial=0.5,Irrelevant=0")
    group.add_argument("--label-order", help="desc, or the labels from worst to best: bad,fair,good")
    group.add_argument("--task", choices=["relevance", "classification", "tagging", "recommendation", "click"])
    group.add_argument("--group-by", help="column that must not be split between folds")
    group.add_argument("--encoding", help="utf-8, gb18030, ...")
    group.add_argument("--sample", type=int, help="use about that many rows, whole queries or users")
    users = verb.add_argument_group("reading of users and items")
    users.add_argument("--positive", help="what is learned from: every, a least rating such as 4, or events: cart,buy")
    users.add_argument("--relevant", type=float, help="least rating of what was truly wanted; judges, never teaches")
    users.add_argument("--split-by", help="given, last, user_time, random, or time:VALID,TEST")
    users.add_argument("--items", help="file with the items' titles")


def pairs(text: str | None, what: str) -> dict[str, str] | None:
    """Return ``a=b,c=d`` as a dictionary. Raises UsageError U131 for a piece without ``=``."""
    if not text:
        return None
    out = {}
    for piece in text.split(","):
        name, equals, value = piece.partition("=")
        if not equals or not name.strip():
            raise UsageError("U131", option=what, piece=piece)
        out[name.strip()] = value.strip()
    return out


def reading_options(args: argparse.Namespace) -> dict[str, Any]:
    """Return the reading options of a call, as the api takes them."""
    order = args.label_order
    labels = pairs(args.labels, "--labels")
    return {
        "preset": args.preset,
        "columns": pairs(args.columns, "--columns"),
        "labels": {k: _number(v, "--labels") for k, v in labels.items()} if labels else None,
        "label_order": order.split(",") if order and "," in order else order,
        "task": args.task,
        "group_by": args.group_by,
        "encoding": args.encoding,
        "sample": args.sample,
        "positive": args.positive,
        "relevant": args.relevant,
        "split_by": args.split_by,
        "items": args.items,
    }


def as_said(args: argparse.Namespace) -> str:
    """Return the data and the reading options of a call as they would be typed again."""
    said = [(name, getattr(args, name)) for name in reading_options(args)]
    options = [f"--{name.replace('_', '-')} {shlex.quote(str(value))}" for name, value in said if value is not None]
    return " ".join([shlex.quote(args.data), *options])


def _number(text: str, option: str) -> float:
    """Return a number of the command line. Raises UsageError U150."""
    try:
        return float(text)
    except ValueError:
        raise UsageError("U150", option=option, value=text, known="0, 0.5, 1 ...") from None


def gate(text: str, known: Sequence[str]) -> Callable[[dict[str, Any]], None]:
    """Return what raises GateFailed G501 when ``name=value``, ``name>number`` or ``name<number`` holds of the facts.

    known: names of facts. Raises UsageError U132, U150 at once, before anything is computed.
    """
    sign = next((s for s in "><=" if s in text), "")
    name, _, value = (part.strip() for part in text.partition(sign or "="))
    if not sign or name not in known:
        raise UsageError("U132", name=name, known=", ".join(known))
    bound = value if sign == "=" else _number(value, "--fail-on")

    def judge(facts: dict[str, Any]) -> None:
        found = facts[name]
        if found > bound if sign == ">" else found < bound if sign == "<" else str(found) == bound:
            raise GateFailed("G501", gate=text, value=str(found))

    return judge


def inconclusive(answer: str) -> None:
    """Raise Inconclusive V501 for ``cannot_tell``."""
    if answer == "cannot_tell":
        raise Inconclusive("V501")


if __name__ == "__main__":
    sys.exit(main())
