"""Tables of rankings for the tests of measures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from steelyard.parts.measures import Measure, cut
from steelyard.values.ranking import Ranking
from steelyard.values.scale import Scale

ESCI = Scale(("I", "C", "S", "E"), True, (0.0, 0.01, 0.1, 1.0))
TWO = Scale(("no", "yes"), False)
THREE = Scale(("news", "shop", "video"), False)


def ranking(labels, scores, group=None, scale=ESCI, docid=None, probability=None) -> Ranking:
    labels = np.asarray(labels, dtype=np.int64)
    group = np.zeros(len(labels), dtype=np.int64) if group is None else np.asarray(group, dtype=np.int64)
    return Ranking(group, labels, scale, np.asarray(scores, dtype=float), probability, docid)


def random_ranking(
    seed: int, queries: int = 40, scale: Scale = ESCI, levels: int = 6, unjudged: bool = True
) -> Ranking:
    """Lists of 1 to 12 rows in mixed order, scores on few levels (many ties), some rows not judged."""
    rng = np.random.default_rng(seed)
    group = np.repeat(rng.permutation(1000)[:queries], rng.integers(1, 13, queries))
    group = rng.permutation(group)
    n, c = len(group), len(scale)
    label = rng.integers(-1 if unjudged else 0, c, n)
    probability = rng.dirichlet(np.ones(c), n)
    docid = np.array([f"d{i:05d}" for i in rng.permutation(n)])
    return Ranking(group, label, scale, rng.integers(0, levels, n) / levels, probability, docid)


def rows_of(table: Ranking, keep: np.ndarray) -> Ranking:
    """The rows ``keep`` (numbers, may repeat) as a table of their own."""
    pick = lambda column: None if column is None else column[keep]  # noqa: E731
    return Ranking(
        table.group[keep],
        table.label[keep],
        table.scale,
        table.relevance[keep],
        pick(table.probability),
        pick(table.docid),
    )


def drawn(table: Ranking, weight: np.ndarray) -> Ranking:
    """The table in which group g stands weight[g] times, each copy a group of its own."""
    keep, group = [], []
    for code, times in enumerate(weight):
        rows = np.flatnonzero(table.codes == code)
        for copy in range(int(times)):
            keep.append(rows)
            group.append(np.full(len(rows), code * 1000 + copy))
    again = rows_of(table, np.concatenate(keep))
    return Ranking(np.concatenate(group), again.label, again.scale, again.relevance, again.probability, again.docid)


@dataclass(frozen=True)
class ListLength(Measure):
    """A measure outside the package: rows of each query, at most k."""

    k: int | None = cut()

    def per_query(self, ranking: Ranking) -> np.ndarray:
        return np.minimum(np.bincount(ranking.codes, minlength=ranking.n_groups).astype(float), self.k or np.inf)
