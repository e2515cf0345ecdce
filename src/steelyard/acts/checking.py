"""Checking: look at a table before any model sees it, and say everything that is wrong at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from steelyard.acts.checks.columns import check_columns, check_empty
from steelyard.acts.checks.cost import Load, Machine, check_cost, deep_costs, quick_cost
from steelyard.acts.checks.labels import check_clicks, check_labels, check_queries, tag_counts
from steelyard.acts.checks.looked import Findings, Looked
from steelyard.acts.checks.power import check_power
from steelyard.acts.checks.privacy import check_personal
from steelyard.acts.checks.repeats import check_contradictions, check_duplicates, check_leaks, check_wrong_labels
from steelyard.values.checkup import Checkup
from steelyard.values.samples import Samples

CHECKS = (
    check_empty,
    check_labels,
    check_clicks,
    check_queries,
    check_duplicates,
    check_contradictions,
    check_wrong_labels,
    check_leaks,
    check_personal,
    check_power,
)


def check(samples: Samples, *, strict: bool = False, machine: Machine | None = None) -> Checkup:
    """Look at a table and collect every finding; never stops at the first, never raises for the data.

    strict: warnings make ``raise_for_errors`` fail too. machine: whose cores and memory the estimate is for; None:
    this one. The findings about the data depend on the samples only; texts are not quoted, row keys are.
    """
    machine = machine or Machine.here()
    looked = Looked(_by_tags(samples) if samples.task == "tagging" else samples)
    found = [*samples.notes, *check_columns(looked)]
    load = Load.of(looked)
    cost = quick_cost(load, machine)
    if len(samples):
        found += _all(f(looked) for f in CHECKS)
        found += check_cost(looked, machine, cost)
    return Checkup(tuple(found), _facts(looked), {"quick": cost, **deep_costs(load, machine, cost)}, strict)


def _by_tags(samples: Samples) -> Samples:
    """Return tagged samples with a label a sequence of tags, so that equal tokens with other tags contradict."""
    tags = ["\0".join(map(str, row or ())) for row in samples.table["tags"].to_pylist()]
    return replace(
        samples, label=np.unique(np.array(tags, object).astype(str), return_inverse=True)[1].astype(np.int32)
    )


def _all(parts: Iterable[Findings]) -> Findings:
    for part in parts:
        yield from part


def _facts(looked: Looked) -> dict[str, Any]:
    samples = looked.samples
    counts = np.bincount(samples.label[samples.labelled], minlength=len(samples.scale)).tolist()
    if samples.task == "tagging":
        counts = list(tag_counts(samples).values())
    return {
        "task": samples.task,
        "rows": len(samples),
        "columns": dict(samples.columns),
        "splits": {name: int(looked.of_split(name).sum()) for name in looked.splits},
        "labels": {name: int(c) for name, c in zip(samples.scale.names, counts, strict=False)},
        "ordered": samples.scale.ordered,
        "queries": len(np.unique(looked.query)) if looked.ranked else 0,
    }
