"""The lists of a ranking, sorted once, with their ties: every ranking measure is a few sums over them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from steelyard.errors import DataError
from steelyard.parts.measures._grades import relevant
from steelyard.values.arrays import AnyArray, Floats, Ints, Mask
from steelyard.values.ranking import Ranking


@dataclass(frozen=True)
class Lists:
    """m rows of q lists, each list contiguous and best first; a block is a run of equal scores in one list.

    row: (m,) place in the Ranking. query: (m,) 0..q-1. rank: (m,) 1, 2, ... in its list. block: (m,) 0, 1, ...
    first: (m,) rank of the first row of the block. size: (m,) rows in the block.
    """

    n_queries: int
    row: Ints
    query: Ints
    rank: Ints
    block: Ints
    first: Ints
    size: Ints

    def per_query(self, values: AnyArray) -> Floats:
        """Return (q,) sums of values (m,)."""
        return np.asarray(np.bincount(self.query, weights=values, minlength=self.n_queries), dtype=float)

    def in_block(self, values: AnyArray) -> Floats:
        """Return (m,): for each row the sum of values (m,) over its block."""
        return np.asarray(np.bincount(self.block, weights=values), dtype=float)[self.block]

    def tie_mean(self, values: AnyArray) -> Floats:
        """Return (m,) values averaged over each block: what a row gets on average over all orders of its block."""
        return self.in_block(values) / self.size

    def before_block(self, values: AnyArray) -> Floats:
        """Return (m,): the sum of values (m,) over the rows of the list that stand before the row's block."""
        if not len(self.row):
            return np.zeros(0)
        sums = np.concatenate([[0.0], np.cumsum(values, dtype=np.longdouble)])
        index = np.arange(len(self.row))
        return (sums[index - self.rank + self.first] - sums[index - self.rank + 1]).astype(float)

    def within(self, k: int | None) -> Mask:
        """Return (m,): True where the rank is inside the cut."""
        return np.ones(len(self.rank), dtype=bool) if k is None else self.rank <= k


def lists(ranking: Ranking, ties: str = "avg", unjudged: str = "zero") -> Lists:
    """Return the lists of a ranking.

    ties: ``avg`` keeps blocks of equal scores; ``trec`` and ``first`` put an order in them, so each block is one row.
    unjudged: ``drop`` leaves rows without a label out. Raises DataError D162 for ``trec`` without docids.
    """
    order = trec_order(ranking) if ties == "trec" else ranking.order
    if unjudged == "drop":
        order = order[ranking.judged[order]]
    query = ranking.codes[order]
    starts = changes(query)
    rank = since(starts)
    edges = starts | changes(ranking.relevance[order]) if ties == "avg" else np.ones(len(order), dtype=bool)
    block = np.cumsum(edges) - 1
    size = np.bincount(block)[block] if len(order) else block
    return Lists(ranking.n_groups, order, query, rank, block, rank - since(edges) + 1, size)


def changes(values: AnyArray) -> Mask:
    """Return (m,): True at the first row and wherever a value differs from the one before."""
    edge = np.ones(len(values), dtype=bool)
    edge[1:] = values[1:] != values[:-1]
    return edge


def since(edges: Mask) -> Ints:
    """Return (m,): 1 at each edge, then 2, 3, ..."""
    index = np.arange(len(edges))
    return index - np.maximum.accumulate(np.where(edges, index, 0)) + 1


def trec_order(ranking: Ranking) -> Ints:
    """Return rows by group, score and docid, both descending; trec_eval keeps scores as 32-bit floats."""
    if ranking.docid is None:
        raise DataError("D162")
    with np.errstate(over="ignore"):
        score = np.asarray(ranking.relevance).astype(np.float32)
    place = np.unique(np.asarray(ranking.docid).astype(str), return_inverse=True)[1]
    return np.lexsort((-place, -score, ranking.codes))


def settle(value: Floats, total: Floats, empty: str, has: Mask) -> Floats:
    """Return value / total (q,), and what ``empty`` says for the queries that have nothing relevant."""
    missing = {"skip": np.nan, "zero": 0.0, "one": 1.0}[empty]
    return np.divide(value, total, out=np.full(len(has), missing), where=has)


def tie_rate(ranking: Ranking) -> float:
    """Return the share of rows whose score another row of the same query has too; 0 for no rows.

    A high rate means the order was left to chance (or to the measure's rule for ties), not decided by the model.
    """
    return float(np.mean(lists(ranking).size > 1)) if len(ranking) else 0.0


def auc_of_lists(ranking: Ranking, rel: str | None) -> Floats:
    """Return (q,) the AUC inside each list of judged rows, NaN where all are relevant or none is.

    From the mean ranks of the relevant rows (Mann and Whitney 1947), a pair of equal scores counting one half.
    """
    ranked = lists(ranking, "avg", "drop")
    positive = relevant(ranking, rel, ranked.row)
    n, P = ranked.per_query(np.ones(len(ranked.row))), ranked.per_query(positive)
    mean_rank = ranked.first + (ranked.size - 1) / 2
    above = ranked.per_query(positive * (n[ranked.query] - mean_rank)) - P * (P - 1) / 2
    pairs = P * (n - P)
    return settle(above, pairs, "skip", pairs > 0)
