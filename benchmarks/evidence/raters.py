"""One rater instead of the majority: where a table tells how far its raters agreed, what one of them may have said.

How often a row gets another label is measured, row by row, by people; which label it then gets is drawn here: the
neighbour on the scale. So the errors lie where people err, as in Chong et al. 2022 (a dissenting vote in place of
the gold label), and the majority stands for the truth.
"""

from __future__ import annotations

from itertools import combinations_with_replacement

import numpy as np

GRADES = (0, 1, 2, 3)


def dissenting(truth: np.ndarray, chance: np.ndarray, top: int, rng: np.random.Generator) -> np.ndarray:
    """Return (n,) labels: a row's label becomes a neighbour on the scale 0..top with its own chance (n,)."""
    up = np.where(truth == 0, True, np.where(truth == top, False, rng.random(len(truth)) < 0.5))
    return np.where(rng.random(len(truth)) < chance, truth + np.where(up, 1, -1), truth)


def one_of_three(median: np.ndarray, deviation: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return (n,) the grade of one of three raters whose median and standard deviation are known.

    The three are those grades with this median whose deviation (of the whole, ddof 0) is nearest; where several are
    equally near, one is drawn.
    """
    triples = np.array(list(combinations_with_replacement(GRADES, 3)))
    spread = triples.std(1)
    out = np.asarray(median).copy()
    chance, turn = rng.random(len(out)), rng.integers(0, 3, len(out))
    for m, d in {*zip(median.tolist(), deviation.tolist(), strict=True)}:
        off = np.abs(spread - d) + 1e3 * (triples[:, 1] != m)
        near = triples[off <= off.min() + 1e-3]
        rows = np.flatnonzero((median == m) & (deviation == d))
        out[rows] = near[(chance[rows] * len(near)).astype(int), turn[rows]]
    return out
