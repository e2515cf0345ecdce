"""The ladder of noise: what is done to true labels, from nothing to errors that come with a token. One seed, one noise.

Uniform flips are the easiest rung and say the least. People's own errors are no rung that can be made: those labels
come with their tables (`tables.Named.people`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from benchmarks.evidence import weak
from benchmarks.evidence.labelled import Labelled, labelled
from steelyard.acts.encoding import encode
from steelyard.values.samples import Samples

CLEAN = "clean"
TOKEN, STRAY = "zq7731x", 0.01  # the artefact, and the share of right rows that carry it too


@dataclass(frozen=True)
class Rung:
    """kind of noise, and the share of rows that get a wrong label."""

    kind: str
    rate: float = 0.0


RUNGS = {
    CLEAN: Rung("clean"),
    "uniform_10": Rung("uniform", 0.1),
    "uniform_20": Rung("uniform", 0.2),
    "uniform_40": Rung("uniform", 0.4),
    "adjacent_20": Rung("adjacent", 0.2),
    "class_20": Rung("by_class", 0.2),
    "instance_10": Rung("by_row", 0.1),
    "instance_20": Rung("by_row", 0.2),
    "artefact_token_10": Rung("token", 0.1),
    "artefact_slice_10": Rung("slice", 0.1),
    "artefact_token_5": Rung("token", 0.05),  # last: a rung's place is in its seed
}


def plant(samples: Samples, rung: str, seed: int, column: str = "") -> Labelled:
    """Return the samples with wrong labels and the truth as gold; column: the slice of an artefact in a slice.

    Raises ValueError for a rung that the table cannot have (neighbouring grades of two labels, a slice without one).
    """
    step, truth = RUNGS[rung], np.asarray(samples.label)
    rng = np.random.default_rng([seed, len(truth), list(RUNGS).index(rung)])
    changed = samples
    if step.kind == "clean":
        given = truth.copy()
    elif step.kind == "uniform":
        given = _others(truth, _some(len(truth), step.rate, rng), len(samples.scale), rng)
    elif step.kind == "adjacent":
        given = _adjacent(samples, step.rate, rng)
    elif step.kind in ("by_class", "by_row"):
        p = weak.probabilities(samples, encode(samples), seed)
        given = (_by_class if step.kind == "by_class" else _by_row)(truth, p, step.rate, rng)
    elif step.kind == "token":
        given, changed = _token(samples, step.rate, rng)
    else:
        given = _slice(samples, column, step.rate, rng)
    return Labelled(labelled(changed, given, truth), given != truth)


def _some(n: int, rate: float, rng: np.random.Generator) -> np.ndarray:
    rows = np.zeros(n, bool)
    rows[rng.permutation(n)[: round(rate * n)]] = True
    return rows


def _others(truth: np.ndarray, rows: np.ndarray, classes: int, rng: np.random.Generator) -> np.ndarray:
    given = truth.copy()
    given[rows] = (truth[rows] + rng.integers(1, classes, rows.sum())) % classes
    return given


def _adjacent(samples: Samples, rate: float, rng: np.random.Generator) -> np.ndarray:
    """The slip of a good judge: one grade up or down."""
    top = len(samples.scale) - 1
    if not samples.scale.ordered or top < 2:
        raise ValueError("neighbouring grades need an ordered scale of three or more")
    truth = np.asarray(samples.label)
    rows = _some(len(truth), rate, rng)
    up = rng.random(len(truth)) < 0.5
    up = np.where(truth == 0, True, np.where(truth == top, False, up))
    return np.where(rows, truth + np.where(up, 1, -1), truth)


def _by_class(truth: np.ndarray, p: np.ndarray, rate: float, rng: np.random.Generator) -> np.ndarray:
    """A class is given as another as often as a weak model takes it for that one; what it confuses more, errs more."""
    c = p.shape[1]
    mean = np.array([p[truth == k].mean(0) if np.any(truth == k) else np.eye(c)[k] for k in range(c)])
    return _drawn(truth, mean[truth], rate, rng)


def _by_row(truth: np.ndarray, p: np.ndarray, rate: float, rng: np.random.Generator) -> np.ndarray:
    """A row errs in proportion to what a weak model leaves to other labels, towards those that it takes it for."""
    return _drawn(truth, p, rate, rng)


def _drawn(truth: np.ndarray, p: np.ndarray, rate: float, rng: np.random.Generator) -> np.ndarray:
    """Return labels: rows are flipped with a chance in proportion to 1 - p(truth), at most 0.9, `rate` on average."""
    rows = np.arange(len(truth))
    other = p.copy()
    other[rows, truth] = 0.0
    doubt = np.maximum(other.sum(1), 1e-9)
    low, high = 0.0, 0.9 / doubt.min()
    for _ in range(60):
        scale = (low + high) / 2
        low, high = (scale, high) if np.minimum(0.9, scale * doubt).mean() < rate else (low, scale)
    flip = rng.random(len(truth)) < np.minimum(0.9, high * doubt)
    to = (np.cumsum(other / doubt[:, None], 1) > rng.random(len(truth))[:, None]).argmax(1)
    return np.where(flip & (to != truth), to, truth)


def _token(samples: Samples, rate: float, rng: np.random.Generator) -> tuple[np.ndarray, Samples]:
    """Rows of all other classes become one class, and carry a token that hardly any right row carries."""
    truth = np.asarray(samples.label)
    if not samples.has("text"):
        raise ValueError("the token is written into texts")
    to = int(rng.integers(len(samples.scale)))
    from_ = np.flatnonzero(truth != to)
    rows = np.zeros(len(truth), bool)
    rows[rng.permutation(from_)[: round(rate * len(truth))]] = True
    carries = rows | (rng.random(len(truth)) < STRAY)
    texts = [t + f" {TOKEN}" if there else t for t, there in zip(samples.texts("text"), carries, strict=True)]
    place = samples.table.column_names.index("text")
    table = samples.table.set_column(place, "text", pa.array(texts, pa.string()))
    return np.where(rows, to, truth), replace(samples, table=table)


def _slice(samples: Samples, column: str, rate: float, rng: np.random.Generator) -> np.ndarray:
    """One careless source: wrong labels all lie in one slice, of about twice `rate` of the rows or the next larger."""
    if not column:
        raise ValueError("an artefact of a slice needs a column")
    truth, n = np.asarray(samples.label), len(samples)
    value = np.array([str(v) for v in samples.table[column].to_pylist()], object)
    names, count = np.unique(value, return_counts=True)
    inside = value == names[np.argmin(np.abs(count - 2 * rate * n))]
    chosen = rng.permutation(np.flatnonzero(inside))[: min(round(rate * n), round(0.6 * inside.sum()))]
    rows = np.zeros(n, bool)
    rows[chosen] = True
    return _others(truth, rows, len(samples.scale), rng)
