"""Open a file as bytes, unpacking .gz and .zst on the way; look at its first bytes; judge its encoding."""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pyarrow as pa

from steelyard.errors import DataError

CHUNK = 1 << 20
PACKED = {".gz": "gzip", ".zst": "zstd"}


def open_bytes(path: Path) -> IO[bytes]:
    """Return a binary stream of the unpacked content."""
    packing = PACKED.get(path.suffix.lower())
    if packing is None:
        return path.open("rb")
    return io.BufferedReader(pa.input_stream(str(path), compression=packing), CHUNK)


def open_arrow(path: Path) -> pa.NativeFile:
    """Return the unpacked content for a reader of Arrow's.

    Arrow reads ahead in threads of its own. Through a Python file such a thread can outlive the interpreter, which
    then aborts; a file of Arrow's needs no interpreter.
    """
    return pa.input_stream(str(path), compression=PACKED.get(path.suffix.lower()))


def head(path: Path, size: int = 1 << 16) -> bytes:
    """Return the first bytes of the unpacked content, b'' when it cannot be read."""
    try:
        with open_bytes(path) as stream:
            return stream.read(size)
    except (OSError, pa.ArrowException):
        return b""


@dataclass(frozen=True)
class Survey:
    """What one pass over the bytes showed. quotes: number of ``"``; nul: whether a NUL byte occurs."""

    encoding: str
    size: int
    quotes: int
    nul: bool


def survey(path: Path, encoding: str | None = None) -> Survey:
    """Check that all bytes decode, in bounded memory.

    encoding: None means UTF-8 with or without a byte order mark, or UTF-16 with one.
    Raises DataError D127 with the line that does not decode, D148 for an unknown encoding.
    """
    start = head(path, 4)
    if encoding is None:
        encoding = "utf-16" if start[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        decoder = codecs.getincrementaldecoder(encoding)("strict")
    except LookupError as e:
        raise DataError("D148", encoding=encoding) from e
    size = quotes = lines = 0
    nul = False
    for chunk in _chunks(path):
        try:
            decoder.decode(chunk, not chunk)
        except UnicodeDecodeError as e:
            seen = bytes(e.object[: e.start])
            line = lines + seen.count(b"\n") + 1
            begin = seen.rfind(b"\n") + 1
            guess = likely_encoding(bytes(e.object[begin : e.start + 400]))
            said = encoding.removesuffix("-sig").upper()
            raise DataError("D127", file=str(path), line=line, encoding=said, guess=guess) from e
        size += len(chunk)
        quotes += chunk.count(b'"')
        lines += chunk.count(b"\n")
        nul = nul or b"\0" in chunk
    return Survey(encoding, size, quotes, nul and not encoding.startswith("utf-16"))


def _chunks(path: Path) -> Iterator[bytes]:
    """Yield the content in chunks and b'' at the end."""
    with open_bytes(path) as stream:
        while chunk := stream.read(CHUNK):
            yield chunk
        yield b""


def likely_encoding(line: bytes) -> str:
    """Return ``gb18030`` where the bytes read as Chinese in it, else ``latin-1``."""
    try:
        text = codecs.getincrementaldecoder("gb18030")("strict").decode(line)
    except UnicodeDecodeError:
        return "latin-1"
    chinese = sum("\u4e00" <= c <= "\u9fff" or "\u3000" <= c <= "\u303f" or "\uff00" <= c <= "\uffef" for c in text)
    return "gb18030" if chinese * 2 >= sum(c > "\x7f" for c in text) else "latin-1"
