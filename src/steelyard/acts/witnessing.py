"""Gathering the evidence of a row: what its twins, the models, the training and its own words say."""

from __future__ import annotations

from collections import Counter

import numpy as np

from steelyard.features import attributes, duplicates
from steelyard.values.arrays import Floats, Ints
from steelyard.values.evidence import Evidence
from steelyard.values.readings import Readings
from steelyard.values.samples import Samples
from steelyard.values.signals import Signals

TWINS_SHOWN = 20


def evidence(samples: Samples, signals: Signals, readings: Readings, twins: Ints, rows: Ints) -> list[Evidence]:
    """Return the evidence of the rows at ``rows`` (k,), in that order; twins (n,): codes of near-identical pairs."""
    names, given = samples.scale.names, signals["given"]
    best = signals["posterior"].argmax(1)
    probability = signals["probability"]
    votes = _votes(signals)
    opposing = _opposing(readings["benefit"])
    learned = signals["learned"]
    epochs = learned.shape[1] if "probability_linear" in signals else 0
    members = _Members(samples, twins)
    pairs = duplicates.pair_codes(samples)
    words = _Words(samples, rows)
    out = []
    for place, row in enumerate(rows):
        own, other = int(given[row]), int(best[row])
        near = members.of(row) if signals["contradicting"][row] or signals["agreeing"][row] else []
        labels = Counter(names[given[r]] for r in near)
        against = [(n, c) for n, c in labels.most_common() if own < 0 or n != names[own]]
        same_pair = [r for r in near if pairs[r] == pairs[row]]
        out.append(
            Evidence(
                given=names[own] if own >= 0 else "",
                suggested="" if other == own else names[other],
                lowers=(other < own) if samples.scale.ordered and other != own else None,
                similar=len(near),
                contradicting=against[0][1] if against else 0,
                contradicting_label=against[0][0] if against else "",
                judgements=members.judgements([row, *same_pair]) if same_pair else (),
                probability=float(probability[row, other]),
                agreeing=int((votes[:, row] == other).sum()),
                voters=len(votes),
                epochs=epochs,
                learned=int(learned[row].sum()),
                opposing=opposing[row] if np.isfinite(opposing[row]) else None,
                clash=words.clash(place),
            )
        )
    return out


def _votes(signals: Signals) -> Ints:
    """Return (v, n) the label that each model would give, out of fold."""
    models = [m for m in ("probability_linear", "probability_boosted", "repaired") if m in signals]
    return np.stack([signals[m].argmax(1) for m in models])


def _opposing(benefit: Floats) -> Floats:
    """Return (n,) the share of rows whose gradient opposes the held-out rows at least as much; NaN where unknown."""
    out = np.full(len(benefit), np.nan)
    against = np.flatnonzero(np.isfinite(benefit) & (benefit < 0))
    rank = np.argsort(np.argsort(benefit[against], kind="stable"), kind="stable")
    out[against] = (rank + 1) / max(int(np.isfinite(benefit).sum()), 1)
    return out


class _Members:
    """Rows by the code of their near-identical pair, labelled rows of the same split only."""

    def __init__(self, samples: Samples, twins: Ints) -> None:
        self.samples, self.codes = samples, twins
        self.split = duplicates.split_codes(samples)[0]
        labelled = np.flatnonzero(samples.labelled)
        self.order = labelled[np.argsort(twins[labelled], kind="stable")]
        self.sorted = twins[self.order]

    def of(self, row: int) -> list[int]:
        start, stop = np.searchsorted(self.sorted, [self.codes[row], self.codes[row] + 1])
        near = self.order[start : min(stop, start + TWINS_SHOWN + 1)]
        return [int(r) for r in near if r != row and self.split[r] == self.split[row]]

    def judgements(self, rows: list[int]) -> tuple[tuple[str, str], ...]:
        names, label = self.samples.scale.names, self.samples.label
        judges = [self.samples.table["annotator"][r].as_py() if self.samples.has("annotator") else "" for r in rows]
        return tuple((names[label[r]], str(j or "")) for r, j in zip(rows, judges, strict=True) if label[r] >= 0)


class _Words:
    """The texts of the wanted rows, for clashes of numbers and sizes."""

    def __init__(self, samples: Samples, rows: Ints) -> None:
        import pyarrow as pa

        wanted = samples.has("query") and samples.has("title")
        table = samples.table.select(["query", "title"]).take(pa.array(rows)) if wanted else None
        self.pairs = table.to_pylist() if table is not None else None

    def clash(self, place: int) -> attributes.Clash | None:
        if self.pairs is None:
            return None
        pair = self.pairs[place]
        return attributes.clash((pair["query"] or "")[:200], (pair["title"] or "")[:300])
