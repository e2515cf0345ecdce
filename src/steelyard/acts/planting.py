"""Planting: known errors inside one scoring, to see how many of them its flags find; no label that leaves is touched.

What a model says of a held-out row does not depend on that row's label, so a label can be flipped after the models are
trained: the noise is estimated again with the flips in it, twins are counted again, and suspicion and flags are read
again. It costs one more reading of signals, no training.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from steelyard.acts import estimating, repairing, scoring
from steelyard.acts.intervals import share
from steelyard.features import duplicates
from steelyard.features.table import Table
from steelyard.values.arrays import AnyArray, Ints
from steelyard.values.readings import Readings
from steelyard.values.samples import Samples
from steelyard.values.signals import SAME, Signals

#: Share of the labelled rows that get a flip; FEWEST in small tables, but no more than a fifth.
SHARE, FEWEST, MOST_SHARE = 0.02, 200, 0.2
#: Fewer planted errors than this say nothing.
LEAST = 30
#: Shares of the most suspicious rows within which planted errors are counted.
WITHIN = (0.01, 0.05, 0.1)


def planted(
    samples: Samples,
    table: Table,
    measured: Mapping[str, AnyArray],
    signals: Signals,
    readings: Readings,
    suspicion: Any,
    twins: Ints,
    seed: int,
) -> dict[str, Any] | None:
    """Return how many planted errors this scoring finds, None where fewer than LEAST can be planted.

    suspicion: the Estimator whose suspicion is asked. twins: (n,) of near-identical rows. Flipped are rows that are not
    flagged, to a label that counts as another one, every one equally likely.
    The facts: planted, found (flagged), recall with its 95% interval; within: share of the planted errors among the
    first 1, 5, 10% of the ranking; rate: the share of wrong labels, if they were as easy to find as planted ones:
    (flagged rows x their mean chance of being wrong) / (rows x recall).
    """
    rng = np.random.default_rng(seed)
    given = signals["given"]
    known = np.flatnonzero(given >= 0)
    count = int(max(SHARE * len(known), min(FEWEST, MOST_SHARE * len(known))))
    mute = signals["marked"] > 0
    able = known[~readings["flagged"][known] & ~mute[known] & (signals["distance"][known] >= SAME).any(1)]
    if min(count, len(able)) < LEAST:
        return None
    rows = rng.permutation(able)[:count]
    label = given.copy()
    other = signals["distance"][rows] >= SAME
    label[rows] = (rng.random(other.shape) * other).argmax(1)
    latest, evidence = signals["latest"], np.where(mute, -1, label)
    least = repairing.kept(repairing.levelled(signals["probability"], evidence), evidence)
    posterior = repairing.posterior(latest, evidence, repairing.mixing(latest, evidence, least))
    again = scoring.as_signals(
        signals.row_key,
        replace(table, label=label),
        {**measured, "posterior": posterior, **duplicates.evidence(replace(samples, label=label), twins)},
    )
    value = suspicion.estimate(again)
    flagged = estimating.flags(value, posterior, again["distance"], label)
    hits = int(flagged[rows].sum())
    low, high = share(hits, len(rows))
    place = np.empty(len(label))
    place[np.argsort(-np.nan_to_num(value, nan=-1.0), kind="stable")] = np.arange(len(label))
    expected = float(np.nansum(readings["p_wrong"][readings["flagged"]]))
    return {
        "planted": len(rows),
        "found": hits,
        "recall": hits / len(rows),
        "low": low,
        "high": high,
        "within": [{"share": s, "recall": float(np.mean(place[rows] < s * len(known)))} for s in WITHIN],
        "rate": min(expected * len(rows) / (len(known) * hits), 1.0) if hits else None,
    }
