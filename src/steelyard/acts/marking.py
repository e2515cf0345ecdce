"""Marking: rows whose label came with one word, while the rest of the row says something else.

A model learns whatever goes with a label. Where wrong labels came with a word, every model that was taught by those
rows finds them right, held out or not. A model that none of them taught does not. Asked about them it should say their
label about as often as of other rows with that label; where it says it no more often than of rows with other labels,
and is as sure of those others as it is elsewhere, the word alone carries the label. A word that is truly telling (the
name of a brand) leaves such a model unsure.

Ours. Near: the partial-input baselines of Gururangan et al. 2018 (arXiv 1803.02324) and the bias models of He et al.
2019 (arXiv 1908.10763), which ask what a part says of the label; we ask what the rest says.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

from steelyard.acts.disagreeing import words
from steelyard.acts.folding import spread
from steelyard.features.blocks import ROWS_AT_ONCE
from steelyard.features.personal import mask
from steelyard.features.table import Table
from steelyard.values.arrays import Floats, Ints, Mask
from steelyard.values.samples import Samples

#: Rows with one label that a word must have, as a share of all and in number; and the share above which it is no mark.
LEAST, ROWS, MOST = 0.03, 30, 0.2
#: Of the rows with the word, those that have the label: planted marks 0.83 and more.
PURE = 0.8
#: Rows read at most; words tested at most, in that many models, each of which leaves out at most that share of them.
READ, TESTED, MODELS, OUT = 20_000, 24, 3, 0.35
#: Of the way from rows with other labels (0) to other rows with the same label (1), what a mark stays below with two
#: standard errors: planted marks 0.25 at most where anything tells them, words of tables without marks 0.65 and more.
NEAR = 0.4
#: How sure the model is of the other labels, over how sure it is of rows elsewhere: planted marks 0.79 and more, words
#: of tables without marks that pass ``NEAR`` at most 0.53.
SURE = 0.75
#: Rows with the label but without the word, and how far a model tells them from others: less teaches nothing.
ELSEWHERE, TELLS = 10, 0.1
#: Of a mark's rows, that a word must have to be its name.
COVERS = 0.8


@dataclass(frozen=True)
class Mark:
    """column: of the hashed text. label: its rows' most frequent one. labelled: rows that carry both."""

    column: int
    label: int
    labelled: int


def marked(table: Table, linear: Any, probability: Floats, seed: int) -> Ints:
    """Return (n,) which mark a row carries together with its label: 1 the one of most rows, 0 none.

    probability: (n, c) out of fold. Looked for in tables of texts alone: of pairs, where the sparse rows hold
    similarities too, a model that never saw a kind of pair is sure and wrong on clean labels (measured).
    """
    found = marks(table, linear, probability, seed)
    out = np.zeros(len(table), np.int16)
    for start in range(0, len(table) if found else 0, ROWS_AT_ONCE):
        stop = min(start + ROWS_AT_ONCE, len(table))
        assert table.text is not None
        x = table.text(start, stop).tocsc()
        for number, mark in enumerate(found, 1):
            own = start + _rows(x, mark.column)
            out[own[(table.label[own] == mark.label) & (out[own] == 0)]] = number
    return out


def marks(table: Table, linear: Any, probability: Floats, seed: int) -> list[Mark]:
    """Return the marks of a table, those of most rows first; see ``marked``.

    One word alone: where two or more words of one label pass, that is how these texts talk (of shares that fall, of a
    contract that ends), and what they say is no accident of labelling.
    """
    if table.text is None or table.features.shape[1]:
        return []
    rows = spread(table.group, READ, seed)
    rows = rows[table.label[rows] >= 0]
    x, label, p = table.rows(rows), table.label[rows], probability[rows]
    carries = x.tocsc()
    bins, out = _bins(_candidates(x, label, table.classes), carries, len(rows))
    if not bins:
        return []
    target = np.eye(table.classes, dtype=np.float32)[label]
    *_, fitted = linear.train(x, target, (~out).astype(np.float32), seed)
    said = fitted.predict(x)
    found: list[Mark] = []
    for m, b in enumerate(bins):
        for column, k in b:
            mark = _tested(column, k, _rows(carries, column), label, said[:, m], p, out[:, m])
            if mark:
                found.append(mark)
    alone = [mark for mark in found if sum(other.label == mark.label for other in found) == 1]
    return sorted(alone, key=lambda mark: -mark.labelled)


