"""Quepid and OpenSearch judgement list: CSV with ``query,docid,rating``."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pyarrow as pa

from steelyard.parts.exports import Export
from steelyard.parts.exports._judgements import Repeated, judgements


@dataclass(frozen=True)
class JudgementsQuepid(Export):
    """Writes query texts (query ids where a table has no texts), product ids and ratings; unrated cells stay empty.

    labels: names of the grades, worst first (I C S E becomes 0 1 2 3); empty where labels are whole numbers already.
    repeated: what to do with a pair that has two grades: refuse, or keep the lowest, highest or last.
    Raises DataError D181 to D183.
    """

    suffix: ClassVar[str] = ".csv"

    labels: tuple[str, ...] = ()
    repeated: Repeated = "refuse"

    def write(self, table: pa.Table, path: Path) -> None:
        found = judgements(table, ("query", "query_id"), ("product_id",), self.labels, self.repeated)
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(("query", "docid", "rating"))
            writer.writerows((j.query, j.product, "" if j.grade is None else j.grade) for j in found)
