"""How much two texts of a row share: tf-idf cosine, idf coverage both ways, Jaccard, what is left over."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import scipy.sparse as sp

from steelyard.features.tokens import Stream
from steelyard.values.arrays import Floats, Ints

BITS = 20  # hash space of tokens: a vocabulary of 100,000 loses a tenth of a word in a hundred to collisions
ROWS_AT_ONCE = 20_000


def counts(stream: Stream, n: int, bits: int = BITS) -> sp.csr_matrix:
    """Return the (n, 2**bits) count matrix of a token stream, indices sorted."""
    of, hashes = stream
    key = (of.astype(np.uint64) << np.uint64(bits)) | (hashes & np.uint64((1 << bits) - 1))
    key, count = np.unique(key, return_counts=True)
    row = (key >> np.uint64(bits)).astype(np.int64)
    column = (key & np.uint64((1 << bits) - 1)).astype(np.int32)
    indptr = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=n))]).astype(np.int32)
    matrix = sp.csr_matrix((count.astype(np.float32), column, indptr), shape=(n, 1 << bits))
    matrix.has_sorted_indices = True
    matrix.has_canonical_format = True
    return matrix


def idf(matrices: Iterable[sp.csr_matrix]) -> Floats:
    """Return (2**bits,) smooth inverse document frequency, ln((1 + n) / (1 + df)) + 1, over all texts given."""
    df, n = np.zeros(1 << BITS, np.int64), 0
    for m in matrices:
        df += np.bincount(m.indices, minlength=m.shape[1])
        n += m.shape[0]
    return (np.log((1 + n) / (1 + df)) + 1).astype(np.float32)


def _row_sum(m: sp.csr_matrix) -> Floats:
    return np.asarray(m.sum(1), np.float32).ravel()


def _row_max(m: sp.csr_matrix) -> Floats:
    out = np.zeros(m.shape[0], np.float32)
    full = np.flatnonzero(np.diff(m.indptr))
    if len(full):
        out[full] = np.maximum.reduceat(m.data, m.indptr[full])
    return out


def _like(m: sp.csr_matrix, data: Floats) -> sp.csr_matrix:
    return sp.csr_matrix((data.astype(np.float32), m.indices, m.indptr), shape=m.shape)


def _share(part: Floats, whole: Floats) -> Floats:
    """Return part / whole, NaN where there is no whole."""
    return np.divide(part, whole, out=np.full(len(part), np.nan, np.float32), where=whole > 0)


def compare(
    a: sp.csr_matrix, b: sp.csr_matrix, weight: Floats, ia: Ints, ib: Ints, detail: bool = True
) -> dict[str, Floats]:
    """Return the overlap of text ``a[ia]`` with ``b[ib]``, row by row.

    a, b: token counts of unique texts; ia, ib: (n,) which text each row has; weight: (2**bits,) idf.
    Returns (n,) float32 each, NaN where a side is empty: cos (tf-idf cosine), cov_a, cov_b (idf share of one side
    found in the other), jac (idf Jaccard), n (tokens shared), miss_a, miss_b (tokens not shared); with detail
    hit_max and left_max, the rarest token of ``a`` that is found and the rarest that is missing.
    """
    wa, wb = (_like(m, (1 + np.log(m.data)) * weight[m.indices]) for m in (a, b))
    na, nb = (np.sqrt(_row_sum(m.multiply(m).tocsr())) + 1e-9 for m in (wa, wb))
    plain = _like(a, weight[a.indices])
    sa, sb = _row_sum(plain), _row_sum(_like(b, weight[b.indices]))
    ones = _like(b, np.ones_like(b.data))
    n = len(ia)
    cos, inter, shared, hit_max, left_max = (np.zeros(n, np.float32) for _ in range(5))
    for s in range(0, n, ROWS_AT_ONCE):
        rows = slice(s, min(n, s + ROWS_AT_ONCE))
        i, j = ia[rows], ib[rows]
        cos[rows] = _row_sum(wa[i].multiply(wb[j]).tocsr()) / (na[i] * nb[j])
        x = plain[i]
        hit = x.multiply(ones[j]).tocsr()
        inter[rows], shared[rows] = _row_sum(hit), np.diff(hit.indptr)
        if detail:
            hit_max[rows], left_max[rows] = _row_max(hit), _row_max((x - hit).tocsr())
    size_a, size_b = np.diff(a.indptr)[ia], np.diff(b.indptr)[ib]
    out = {
        "cos": np.where((size_a > 0) & (size_b > 0), cos, np.nan),
        "cov_a": _share(inter, sa[ia]),
        "cov_b": _share(inter, sb[ib]),
        "jac": _share(inter, sa[ia] + sb[ib] - inter),
        "n": shared,
        "miss_a": size_a - shared,
        "miss_b": size_b - shared,
    }
    if detail:
        out |= {"hit_max": hit_max, "left_max": left_max}
    return {k: v.astype(np.float32) for k, v in out.items()}


def coverage(a: sp.csr_matrix, b: sp.csr_matrix, weight: Floats, ia: Ints, ib: Ints) -> tuple[Floats, Floats]:
    """Return the idf share of ``a``'s tokens found in ``b`` and their number, (n,) each, NaN where ``a`` has none."""
    wa = _like(a, weight[a.indices])
    total = _row_sum(wa)
    ones = _like(b, np.ones_like(b.data))
    n = len(ia)
    found, number = np.zeros(n, np.float32), np.zeros(n, np.float32)
    for s in range(0, n, ROWS_AT_ONCE):
        rows = slice(s, min(n, s + ROWS_AT_ONCE))
        hit = wa[ia[rows]].multiply(ones[ib[rows]]).tocsr()
        found[rows], number[rows] = _row_sum(hit), np.diff(hit.indptr)
    return _share(found, total[ia]), np.where(total[ia] > 0, number, np.nan).astype(np.float32)
