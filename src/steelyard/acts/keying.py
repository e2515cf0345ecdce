"""Row keys, groups and fingerprints: what makes a row the same row tomorrow."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from steelyard.values.arrays import AnyArray, Ints

_ALPHABET = np.frombuffer(b"abcdefghijklmnopqrstuvwxyz234567", dtype=np.uint8)
#: What makes a row: the query, the product (id, else title), the text, who said so.
_WHO = ("user_id", "annotator", "label_source")


def content(batch: pa.RecordBatch) -> pa.Array:
    """Return (n,) strings that tell rows apart; cleaned columns hold no \\x1f, so the parts cannot run together."""
    have = set(batch.schema.names)

    def part(name: str) -> pa.Array:
        return batch[name].fill_null("") if name in have else pa.array([""] * batch.num_rows, pa.string())

    query = part("query") if "query" in have else part("query_id")
    product = pc.binary_join_element_wise("t:", part("title"), "")
    if "product_id" in have:
        named = pc.binary_join_element_wise("p:", batch["product_id"], "")
        product = pc.coalesce(named, product)
    text = part("text")
    if "tokens" in have:
        text = pc.binary_join(batch["tokens"], "\x1e").fill_null("")
    return pc.binary_join_element_wise(query, product, text, *(part(n) for n in _WHO), "\x1f")


def digests(texts: pa.Array) -> AnyArray:
    """Return (n, 10) bytes: blake2b of each text."""
    joined = b"".join([hashlib.blake2b(t.encode(), digest_size=10).digest() for t in texts.to_pylist()])
    return np.frombuffer(joined, dtype=np.uint8).reshape(-1, 10)


def row_keys(digest: AnyArray, label: pa.ChunkedArray) -> pa.Array:
    """Return (n,) keys: 16 letters of base32, ``#2``, ``#3`` behind repeats.

    digest: (n, 10). label: (n,) texts; repeats are numbered by label, then by place, so that the order of the rows
    changes no key of rows that differ.
    """
    n = len(digest)
    if n == 0:
        return pa.array([], pa.string())
    bits = np.unpackbits(digest, axis=1).reshape(n, 16, 5)
    letters = _ALPHABET[(bits * np.array([16, 8, 4, 2, 1], dtype=np.uint8)).sum(axis=2, dtype=np.uint8)]
    short = np.ascontiguousarray(letters).view("S16").ravel()
    order = np.argsort(short, kind="stable")
    ordered = short[order]
    same = np.flatnonzero(ordered[1:] == ordered[:-1])
    ends = np.arange(0, 16 * (n + 1), 16, dtype=np.int32 if n < 2**26 else np.int64)
    kind = pa.string() if n < 2**26 else pa.large_string()
    keys = pa.Array.from_buffers(kind, n, [None, pa.py_buffer(ends), pa.py_buffer(letters.tobytes())])
    if not len(same):
        return keys
    listed = keys.to_pylist()
    repeats: dict[bytes, list[int]] = {}
    for row in np.unique(np.concatenate([order[same], order[same + 1]])).tolist():
        repeats.setdefault(short[row], []).append(row)
    several = sorted(r for rows in repeats.values() for r in rows)
    said = dict(zip(several, label.take(pa.array(several)).to_pylist(), strict=True))
    for rows in repeats.values():
        for number, row in enumerate(sorted(rows, key=lambda r: (said[r] or "", r)), 1):
            if number > 1:
                listed[row] = f"{listed[row]}#{number}"
    return pa.array(listed, pa.string())


def normal(text: str) -> str:
    """Return text by NFKC, without case, blanks folded: what counts as the same query."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def group_hashes(column: pa.Array, as_written: bool) -> Ints:
    """Return (n,) int64 hashes; as_written: an id, compared as it is. Nulls share a group."""
    if pa.types.is_list(column.type):
        column = pc.binary_join(column, "\x1e")
    known = pc.dictionary_encode(column.fill_null(""))
    texts = known.dictionary.to_pylist()
    hashed = b"".join(
        [hashlib.blake2b((t if as_written else normal(t)).encode(), digest_size=8).digest() for t in texts]
    )
    return np.frombuffer(hashed, dtype=np.int64)[known.indices.to_numpy(zero_copy_only=False)]


def file_fingerprint(files: Iterable[Path]) -> str:
    """Return 16 hexadecimal digits: blake2b over the content of the files, in their order."""
    whole = hashlib.blake2b(digest_size=8)
    for path in files:
        one = hashlib.blake2b(digest_size=32)
        with path.open("rb") as stream:
            while chunk := stream.read(1 << 20):
                one.update(chunk)
        whole.update(one.digest())
    return whole.hexdigest()


class TableFingerprint:
    """blake2b over the columns of canonical batches; how the rows were cut into batches does not matter."""

    def __init__(self) -> None:
        self.columns: dict[str, tuple[hashlib.blake2b, hashlib.blake2b]] = {}

    def add(self, batch: pa.RecordBatch) -> None:
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            if not pa.types.is_string(column.type):
                column = pa.array([None if v is None else repr(v) for v in column.to_pylist()], pa.string())
            sizes, values = self.columns.setdefault(name, (hashlib.blake2b(), hashlib.blake2b()))
            sizes.update(pc.binary_length(column).fill_null(-1).to_numpy(zero_copy_only=False).tobytes())
            values.update(b"".join(v for v in column.cast(pa.binary()).to_pylist() if v))

    def hexdigest(self) -> str:
        whole = hashlib.blake2b(digest_size=8)
        for name in sorted(self.columns):
            whole.update(name.encode() + b"\0")
            for part in self.columns[name]:
                whole.update(part.digest())
        return whole.hexdigest()
