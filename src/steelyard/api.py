"""The verbs: read, check, score, compare. Command line and Python both come through here."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from steelyard import compared, parts, provenance, recommendation, tiers
from steelyard.errors import DataError, DataErrors, UsageError
from steelyard.plan import Plan
from steelyard.provenance import keep_source, plain, reopen
from steelyard.run import Run, all_runs
from steelyard.scored import Scored
from steelyard.taken import Taken
from steelyard.values.interactions import Interactions
from steelyard.values.samples import Samples
from steelyard.version import VERSION

if TYPE_CHECKING:
    from steelyard.values.checkup import Checkup
    from steelyard.values.comparison import Comparison

#: progress(stage, done, total), or with a fourth argument: the last training loss of a stage that has one, or None.
Progress = Callable[..., None]

READING = ("preset", "columns", "labels", "label_order", "task", "group_by", "encoding", "sample")
#: What only tables of interactions understand.
INTERACTING = ("positive", "relevant", "split_by", "items")


def runs_root(run_dir: str | Path | None = None) -> Path:
    """Return the folder of all runs: what was asked, then STEELYARD_RUNS, then ``runs``."""
    return Path(run_dir or os.environ.get("STEELYARD_RUNS") or "runs")


def runs(run_dir: str | Path | None = None) -> list[Run]:
    """Return all runs, newest first."""
    return all_runs(runs_root(run_dir))


def read(where: Any, **reading: Any) -> Samples | Interactions:
    """Read a table into Samples, or a table of users and items into Interactions.

    where: a path, a glob, a pandas / polars / Arrow / Hugging Face table, a list of dicts, or what was read before.
    reading: preset, columns={"label": "their_name"}, labels={"Exact": 1, ...}, label_order, task, group_by, encoding,
        sample (that many rows at most, whole groups, chosen by chance with seed 0). A table with users and items, and
        neither query nor text, is one of interactions, as with task="recommendation"; these have positive, relevant,
        split_by and items (see ``acts.interacting.read``).
    Raises UsageError or DataError that name file, column, line and remedy.
    """
    if isinstance(where, (Samples, Interactions)):
        return where
    from steelyard.acts import opening
    from steelyard.parts import sources

    known = (*READING, *INTERACTING)
    unknown = [k for k in reading if k not in known]
    if unknown:
        raise UsageError("U107", name="read", option=unknown[0], near="-", known=", ".join(known))
    asked = {k: v for k, v in reading.items() if v is not None}
    sample = asked.pop("sample", None)
    how = {k: asked.pop(k) for k in ("encoding",) if k in asked}
    source = sources.choose(where, asked.pop("preset", None), **how)
    found = opening.read(source, where, asked)
    return found if sample is None or sample >= len(found) else opening.some(found, int(sample))


def read_samples(where: Any, **reading: Any) -> Samples:
    """Read a table into Samples. Raises UsageError U153 for one of users and items."""
    found = read(where, **reading)
    if isinstance(found, Interactions):
        raise UsageError("U153", kind="relevance, classification", found="recommendation")
    return found


def check(data: Any, *, strict: bool = False, **reading: Any) -> Checkup:
    """Look at a table before any model: columns, labels, duplicates, contradictions, leaks, personal data, cost.

    Returns a Checkup; ``checkup.raise_for_errors()`` raises for what makes the table unusable, and with ``strict``
    for warnings too.
    """
    from steelyard.acts import checking, inspecting

    found = read(data, **reading)
    if isinstance(found, Interactions):
        return inspecting.check(found, strict=strict)
    return checking.check(found, strict=strict)


def score(
    data: Any,
    *,
    tier: str = "quick",
    seed: int = 7,
    folds: int | None = None,
    model: str | None = None,
    epochs: int | None = None,
    batch_size: int | None = None,
    learning_rate: float | None = None,
    tuning: str | None = None,
    architecture: str | None = None,
    precision: str | None = None,
    max_length: int | None = None,
    trackers: Sequence[str] | None = None,
    run_dir: str | Path | None = None,
    name: str | None = None,
    processes: int | None = None,
    progress: Progress | None = None,
    **reading: Any,
) -> Scored:
    """Read every row's importance and suspicion; returns the finished run, resumes an interrupted one.

    tier: ``quick`` (no torch), ``embed`` (vectors of a frozen encoder) or ``full`` (a network fine-tuned per fold).
    seed: of folds and models. folds: parts of the groups that are held out in turn, by default 5 (full: 3).
    model: ``minilm``, a folder or a hub name; max_length, precision and, for full, epochs, batch_size, learning_rate,
    tuning, architecture: see ``tiers.Deep``.
    trackers: of the full tier's trainings, by name, written under the run's ``trackers``; by default jsonl, and
    tensorboard where it is installed; they change no number.
    name: the run directory's first part; by default the file's name. processes: how many share the work, by default
    one a core (STEELYARD_PROCESSES); they change no number. progress(stage, done, total) is called as the
    work goes on; where it takes a fourth argument the stage ``network`` gives it the loss of the last step, nats. The
    same data and options give the same run directory and, on one machine, identical files.
    Raises DataError for a table that ``check`` finds unusable.
    """
    from steelyard import engine
    from steelyard.acts import recording
    from steelyard.acts.encoding import encode

    asked = {"epochs": epochs, "batch_size": batch_size, "learning_rate": learning_rate, "tuning": tuning}
    asked |= {"architecture": architecture, "precision": precision, "max_length": max_length}
    deep = tiers.options(tier, asked if tier == "quick" else {"model": model, **asked})
    if folds is not None:
        _within("folds", folds, 2, "2, 3, 4 ...")
    following = tiers.trackers(tier, trackers)
    samples = read(data, **reading)
    if isinstance(samples, Interactions):
        return recommendation.score(
            samples,
            root=runs_root(run_dir),
            given=isinstance(data, Interactions),
            reading=reading,
            tier=tier,
            deep=deep,
            model=model,
            seed=seed,
            folds=folds,
            name=name or _stem(samples),
            progress=progress or _quiet,
        )
    if tier == "quick":
        tiers.options(tier, {"model": model})
    folds = tiers.FOLDS[tier] if folds is None else folds
    tiers.refuse_unread(samples)
    _refuse_unusable(samples)
    options = {"tier": tier, "seed": seed, "folds": folds, "reading": plain(reading)}
    options |= {"deep": vars(deep)} if deep else {}
    given = isinstance(data, Samples)  # read, chosen or changed by the caller: the file alone does not tell which rows
    inputs = {"table": samples.origin.fingerprint} | ({"samples": provenance.content(samples)} if given else {})
    plan = Plan("score", inputs, options)
    run = Run.open(runs_root(run_dir), name or _stem(samples), plan)
    if run.has("scores.parquet") and run.has("run.json"):
        provenance.moved(run, samples.origin)
        run.touch()
        return Scored(run, reopen)
    with run.locked():
        run.log(verb="score", rows=len(samples), version=VERSION)
        keep_source(run, samples, always=given)
        each, tell = engine.choose(len(samples), processes), progress or _quiet
        table = encode(samples, keep=run.keep, each=each, progress=tell)
        table, deepen = tiers.prepare(samples, table, tier, deep, run, runs_root(run_dir), folds, seed, tell, following)
        found = recording.record(
            samples,
            table,
            _models(samples),
            parts.of_samples("estimators", network=tier == "full"),
            seed=seed,
            folds=folds,
            keep=run.keep,
            each=each,
            progress=tell,
            deepen=deepen,
        )
        run.write("readings.parquet", found.readings.write)
        run.write_json("slices.json", {"schema": "steelyard.slices/1", "slices": found.slices})
        run.write_json("run.json", provenance.facts(samples, plan, found.facts, plain(reading)))
        run.write("scores.parquet", found.write_scores)
        run.finish()
        run.log(verb="score", done=True)
    run.touch()
    return Scored(run, reopen)


def compare(
    run: Any,
    *,
    seeds: int = 5,
    folds: int = 5,
    metric: str | None = None,
    model: str | None = None,
    min_gain: float = 0.0,
    interest: float | None = None,
    max_rows: int = 60_000,
    repairs: int = 2,
    inner_folds: int = 5,
    arms: Sequence[str] = (),
    candidates: Any = None,
    run_dir: str | Path | None = None,
    processes: int | None = None,
    progress: Progress | None = None,
) -> Comparison:
    """Measure on unseen groups whether weighting, pruning or repairing helps; returns one of five answers.

    run: a Scored, a run directory, id, prefix or ``last``; or a table, which is scored first. seeds: cells, each with
    its own held-out groups and seeds. metric: a measure's name; by default what suits the labels. model: ``boosted``,
    ``linear``, ``network`` for a run of the full tier, ``fm`` or ``deepfm`` for a click log; by default what explained
    the labels best when scoring. min_gain: least gain worth acting on. interest: a difference that would matter; when
    it is ruled out the answer is keep_uniform. None: 0.01, of interactions at most a twentieth of what uniform reaches.
    max_rows: whole groups are sampled above it. repairs, inner_folds: of the readings that are computed inside each
    cell; fewer are faster and a little worse.
    arms: names of the policies to try, and for a network of alphas behind ``step_``; baseline and controls always take
    part; none: all policies, ``step_alignment`` and ``step_gate``.
    candidates: of interactions, a path or table with the items to rank for each user (see ``docs/recommendation.md``).
    Raises UsageError U197 for candidates of a run of samples.
    """
    from steelyard import engine
    from steelyard.acts import comparing
    from steelyard.acts.cells import INTEREST, Settings
    from steelyard.acts.checks.labels import unseen_clicks
    from steelyard.acts.encoding import encode
    from steelyard.features import duplicates

    scored = _scored(run, model, run_dir, processes, progress)
    if isinstance(scored, Taken):
        _within("seeds", seeds, 1, "1, 2, 3 ...; a verdict needs 3")
        return recommendation.compare(
            scored,
            seeds=seeds,
            metric=metric,
            model=model,
            min_gain=min_gain,
            interest=interest,
            arms=arms,
            candidates=candidates,
            progress=progress or _quiet,
        )
    if candidates is not None:
        raise UsageError("U197", task=scored.samples.task)
    unseen = unseen_clicks(scored.samples)
    tiers.known_arms(arms, unseen)
    _within("seeds", seeds, 1, "1, 2, 3 ...; a verdict needs 3")
    _within("folds", folds, 2, "2, 3, 4 ...")
    interest = INTEREST if interest is None else interest
    asked: dict[str, Any] = {
        "metric": metric,
        "model": model,
        "min_gain": min_gain,
        "interest": interest,
        "max_rows": max_rows,
    }
    asked |= {"repairs": repairs, "inner_folds": inner_folds} | ({"arms": list(arms)} if arms else {})
    options = {"seeds": seeds, "folds": folds, **asked}
    plan = Plan("compare", {"run": scored.id}, options)
    if compared.revive(scored.run, plan):
        return compared.read(scored.run)
    with scored.run.locked():
        samples, rows = scored.samples, np.arange(len(scored.samples), dtype=np.int64)
        if len(samples) > max_rows:
            from steelyard.acts.folding import spread

            rows = spread(samples.group, max_rows, int(scored.info["seed"])).astype(np.int64)
            samples = samples.take(rows)
        judged = _judged(samples, metric, scored.marked[rows])
        settings = Settings(
            seeds=seeds,
            folds=folds,
            min_gain=min_gain,
            interest=interest,
            seed=int(scored.info["seed"]),
            repairs=repairs,
            inner_folds=inner_folds,
            arms=tuple(arms),
        )

        each = engine.choose(len(samples), processes)
        tell = progress or _quiet
        table = encode(samples, each=each, progress=tell)
        table, chosen, networks = tiers.compared(samples, table, scored.info, model, arms, runs_root(run_dir), tell)
        twins = duplicates.near_codes(samples)
        result = comparing.compare(
            table,
            twins,
            judged,
            {
                **_models(samples, chosen),
                "estimators": parts.of_samples("estimators"),
                "policies": parts.of_samples("policies"),
            },
            settings,
            model=chosen,
            networks=networks,
            unseen_clicks=unseen,
            keep=partial(scored.run.keep, prefix=f"compare-{plan.id}-"),
            each=each,
            progress=tell,
        )
        compared.write(scored.run, plan, result, compared.judges(samples, judged.test))
        scored.run.finish(f"compare-{plan.id}-")
    return compared.read(scored.run)


def open_run(run: Any, run_dir: str | Path | None = None) -> Scored:
    """Return the finished score run that ``run`` names: Scored, Run, directory, id, prefix or ``last``."""
    if isinstance(run, Scored):
        return run
    found = run if isinstance(run, Run) else Run.find(run, runs_root(run_dir))
    if found.has("run.json") and found.read_json("run.json")["task"] == "recommendation":
        return Taken(found, recommendation.reopen)
    return Scored(found, reopen)


def _scored(
    run: Any, model: str | None, run_dir: str | Path | None, processes: int | None, progress: Progress | None
) -> Scored:
    """Return the run that ``run`` names; a table is scored first, as a click log where a click model is asked for."""
    known = isinstance(run, (Scored, Run)) or (isinstance(run, (str, Path)) and not Path(run).is_file())
    if known:
        return open_run(run, run_dir)
    reading: dict[str, Any] = {"task": "click"} if model in tiers.CLICK_MODELS else {}
    return score(run, run_dir=run_dir, processes=processes, progress=progress, **reading)


def metrics(name: str | None = None, *, like: str | None = None) -> list[dict[str, Any]]:
    """Return the measures: full name, title, what it is, kind, needs and options.

    name: one measure such as ``ndcg@10``; by default all. like: what another system means by the names (trec, sklearn,
    quepid, lightgbm, esci-script, recbole); measures that it does not have are left out, or refused when named.
    Raises UsageError U110 to U119 for names nobody knows.
    """
    from steelyard.parts import measures

    if name is None:
        return measures.overview(like)
    return [measures.about(measures.like(name, like) if like else measures.parse(name))]


def _refuse_unusable(samples: Samples) -> None:
    """Raise what ``check`` calls an error of the table: labels that are no numbers, or nothing to tell apart."""
    problems = [DataError(n.code, count=n.count, **n.facts) for n in samples.notes if n.severity == "error"]
    known = samples.label[samples.label >= 0]
    if samples.task != "tagging" and len(known) and (known == known[0]).all():
        problems.append(DataError("D116", count=len(known), label=samples.scale.names[known[0]]))
    if problems:
        raise problems[0] if len(problems) == 1 else DataErrors(problems)


def _within(option: str, value: int, least: int, known: str) -> None:
    """Raise UsageError U150 for an option below the least that makes sense."""
    if value < least:
        raise UsageError("U150", option=option, value=str(value), known=known)


def _quiet(_stage: str, _done: int, _total: int) -> None:
    """Say nothing."""


def _stem(samples: Samples | Interactions) -> str:
    return Path(samples.origin.paths[0]).stem.split(".")[0] if samples.origin.paths else "table"


def _models(samples: Samples, chosen: str = "linear") -> dict[str, Any]:
    """Return the models by name, with the one that the arms train; the linear model's step is smaller on few fields."""
    step = {} if samples.fields is None else {"learning_rate": 0.05}
    found = {"linear": parts.make("models", "linear", **step), "boosted": parts.make("models", "boosted")}
    return found | ({chosen: parts.make("models", chosen)} if chosen in tiers.CLICK_MODELS else {})


def _judged(samples: Samples, metric: str | None, marked: Any) -> Any:
    """Return what to judge by: trusted labels if there are enough, the table's own test split, a fitting measure."""
    from steelyard.acts import judging

    return judging.judged(samples, _measure(metric) if metric else None, _measure, marked)


def _measure(name: str) -> Any:
    from steelyard.parts.measures import parse

    return parse(name)
