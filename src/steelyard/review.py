"""The review of a run: rows picked to be labelled again, answers merged, flags listed by what was found."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from steelyard import parts
from steelyard.acts import answering, exporting, flagging, merging, picking
from steelyard.acts.answering import Answer
from steelyard.acts.reading import guarded, raw
from steelyard.acts.reviewing import Reviewed, by_chance, error_rate, precision
from steelyard.api import open_run
from steelyard.errors import DataError, DataErrors, UsageError
from steelyard.features.duplicates import near_codes
from steelyard.features.personal import mask as masked
from steelyard.parts import sources
from steelyard.run import write_atomically
from steelyard.scored import Scored
from steelyard.taken import Taken
from steelyard.values.arrays import Floats, Ints, Mask
from steelyard.values.picked import CONTROL, RANDOM, SUSPECT, Picked
from steelyard.values.samples import TEXT_COLUMNS

#: Columns that an annotator sees, where the table has them; tags are labels.
SHOWN = (*(c for c in TEXT_COLUMNS if c != "tags"), "locale")
WRITERS = {".csv": "csv_people", ".jsonl": "jsonl", ".parquet": "parquet", ".json": "label_studio"}
ANSWERS = "answers.parquet"


@dataclass(frozen=True, eq=False)
class Queue:
    """What ``pick`` made: a file for each annotator; picked: which row is what, for your eyes only."""

    paths: tuple[Path, ...]
    picked: Picked
    labels: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        parts_of = {part: self.picked.count(part) for part in (SUSPECT, RANDOM, CONTROL)}
        told = {"rows": len(self.picked), **parts_of, "eligible": self.picked.eligible, "near": self.picked.near}
        return {"paths": [str(p) for p in self.paths], **told, "labels": list(self.labels)}


@dataclass(frozen=True, eq=False)
class Merge:
    """What ``merge`` found: the reviewed table, where the people differ, and the facts; see docs/review.md."""

    path: Path
    conflicts: Path | None
    facts: dict[str, Any]

    def as_dict(self) -> dict[str, Any]:
        return {"path": str(self.path), "conflicts": str(self.conflicts) if self.conflicts else None, **self.facts}


def pick(
    run: Any,
    *,
    budget: int = 500,
    random: float = 0.2,
    controls: float = 0.08,
    annotators: Sequence[str] = (),
    show_label: bool = False,
    mask: bool = True,
    seed: int = 0,
    path: str | Path | None = None,
    run_dir: str | Path | None = None,
) -> Queue:
    """Write a queue of ``budget`` rows for people to label again, in mixed order; returns it with its files.

    random: share of the budget drawn by chance from all rows, suspicious or not: what it finds holds for the table.
    controls: share whose label is known (reviewed, else believed), to see how far the answers can be trusted. The rest
    are the most suspicious rows, no two near-identical. Rows that were reviewed or answered are not asked again.
    annotators: names; each gets a file with all rows in an order of its own. show_label: show the label, in half of
    the controls a wrong one; by default people judge without it. mask: hide personal data.
    path: .csv (opens in Excel), .jsonl, .parquet, or .json for Label Studio; by default ``queue.csv`` in the run.
    """
    _within(budget, random, controls)
    scored = of_samples(open_run(run, run_dir), "pick")
    samples = scored.samples
    answered = np.isin(scored.column("row_key"), [a.row_key for a in answers(scored)])
    none = np.full(len(samples), -1, np.int64)
    gold = none if samples.gold is None else samples.gold
    picked = picking.pick(
        scored.column("suspicion"),
        samples.label,
        gold,
        near_codes(samples),
        len(samples.scale),
        budget=budget,
        random=random,
        controls=controls,
        seed=seed,
        answered=answered,
    )
    if not picked.eligible:
        raise DataError("D245", run=scored.run.path.name, answered=int(answered.sum()))
    target = Path(path) if path else scored.run.path / "queue.csv"
    if target.suffix.lower() not in WRITERS:
        raise UsageError("U188", file=target.name, known=" ".join(WRITERS))
    writer = parts.make("exports", WRITERS[target.suffix.lower()])
    told = picked.as_dict(samples.row_key)
    name = f"pick-{blake2b(json.dumps(told, sort_keys=True).encode(), digest_size=4).hexdigest()}"
    shown = _table(scored, picked, show_label, mask).append_column(answering.PICK, pa.array([name] * len(picked)))
    paths = []
    if len(set(annotators)) < len(annotators) or any(set(who) & set("/\\:") or not who for who in annotators):
        raise UsageError(
            "U150", option="annotators", value=", ".join(annotators), known="anna,bo: each once, no / or \\"
        )
    for place, who in enumerate(annotators or ("",)):
        file = target.with_name(f"{target.stem}-{who}{target.suffix}") if who else target
        order = np.random.default_rng((seed, place)).permutation(len(picked)) if who else np.arange(len(picked))
        whose = pa.array([who or None] * len(picked), pa.string())
        table = shown.take(pa.array(order)).append_column("annotator", whose)
        write_atomically(file, partial(writer.write, table))
        paths.append(file)
    scored.run.write_json(f"{name}.json", told)
    scored.run.log(verb="pick", rows=len(picked), seed=seed, annotators=len(paths))
    return Queue(tuple(paths), picked, samples.scale.names)


def merge(
    run: Any,
    files: str | Path | Sequence[str | Path],
    *,
    path: str | Path | None = None,
    replace: bool = False,
    run_dir: str | Path | None = None,
) -> Merge:
    """Bring the answers of people back: the reviewed table, agreement, conflicts, how good the annotators are.

    files: queues with their column ``answer`` filled in, or Label Studio's JSON export; several at once or one after
    the other. A row takes the label that more than half of its annotators gave; without one it keeps its own and is
    listed as a conflict. The written table keeps ``label_original``, and ``gold`` holds what people decided.
    replace: a later answer by the same person counts; else it is an error. Raises DataError D153, D240 to D244, S310,
    all problems of all files together; then nothing is written.
    """

    scored = of_samples(open_run(run, run_dir), "merge")
    samples, run = scored.samples, scored.run
    named = [files] if isinstance(files, (str, Path)) else list(files)
    at = {str(k): i for i, k in enumerate(samples.row_key)}
    with run.locked():  # answers of a merge at the same time are not lost
        fresh = [a for file in named for a in _read(Path(file))]
        codes, problems = answering.coded(fresh, at, samples.scale, run.path.name)
        before = answers(scored)
        old_codes, _ = answering.coded(before, at, samples.scale, run.path.name)
        kept, repeated, twice = merging.votes([*before, *fresh], [*old_codes, *codes], replace)
        problems += twice
        if problems:
            raise problems[0] if len(problems) == 1 else DataErrors(problems)
        queues = list(picks(scored, at, [a for _, a in kept.values()]).values())
        found = merging.merge(kept, at, controls_of(queues), samples.scale, repeated)
        target = Path(path) if path else run.path / "merged.parquet"
        writer = parts.make("exports", _machine(target))
        whole = None if run.has("source.parquet") else raw(samples.origin)
        table = exporting.merged(samples, scored.table, found.decided, scored.info["columns"], whole)
        write_atomically(target, lambda p: writer.write(table, p))
        run.write(ANSWERS, lambda p: pq.write_table(_answer_table([a for _, a in kept.values()]), p))
        conflicts = None
        if found.conflicts:
            differing = _conflict_table(scored, found.conflicts, {key: a.pick for (key, _), (_, a) in kept.items()})
            conflicts = run.write("conflicts.csv", lambda p: parts.make("exports", "csv_people").write(differing, p))
        facts = _facts(scored, found, queues, sum(c == -1 for c in codes))
        run.write_json("merge.json", {"schema": "steelyard.merge/1", **facts})
        run.log(verb="merge", files=[Path(f).name for f in named], answers=len(kept))
    return Merge(target, conflicts, facts)


def of_samples(scored: Scored | Taken, what: str) -> Scored:
    """Return a run of samples as it is. Raises UsageError U184 for one of interactions."""
    if isinstance(scored, Taken):
        raise UsageError("U184", what=what, known="weights, clean, top, report")
    return scored


def answers(scored: Scored) -> list[Answer]:
    """Return the answers merged so far, in the order in which they came."""
    if not scored.run.has(ANSWERS):
        return []
    return [Answer(**row) for row in pq.read_table(scored.run.path / ANSWERS).to_pylist()]


def picks(scored: Scored, at: Mapping[str, int], answered: Sequence[Answer]) -> dict[str, Picked]:
    """Return the queues that people worked on, by name: at least half of their rows are answered in a file of theirs.

    at: position of each row key. A queue that was picked and never given out says nothing, whoever answers its rows in
    the file of another one. An answer that does not say its pick, of an older file, may be of any. The queue drawn from
    most rows comes first, of those the one answered furthest.
    """
    queues, done = {}, {}
    for file in sorted(scored.run.path.glob("pick-*.json")):
        queue = Picked.from_dict(scored.run.read_json(file.name), at)
        mine = [at[a.row_key] for a in answered if not a.pick or file.stem in a.pick.split()]
        done[file.stem] = float(np.isin(queue.rows, mine).mean())
        if done[file.stem] >= 0.5:
            queues[file.stem] = queue
    return {name: queues[name] for name in sorted(queues, key=lambda name: (-queues[name].eligible, -done[name]))}


def controls_of(queues: Sequence[Picked]) -> dict[int, int]:
    """Return position -> code of the label that each control should get."""
    return {int(r): int(k) for q in queues for r, k in zip(q.rows, q.known, strict=True) if k >= 0}


def reviewed(scored: Scored) -> Reviewed:
    """Return the rows that people reviewed and that were drawn by chance.

    They are the random part of the queues whose answers were merged; where there is none, the table's gold labels.
    """
    samples = scored.samples
    at = {str(k): i for i, k in enumerate(samples.row_key)}
    found = answers(scored)
    suspicion, label = scored.column("suspicion"), samples.label
    named = picks(scored, at, found)
    if not named:
        return by_chance(suspicion, label, samples.gold)
    queues = list(named.values())
    codes, _ = answering.coded(found, at, samples.scale, scored.run.path.name)
    kept, _, _ = merging.votes(found, codes, replace=True)
    decided = merging.merge(kept, at, controls_of(queues), samples.scale).decided
    aside = np.ones(len(samples), bool)  # by a queue that was given up, or by nobody's queue
    aside[np.concatenate([queue.rows for queue in queues])] = False
    aside &= decided >= 0
    aside[[at[a.row_key] for a in found if a.pick and not named.keys() & set(a.pick.split())]] = True
    return by_chance(suspicion, label, samples.gold, decided, queues, aside)


def listed(scored: Scored | Taken, fdr: float, confidence: float | None) -> tuple[pa.Table, dict[str, Any]]:
    """Return the rows of which at most a share of ``fdr`` is labelled right, and on what that rests.

    Raises UsageError U150 for shares out of range; DataError D246 (too few reviewed rows), D247 (not by chance).
    """
    for option, value in (("--fdr", fdr), ("--confidence", confidence)):
        if value is not None and not 0 < value < 1:
            raise UsageError("U150", option=option, value=str(value), known="0.01 ... 0.99")
    scored = of_samples(scored, "flags")
    found = reviewed(scored)
    count = int((found.rows & ~found.open).sum())
    if count < flagging.REVIEWED:
        raise DataError("D246", count=count, least=flagging.REVIEWED, run=scored.run.path.name)
    if found.unlike is not None:
        raise DataError("D247", count=count, p=found.unlike, run=scored.run.path.name)
    suspicion, closed = found.suspicion, found.rows & ~found.open
    rows, without = (_list(suspicion, mask, found.wrong, fdr, confidence) for mask in (found.rows, closed))
    told: dict[str, Any] = {"rows": len(rows), "fdr": fdr, "confidence": confidence, "reviewed": count}
    told |= {"right": int((closed & ~found.wrong).sum()), "open": int(found.open.sum())}
    told["by"] = "answers" if found.queued else "gold"
    told["without"] = int((~found.rows[without]).sum())
    told["enough"] = flagging.enough(suspicion, closed, found.wrong, fdr, confidence)
    table = pa.Table.from_pylist(scored.rows(rows), schema=None) if len(rows) else _no_rows(scored)
    p = flagging.conformal_p(suspicion, found.rows & ~found.wrong)[rows]
    return table.append_column("p_value", pa.array(p)), told


def _list(suspicion: Floats, reviewed: Mask, wrong: Mask, fdr: float, confidence: float | None) -> Ints:
    """Return the rows of a list. What is in doubt counts as a right label, for it is right ones that a list bounds."""
    if confidence is None:
        return flagging.expected(suspicion, reviewed, wrong, fdr).rows
    return flagging.assured(suspicion, reviewed, wrong, fdr, confidence).rows


def _no_rows(scored: Scored) -> pa.Table:
    return pa.Table.from_pylist(scored.top(1, text=False)).slice(0, 0)


def _within(budget: int, random: float, controls: float) -> None:
    if budget < 1:
        raise UsageError("U150", option="--budget", value=str(budget), known="1, 2, 3 ...")
    for option, value in (("--random", random), ("--controls", controls)):
        if not 0 <= value <= 1 - (controls if option == "--random" else 0):
            raise UsageError("U150", option=option, value=str(value), known="0 ... 1; both together at most 1")


def _machine(path: Path) -> str:
    return {".csv": "csv", ".jsonl": "jsonl"}.get(path.suffix.lower(), "parquet")


def _read(file: Path) -> list[Answer]:
    sources.located(file)  # says what is there when the file is not
    tasks = answering.of_label_studio(file)
    return list(answering.of_table(guarded(sources.choose(file), file), file) if tasks is None else tasks)


def _table(scored: Scored, picked: Picked, show_label: bool, mask: bool) -> pa.Table:
    """Return the queue as annotators see it: key, texts, the label if asked, an empty answer and an empty note."""
    samples, rows = scored.samples, pa.array(picked.rows)
    columns: dict[str, Any] = {"row_key": samples.table["row_key"].take(rows)}
    for name in SHOWN:
        if samples.has(name):
            values = samples.table[name].take(rows).to_pylist()
            if any(isinstance(v, list) for v in values):
                values = [" ".join(v) if v else None for v in values]
            columns[name] = [masked(v) if mask and isinstance(v, str) else v for v in values]
    if show_label:
        columns["label"] = np.array([*samples.scale.names, None], object)[picked.shown].tolist()
    blank = pa.array([None] * len(picked), pa.string())
    return pa.table({**columns, "answer": blank, "note": blank})


def _answer_table(found: Sequence[Answer]) -> pa.Table:
    texts = [(n, pa.string()) for n in ("row_key", "annotator", "label", "file", answering.PICK)]
    schema = pa.schema([*texts, ("row", pa.int64())])
    return pa.Table.from_pylist([vars(a) for a in found], schema)


def _conflict_table(scored: Scored, conflicts: Sequence[dict[str, Any]], pick: Mapping[str, str]) -> pa.Table:
    """Return the rows without a majority with who said what, ready for another person. pick: of each row key."""
    texts = {r["row_key"]: r for r in scored.rows(_positions(scored, [c["row_key"] for c in conflicts]))}
    body = []
    for found in conflicts:
        row = texts[found["row_key"]]
        told = {k: row[k] for k in ("query", "title", "text") if row.get(k)}
        said = " · ".join(f"{who}: {label}" for who, label in found["answers"].items())
        made = {"row_key": found["row_key"], **told, "label": row["given"], "answers": said, "answer": None}
        body.append({**made, answering.PICK: pick[found["row_key"]]})
    return pa.Table.from_pylist(body)


def _positions(scored: Scored, keys: Sequence[str]) -> Ints:
    at = {str(k): i for i, k in enumerate(scored.column("row_key"))}
    return np.array([at[k] for k in keys], np.int64)


def _facts(scored: Scored, found: merging.Merged, queues: Sequence[Picked], empty: int) -> dict[str, Any]:
    samples = scored.samples
    train, has = samples.split == "train", found.decided >= 0
    wrong = has & (found.decided != samples.label) & (samples.label >= 0)
    suspects = np.zeros(len(samples), bool)
    random = np.zeros(len(samples), bool)
    for queue in queues:
        suspects[queue.rows[queue.part == SUSPECT]] = True
    drawn = [queue.rows[queue.part == RANDOM] for queue in queues if (queue.part == RANDOM).any()]
    if drawn:  # a later queue is drawn from what is left, after the suspects of the earlier ones were taken out
        random[drawn[0]] = True
    return {
        "answers": int(found.answered.sum()),
        "rows": int((found.answered > 0).sum()),
        "empty": empty,
        "repeated": found.repeated,
        "people": found.people,
        "agreement": found.agreement,
        "changed": int((wrong & train).sum()),
        "confirmed": int((has & ~wrong).sum()),
        "not_edited": int((wrong & ~train).sum()),
        "conflicts_count": len(found.conflicts),
        "doubted_controls": found.doubted,
        "error_rate": error_rate(random, has, wrong),
        "precision": precision(scored.column("suspicion"), suspects & has, wrong),
    }
