"""Answering: read the labels that people wrote into a queue, and say everything that is wrong with them at once."""

from __future__ import annotations

import json
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from steelyard.acts.cleaning import as_text
from steelyard.acts.recognising import ALIASES, fold
from steelyard.errors import DataError
from steelyard.values.scale import Scale

#: Names of the column that holds the new label.
ANSWER = ("answer", "new_label", "答案", "新标签")
#: The column by which a queue says which pick it came from.
PICK = "pick"
SHOWN = 5


@dataclass(frozen=True)
class Answer:
    """One label that one person gave one row. file, row: where it stands; rows are counted from 1.

    pick: names of the picks whose queues hold it, a blank between them; empty in files that do not say it.
    """

    row_key: str
    annotator: str
    label: str
    file: str
    row: int
    pick: str = ""


def of_table(batches: Iterable[pa.RecordBatch], file: Path) -> Iterator[Answer]:
    """Yield the answers of a table, empty ones too; who answered is its column annotator, else the file's name.

    Raises DataError D240 for a table without row_key or answer.
    """
    number = 0
    for batch in batches:
        folded = {fold(name.lstrip("\ufeff")): name for name in batch.schema.names}
        key = folded.get("row_key")
        answer = next((folded[a] for a in ANSWER if a in folded), None)
        if key is None or answer is None:
            missing = ", ".join(n for n, found in (("row_key", key), ("answer", answer)) if found is None)
            raise DataError("D240", file=file.name, missing=missing, known=", ".join(batch.schema.names))
        person = next((folded[a] for a in ("annotator", *ALIASES["annotator"]) if a in folded), None)
        noticed: Counter[str] = Counter()
        columns = [
            as_text(batch[name], noticed).to_pylist() if name else [None] * batch.num_rows
            for name in (key, answer, person, folded.get(PICK))
        ]
        for row_key, label, who, pick in zip(*columns, strict=True):
            number += 1
            if row_key or label:
                yield Answer(_bare(row_key), _bare(who) or file.stem, _bare(label), file.name, number, _bare(pick))


def of_label_studio(file: Path) -> Iterator[Answer] | None:
    """Return the answers of a Label Studio export (JSON), None when the file is something else.

    Each task's data holds row_key; the answer is the first choice of each annotation that was not cancelled, the person
    is ``completed_by``.
    """
    if file.suffix.lower() != ".json":
        return None
    try:
        tasks = json.loads(file.read_text(encoding="utf-8-sig"))
    except ValueError:
        return None
    if not isinstance(tasks, list) or not all(isinstance(t, dict) and "data" in t for t in tasks):
        return None
    return _annotated(tasks, file)


def _annotated(tasks: Sequence[Mapping[str, Any]], file: Path) -> Iterator[Answer]:
    for number, task in enumerate(tasks, 1):
        if "row_key" not in task["data"]:
            raise DataError("D240", file=file.name, missing="row_key", known=", ".join(task["data"]))
        for given in task.get("annotations") or [{}]:
            choices = [c for r in given.get("result") or () for c in r.get("value", {}).get("choices", ())]
            who = given.get("completed_by", task["data"].get("annotator"))
            who = who.get("email", who.get("id")) if isinstance(who, dict) else who
            label = "" if given.get("was_cancelled") or not choices else str(choices[0])
            pick = str(task["data"].get(PICK) or "")
            yield Answer(str(task["data"]["row_key"]), str(who or file.stem), label, file.name, number, pick)


def coded(
    answers: Sequence[Answer], at: Mapping[str, int], scale: Scale, run: str
) -> tuple[list[int], list[DataError]]:
    """Return the code of each answer, -1 for an empty one, and what is wrong, one problem a file and kind.

    at: position of each row key. Labels count as the same whatever their case and width, unless the table tells such
    labels apart; 2.0 is 2.
    """
    exact = {name: code for code, name in enumerate(scale.names)}
    often = Counter(map(_folded, scale.names))
    names = {_folded(name): code for name, code in exact.items() if often[_folded(name)] == 1}
    codes = [exact.get(a.label, names.get(_folded(a.label), -2)) if a.label else -1 for a in answers]
    problems = []
    for file in dict.fromkeys(a.file for a in answers):
        mine = [(a, c) for a, c in zip(answers, codes, strict=True) if a.file == file]
        strange = [a for a, _ in mine if a.row_key not in at]
        if strange:
            told = {"count": len(strange), "first": strange[0].row_key, "row": strange[0].row}
            problems.append(DataError("D241", file=file, rows=len(mine), run=run, **told))
        outside = [a for a, c in mine if c == -2]
        if outside:
            values = ", ".join(dict.fromkeys(a.label[:40] for a in outside[:SHOWN]))
            told = {"count": len(outside), "values": values, "row": outside[0].row}
            problems.append(DataError("D242", file=file, known=", ".join(scale.names[:30]), **told))
        if not any(a.label for a, _ in mine):
            problems.append(DataError("D244", file=file, count=len(mine)))
    return codes, problems


def _bare(text: str | None) -> str:
    """Return a cell without blanks around it and without the apostrophe that guards a spreadsheet's text."""
    return (text or "").strip().removeprefix("'").strip()


def _folded(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).casefold().strip()
    try:
        value = float(folded)
    except ValueError:
        return folded
    return str(int(value)) if value.is_integer() else str(value)
