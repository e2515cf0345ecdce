"""dproduct_crowd as a user would give it: the crowd's label to learn from, the truth as gold to judge by only."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq

import steelyard as sy
from _results import data
from steelyard.values.samples import Samples

COLUMNS = {
    "query": "left_name", "query_description": "left_description", "query_price": "left_price",
    "title": "right_name", "description": "right_description", "brand": "right_manufacturer", "price": "right_price",
    "label": "crowd", "gold": "truth",
}  # fmt: skip


def table(which: str) -> pa.Table:
    """Return the pairs as a table; ``crowd`` is the majority's label or the first answer, ``truth`` what is so."""
    folder = data("dproduct_crowd")
    found = pq.read_table(folder / "pairs.parquet").drop_columns(["leipzig_match", "pair_id"])
    if which == "majority":
        crowd = [int(2 * yes > votes) for yes, votes in zip(
            found["n_yes"].to_pylist(), found["n_votes"].to_pylist(), strict=True)]  # fmt: skip
    else:
        answers = pq.read_table(folder / "answers.parquet").to_pylist()
        first: dict[str, int] = {}
        for a in answers:
            first.setdefault(a["pair_id"], a["answer"])
        ids = pq.read_table(folder / "pairs.parquet", columns=["pair_id"])["pair_id"].to_pylist()
        crowd = [first[i] for i in ids]
    return found.drop_columns(["n_yes", "n_votes"]).append_column("crowd", pa.array(crowd))


def pairs(which: str, rows: int | None = None) -> Samples:
    """Return the same as samples; groups are left products. rows: of whole groups by chance, at most that many."""
    return sy.read(table(which), columns=COLUMNS, group_by="left_id", task="relevance", sample=rows)
