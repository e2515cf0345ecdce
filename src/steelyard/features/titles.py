"""Titles as sparse vectors: words and Chinese pairs of characters, weighted by how rare they are among the titles."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy.sparse as sp

from steelyard.features.similarity import LIMITS, fold
from steelyard.features.tokens import tokenise

BITS = 18
#: Streams of tokens: what a word says, and what two characters say where no blank parts words.
STREAMS = ("word", "cjk2")


def vectors(titles: Sequence[str]) -> sp.csr_matrix:
    """Return (m, 2**18) float64 tf-idf rows of length 1, empty for a title without words.

    A word of one title only is left out: it can meet nothing. tf is 1 + log count, idf is log(m / titles that hold it).
    """
    found = tokenise([fold(t, LIMITS["title"]) for t in titles])
    m = len(titles)
    row = np.concatenate([found.streams[s][0] for s in STREAMS])
    column = np.concatenate([(found.streams[s][1] >> np.uint64(64 - BITS)).astype(np.int64) for s in STREAMS])
    counts = sp.csr_matrix((np.ones(len(row)), (row, column)), shape=(m, 1 << BITS))
    counts.sum_duplicates()
    held = np.bincount(counts.indices, minlength=1 << BITS)[counts.indices]
    counts.data = np.where(held > 1, (1 + np.log(counts.data)) * np.log(m / np.maximum(held, 1)), 0.0)
    counts.eliminate_zeros()
    length = np.sqrt(np.asarray(counts.multiply(counts).sum(axis=1)).ravel())
    scale = np.divide(1.0, length, out=np.zeros(m), where=length > 0)
    return sp.csr_matrix(sp.diags_array(scale) @ counts)
