"""TREC qrels, for trec_eval and its kin: ``query_id 0 product_id grade``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pyarrow as pa

from steelyard.errors import DataError
from steelyard.parts.exports import Export
from steelyard.parts.exports._judgements import Judgement, Repeated, judgements


@dataclass(frozen=True)
class JudgementsTrec(Export):
    """Writes the judged pairs of a table with query_id, product_id and label; unjudged pairs have no line in qrels.

    labels: names of the grades, worst first (I C S E becomes 0 1 2 3); empty where labels are whole numbers already.
    repeated: what to do with a pair that has two grades: refuse, or keep the lowest, highest or last.
    Gains such as ESCI's 0.1 do not fit: qrels hold whole numbers, gains belong to the measure.
    Raises DataError D181 to D184.
    """

    suffix: ClassVar[str] = ".qrels"

    labels: tuple[str, ...] = ()
    repeated: Repeated = "refuse"

    def write(self, table: pa.Table, path: Path) -> None:
        found = judgements(table, ("query_id",), ("product_id",), self.labels, self.repeated)
        judged = [j for j in found if j.grade is not None]
        _refuse_blanks(judged)
        with path.open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(f"{j.query} 0 {j.product} {j.grade}\n" for j in judged)


def _refuse_blanks(judged: list[Judgement]) -> None:
    """Raise D184 for ids that are empty or hold blanks: the columns of qrels are split at blanks."""
    wrong = [name for j in judged for name in (j.query, j.product) if len(name.split()) != 1 or name.strip() != name]
    if wrong:
        raise DataError("D184", count=len(wrong), first=wrong[0])