def named(samples: Samples, found: Ints) -> list[dict[str, Any]]:
    """Return each mark as people see it: the word (masked) that most of its rows and few others have, else ``?``: marks
    are pieces of text, which need not be whole words.

    found: (n,) of ``marked``. Each: value, rows that have the word, labelled: rows whose label came with it, label.
    """
    out: list[dict[str, Any]] = []
    rows = np.union1d(spread(samples.group, READ, 0), np.flatnonzero(found))
    for number in np.unique(found[found > 0]):
        own = found == number
        having, inside = words(samples, rows, own)
        count = int(own.sum())
        best = max(inside, key=lambda w: (inside[w] / (having[w] + count), w), default="")
        whole = inside[best] >= COVERS * count and inside[best] >= having[best] / 2
        label = samples.scale.names[int(samples.label[own][0])]
        value, rows_ = (mask(best), having[best]) if whole else ("?", count)
        out.append({"value": value, "rows": rows_, "labelled": count, "label": label})
    return out


def _candidates(x: sp.csr_matrix, label: Ints, classes: int) -> list[tuple[int, int]]:
    """Return (column, label) where a column has one label more often than the table: least likely by chance first."""
    n = x.shape[0]
    ones = sp.csr_matrix((np.ones_like(x.data), x.indices, x.indptr), shape=x.shape)
    held = np.asarray(ones.sum(0)).ravel()
    least = max(ROWS, LEAST * n)
    columns = np.flatnonzero((held >= least) & (held <= MOST * n))
    counts = np.asarray((sp.csr_matrix((np.ones(n), (label, np.arange(n))), (classes, n)) @ ones[:, columns]).todense())
    prior = np.bincount(label, minlength=classes) / n
    beyond = counts - prior[:, None] * held[columns]
    k = beyond.argmax(0)
    own, at = counts[k, np.arange(len(columns))], prior[k]
    z = beyond.max(0) / np.sqrt(np.maximum(held[columns] * at * (1 - at), 1e-9))
    kept = np.flatnonzero((own >= least) & (own >= PURE * held[columns]) & (z >= 4))
    kept = kept[np.argsort(-z[kept], kind="stable")]
    return [(int(columns[j]), int(k[j])) for j in kept]


def _bins(
    candidates: list[tuple[int, int]], carries: sp.csc_matrix, n: int
) -> tuple[list[list[tuple[int, int]]], Mask]:
    """Return the candidates in m bins, at most ``MODELS``, and (n, m) the rows of each, at most ``OUT`` of all."""
    used = np.zeros((MODELS, n), bool)
    bins: list[list[tuple[int, int]]] = [[] for _ in range(MODELS)]
    taken: list[Ints] = []
    for column, k in candidates:
        rows = _rows(carries, column)
        if any(_alike(rows, other) for other in taken):
            continue
        for b in np.argsort([used[i][rows].mean() < 0.5 for i in range(MODELS)], kind="stable"):
            if used[b].sum() + (~used[b][rows]).sum() <= OUT * n:
                used[b][rows] = True
                bins[b].append((column, k))
                taken.append(rows)
                break
        if len(taken) == TESTED:
            break
    filled = [i for i, b in enumerate(bins) if b]
    return [bins[i] for i in filled], used[filled].T


def _rows(x: sp.csc_matrix, column: int) -> Ints:
    return x.indices[x.indptr[column] : x.indptr[column + 1]]


def _alike(a: Ints, b: Ints) -> bool:
    """Say whether two columns share most of their rows: pieces of one word."""
    both = len(np.intersect1d(a, b, assume_unique=True))
    return both >= 0.8 * min(len(a), len(b)) and max(len(a), len(b)) <= 1.5 * min(len(a), len(b))


def _tested(column: int, k: int, rows: Ints, label: Ints, said: Floats, p: Floats, out: Mask) -> Mark | None:
    """Return the mark, where the model that none of ``out`` taught, (n, c) ``said``, takes its rows for others."""
    own = rows[label[rows] == k]
    same, other = ~out & (label == k), ~out & (label != k)
    if same.sum() < ELSEWHERE or not other.any():
        return None
    low, high = float(p[other, k].mean()), float(p[same, k].mean())
    against = own[said[own].argmax(1) != k]
    if high - low < TELLS or len(against) < ROWS / 2:
        return None
    way = (float(said[own, k].mean()) - low) / (high - low)
    sure = float(said[against].max(1).mean() / p[~out].max(1).mean())
    error = float(said[own, k].std() / np.sqrt(len(own)) / (high - low))
    return Mark(column, k, len(own)) if way + 2 * error <= NEAR and sure >= SURE else None
