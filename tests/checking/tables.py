"""Samples made by hand for these tests."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from steelyard.values.samples import Origin, Samples, Task
from steelyard.values.scale import Scale


def table(
    label: Any,
    names: tuple[str, ...] = ("0", "1", "2"),
    task: Task = "relevance",
    ordered: bool | None = None,
    **columns: Any,
) -> Samples:
    """Return Samples with canonical ``columns``; row_key is r0, r1, ...; group is the exact query or text."""
    n = len(label)
    arrays = {name: v if isinstance(v, pa.Array) else pa.array(v) for name, v in columns.items() if name != "numeric"}
    who = [str(v) for v in columns.get("query", columns.get("text", range(n)))]
    seen: dict[str, int] = {}
    group = np.array([seen.setdefault(w, len(seen)) for w in who], np.int64)
    ordered = task == "relevance" if ordered is None else ordered
    return Samples(
        table=pa.table({"row_key": pa.array([f"r{i}" for i in range(n)], pa.string()), **arrays}),
        task=task,
        scale=Scale(names, ordered),
        label=np.array(label, np.int32),
        group=group,
        origin=Origin((), "0" * 16, "memory"),
        columns={"label": "label"},
        numeric=columns.get("numeric"),
    )
