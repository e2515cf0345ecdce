"""The verbs for tables of users and items: score, compare, weights; the same run directory as for samples."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from steelyard import compared, parts, provenance, tiers
from steelyard.errors import EnvironmentProblem, UsageError, nearest
from steelyard.plan import Plan
from steelyard.run import Run, disk
from steelyard.taken import Taken
from steelyard.values.comparison import Comparison
from steelyard.values.interactions import Interactions
from steelyard.version import VERSION

if TYPE_CHECKING:
    from steelyard.acts.viewing import Views

Progress = Callable[[str, int, int], None]
#: Recommender that reads the rows: found most false positives of those that need no extra (recommend_noise.py).
SCORER = "item_knn"
#: Recommender that a comparison trains: it takes weights in every step, so that T-CE and R-CE can be tried too.
BASE_MODEL = "bpr"
METRIC = "ndcg@20"
#: Measure of clicks that can decide, where the table tells what was shown; users count alike, as in the interval.
BY_CLICKS = "gauc[mean=equal]"
#: Recommender whose scores of a user by all others are exact, see ``acts/viewing.py``.
OTHERS = "ease"
#: Rows of the matrix that it inverts, at most: the time grows with the third power.
VIEWED = 10_000
STEPS, LEAST_BATCH = 100, 64
FOLDS = 5
#: Folds of the readings inside a cell; two thirds of the rows still read the last third.
INNER_FOLDS = 3


def estimators() -> dict[str, Any]:
    """Return the estimators that read interactions, by name."""
    names = [n for n in parts.names("estimators") if parts.find("estimators", n).interactions]
    return {name: parts.make("estimators", name) for name in [*names, "out_of_fold_loss"]}


def score(
    rows: Interactions,
    *,
    root: Path,
    given: bool,
    reading: dict[str, Any],
    tier: str = "quick",
    deep: tiers.Deep | None = None,
    model: str | None = None,
    seed: int = 7,
    folds: int | None = None,
    name: str = "table",
    progress: Progress,
) -> Taken:
    """Read the doubt about every positive row; returns the finished run, resumes an interrupted one.

    given: the rows are the caller's own, so that the file alone does not tell them. model: a recommender's name.
    deep: of the embed tier, whose encoder reads the titles. Items with titles are viewed by text too (``viewed``).
    Raises DataError for what ``check`` calls unusable, UsageError U186 for a tier of samples, U206 for titles asked
    to be embedded where there are none.
    """
    from steelyard.acts import inspecting, taking

    if tier == "full":
        raise UsageError("U186", option=f"tier={tier}")
    encoder, model = (deep.model, SCORER) if deep else (None, _known(model or SCORER))
    folds = folds or FOLDS
    inspecting.check(rows).raise_for_errors()
    options = {"tier": tier, "seed": seed, "folds": folds, "model": model, "reading": _plain(reading)}
    options |= {"deep": {"model": encoder, "max_length": deep.max_length, "precision": deep.precision}} if deep else {}
    inputs = {"table": rows.origin.fingerprint} | ({"samples": content(rows)} if given else {})
    plan = Plan("score", inputs, options)
    run = Run.open(root, name, plan)
    if run.has("scores.parquet") and run.has("run.json"):
        provenance.moved(run, rows.origin)
    else:
        with run.locked():
            run.log(verb="score", rows=len(rows), version=VERSION)
            if given or not rows.origin.paths or "-" in rows.origin.paths:
                run.write("source.parquet", rows.write)
            look, how = viewed(rows, deep, root, progress)
            found = taking.take(
                rows,
                parts.make("recommenders", model),
                estimators(),
                seed=seed,
                folds=folds,
                keep=run.keep,
                progress=progress,
                look=look,
            )
            run.write("readings.parquet", found.readings.write)
            run.write_json("slices.json", {"schema": "steelyard.slices/1", "slices": []})
            about = provenance.common(rows.origin, rows.notes, plan, _plain(reading))
            facts = {"rows": len(rows), "groups": rows.n_users, "task": "recommendation", "columns": dict(rows.columns)}
            if look and "views" not in found.facts:
                how = {**how, "by": None, "why": "memory"}
            seen = {"views": {**how, **found.facts.get("views", {})}}
            run.write_json("run.json", {**about, **facts, "model": model, **found.facts, **seen})
            run.write("scores.parquet", lambda path: pq.write_table(found.scores, path, compression="zstd"))
            run.finish()
            run.log(verb="score", done=True)
    run.touch()
    return Taken(run, reopen)


def viewed(
    rows: Interactions, deep: tiers.Deep | None, root: Path, progress: Progress
) -> tuple[Callable[[Interactions], Views | None] | None, dict[str, Any]]:
    """Return what looks at positive rows by text and by others, and how it does: ``by``, and ``why`` where it cannot.

    by: ``words`` of the titles, or the encoder of ``deep``. Raises UsageError U206 where an encoder has no titles.
    """
    from steelyard.acts import viewing

    titles = [] if rows.titles is None else [str(t or "") for t in rows.titles]
    if not any(titles):
        if deep:
            raise UsageError("U206", tier="embed")
        return None, {"by": None, "why": "no_titles"}
    size = min(rows.n_items, rows.n_users)
    if size > VIEWED:
        return None, {"by": None, "why": "too_large", "size": size, "most": VIEWED}

    def look(positive: Interactions) -> Views | None:
        progress("views", 0, 1)
        try:
            fitted = parts.make("recommenders", OTHERS).fit(positive)
        except EnvironmentProblem:
            return None
        vectors = titled(titles, deep, root, progress)
        found = viewing.view(positive, vectors, fitted)
        progress("views", 1, 1)
        return found

    return look, {"by": deep.model if deep else "words", "size": size, "most": VIEWED}


def titled(titles: list[str], deep: tiers.Deep | None, root: Path, progress: Progress) -> Any:
    """Return (m, d) vectors of titles: sparse tf-idf of their words, or those of an encoder; an empty title is 0."""
    if deep is None:
        from steelyard.features.titles import vectors

        return vectors(titles)
    from steelyard.acts import embedding

    encoder = parts.make("models", "transformer", pretrained=deep.model).encoder(deep.max_length, deep.precision)
    folder = embedding.cache_of(encoder, root / "vectors")
    with disk(root):
        found = embedding.embed(encoder, titles, folder, partial(progress, "embed")).rows(0, len(titles))
    return found * np.array([[bool(t.strip())] for t in titles], np.float32)


def reopen(run: Run, info: dict[str, Any]) -> Interactions:
    """Read the interactions of a run again, from its files or from the kept table."""
    kept = run.path / "source.parquet"
    if kept.exists():
        return Interactions.read(kept)
    from steelyard.acts.interacting import reread
    from steelyard.acts.opening import some
    from steelyard.values.samples import Origin

    found = reread(Origin(**info["origin"]))
    sample = info["reading"].get("sample")
    if sample is None or sample >= len(found):
        return found
    fewer = some(found, int(sample))
    assert isinstance(fewer, Interactions)
    return fewer


def compare(
    scored: Taken,
    *,
    seeds: int,
    metric: str | None,
    model: str | None,
    min_gain: float,
    interest: float | None,
    arms: Sequence[str],
    candidates: Any = None,
    progress: Progress,
) -> Comparison:
    """Measure on later or unseen interactions whether weights help; popularity, item-kNN and EASE always take part.

    model: the recommender that the arms train. metric: a measure of lists with a cut, such as ``recall@20``. arms:
    some of user_gate, ips, step_t_ce, step_r_ce; none: all that the model can take. candidates: a path or table with
    the items that are ranked for each user, in place of all items. Where the table tells what was shown, measures of
    clicks stand beside those of lists, and ``gauc`` may decide. interest: None for ``contrasting.worth``.
    Raises DataError D230 without test rows, D235 for gauc where nothing tells what was shown, D232 for candidates that
    are none of these interactions.
    """
    from steelyard.acts import clicking, contrasting, recommending, shortlisting
    from steelyard.acts.cells import BASE, INTEREST, Settings
    from steelyard.parts.measures import parse

    model, measure = _known(model or BASE_MODEL), parse(metric or METRIC)
    cut = getattr(measure, "k", None)
    if cut is None:
        if not measure.name.startswith("gauc"):
            raise UsageError("U185", name=measure.name, example=METRIC, clicks="gauc")
        measure = parse(BY_CLICKS)
    known = [*recommending.POLICIES, *(f"step_{name}" for name in recommending.ALPHAS)]
    for arm in arms:
        if arm not in known:
            raise UsageError("U105", kind="arms", name=arm, near=nearest(arm, known) or "-", known=", ".join(known))
    rows = scored.interactions
    options = {"seeds": seeds, "metric": measure.name, "model": model, "min_gain": min_gain, "interest": interest}
    options |= {"arms": list(arms)} if arms else {}
    lists = None if candidates is None else shortlisting.read(candidates, rows)
    inputs = {"run": scored.id} | ({} if lists is None else {"candidates": lists.fingerprint})
    plan = Plan("compare", inputs, options)
    if compared.revive(scored.run, plan):
        return compared.read(scored.run)
    narrow = None if lists is None else partial(shortlisting.shortened, lists=lists)
    cut = cut or parse(METRIC).k  # type: ignore[attr-defined]
    others = [parse(f"{name}@{cut}") for name in ("recall", "ndcg", "hit", "mrr", "map")]
    chosen = recommending.Parts(
        base=_sized(model, len(rows)),
        scorer=parts.make("recommenders", str(scored.info["model"])),
        baselines={n: parts.make("recommenders", n) for n in recommending.BASELINES},
        estimators=estimators(),
        policies={n: parts.make("policies", n) for n in recommending.POLICIES},
        alphas={n: parts.make("alphas", n) for n in recommending.ALPHAS},
        measures={m.name: m for m in (measure, *(o for o in others if o.name != measure.name))},
        clicks={name: parse(name) for name in clicking.MEASURES},
    )
    settings = Settings(
        seeds=seeds,
        min_gain=min_gain,
        interest=INTEREST if interest is None else interest,
        seed=int(scored.info["seed"]),
        inner_folds=INNER_FOLDS,
        arms=tuple(arms),
    )
    with scored.run.locked():
        cells = []
        progress("arms", 0, seeds)
        for number in range(seeds):
            keep = partial(scored.run.keep, prefix=f"compare-{plan.id}-")
            cells.append(recommending.run(rows, chosen, settings, number, keep, narrow))
            progress("arms", number + 1, seeds)
        if interest is None:
            settings = replace(settings, interest=contrasting.worth(cells))
        on = "given" if rows.gold is None or chosen.by_clicks else "gold"
        result = contrasting.conclude(cells, measure.name, model, on, settings)
        if lists is not None:
            tested_users = np.flatnonzero(np.isfinite(cells[0].values[BASE]))
            result = replace(result, limits=(*result.limits, ("VL14", lists.facts(tested_users))))
        tested = rows.row_key[recommending.splits(rows, settings.seed) == "test"]
        compared.write(scored.run, plan, result, compared.named(tested))
        scored.run.finish(f"compare-{plan.id}-")
    return compared.read(scored.run)


def weights(scored: Taken, policy: str | None) -> pa.Table:
    """Return row_key and weight of every positive row, mean 1 over the train rows, null for the others.

    policy: by default user_gate. Raises UsageError U184 for one that reads samples.
    """
    from steelyard.acts import exporting
    from steelyard.acts.recommending import POLICIES

    chosen = policy or POLICIES[0]
    if chosen not in (*POLICIES, "uniform"):
        raise UsageError("U184", what=chosen, known=", ".join((*POLICIES, "uniform")))
    split = scored.column("split")[scored.column("label") == 1]
    return exporting.weights(scored.readings, split, parts.make("policies", chosen))


def clean(scored: Taken, policy: str | None) -> pa.Table:
    """Return every row of the file with its weight, its doubt and whether it is marked, see ``acts.exporting.marked``.

    Raises UsageError U184 for a policy that reads samples.
    """
    from steelyard.acts import exporting
    from steelyard.acts.reading import raw

    own = None if scored.run.has("source.parquet") else raw(scored.interactions.origin)
    return exporting.marked(scored.interactions, scored.table, weights(scored, policy), own)


def content(rows: Interactions) -> str:
    """Return the fingerprint of what interactions say: keys, values, labels, splits, in their order."""
    text = "\n".join(map(str, rows.row_key)) + "".join(rows.split)
    told = (rows.value, rows.label, rows.gold, rows.ts, rows.propensity, rows.item_features)
    arrays = [a for a in told if a is not None]
    whole = text.encode() + b"".join(np.ascontiguousarray(a).tobytes() for a in arrays)
    return blake2b(whole, digest_size=16).hexdigest()


def _known(model: str) -> str:
    known = parts.names("recommenders")
    if model not in known and ":" not in model:
        raise UsageError("U158", model=model, near=nearest(model, known) or "-", known=", ".join(known))
    return model


def _sized(model: str, rows: int) -> Any:
    """Return the recommender; one that is trained in steps takes STEPS of them an epoch or more, of LEAST_BATCH rows or
    more where its own batches are not smaller."""
    part = parts.make("recommenders", model)
    if not hasattr(part, "batch_size"):
        return part
    return parts.make("recommenders", model, batch_size=min(part.batch_size, max(LEAST_BATCH, rows // STEPS)))


def _plain(reading: dict[str, Any]) -> dict[str, Any]:
    """Return the reading options that were given, as JSON; a table of items in memory only changes titles."""
    given = provenance.plain(reading)
    if "items" in given and not isinstance(given["items"], (str, Path)):
        del given["items"]
    return {k: str(v) if isinstance(v, Path) else v for k, v in given.items()}
