"""Opening: look at the columns of a table and read it as what it is, Samples or Interactions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import chain
from typing import Any

import numpy as np
import pyarrow as pa

from steelyard.acts import interacting, naming, reading
from steelyard.acts.folding import spread
from steelyard.errors import UsageError, nearest
from steelyard.parts.sources import Source
from steelyard.values.interactions import Interactions
from steelyard.values.samples import Samples

#: Options that only samples have.
OF_SAMPLES = ("labels", "label_order", "group_by")


def read(source: Source, where: Any, asked: Mapping[str, Any]) -> Samples | Interactions:
    """Read ``where`` with ``source``. asked: the reading options that were given.

    Interactions: when ``task`` says ``recommendation``, or an option is given that only they have, or the table has
    users and items and neither query nor text. Raises UsageError U107 for an option of the other kind.
    """
    batches: Iterator[pa.RecordBatch] = iter(reading.guarded(source, where))
    first = next(batches, None)
    whole = chain(() if first is None else (first,), batches)
    task = asked.get("task")
    ours = task == "recommendation"
    if task is None and first is not None:
        ours = any(name in asked for name in interacting.OPTIONS)
        ours = ours or naming.interacts(first.schema, asked.get("columns"), source.columns)
    foreign = OF_SAMPLES if ours else interacting.OPTIONS
    for name in asked:
        if name in foreign:
            known = [n for n in ("columns", "task", *OF_SAMPLES, *interacting.OPTIONS) if n not in foreign]
            kind = "interactions" if ours else "samples"
            raise UsageError("U107", name=kind, option=name, near=nearest(name, known) or "-", known=", ".join(known))
    if ours:
        return interacting.read(source, where, whole, **{k: v for k, v in asked.items() if k != "task"})
    return reading.read(source, where, whole, **asked)


def some(found: Samples | Interactions, count: int) -> Samples | Interactions:
    """Return about ``count`` rows: whole groups of samples, whole users of interactions; by chance with seed 0."""
    if isinstance(found, Samples):
        return found.take(spread(found.group, count, 0))
    return packed(found.take(np.sort(spread(found.user, count, 0))))


def packed(found: Interactions) -> Interactions:
    """Return the same rows with only the users and items that they name."""
    users, user = np.unique(found.user, return_inverse=True)
    items, item = np.unique(found.item, return_inverse=True)
    about = {n: None if (of := getattr(found, n)) is None else of[items] for n in ("titles", "item_features")}
    named: dict[str, Any] = {"user_ids": found.user_ids[users], "item_ids": found.item_ids[items], **about}
    return replace(found, user=user.astype(np.int64), item=item.astype(np.int64), **named)
