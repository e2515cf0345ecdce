"""TREC and BEIR judgements: qrels, with corpus and queries (.tsv or .jsonl) beside them if there are any."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa

from steelyard import parts
from steelyard.errors import DataError
from steelyard.parts.sources import BATCH, Source
from steelyard.parts.sources._delimited import Faults
from steelyard.parts.sources._opening import PACKED, head, open_bytes, survey

CORPUS = ("corpus.tsv", "corpus.jsonl", "collection.tsv", "corpus.jsonl.gz", "corpus.tsv.gz")
QUERIES = ("queries.tsv", "queries.jsonl", "topics.tsv", "queries.jsonl.gz", "queries.tsv.gz")
HEADERS = {"qid", "query-id", "query_id", "queryid"}
COLUMNS = ("query_id", "product_id", "label", "query", "title", "description")


@dataclass(frozen=True)
class Trec(Source):
    """A qrels file (`qid 0 docid rel`, or BEIR's `qid docid rel`), or a folder that holds one or more.

    A judged document that the corpus lacks has null text. Memory: the texts of judged documents and queries.
    """

    preset: ClassVar[bool] = True
    suffixes: ClassVar[tuple[str, ...]] = (".qrels", ".qrel")
    columns: ClassVar[dict[str, str]] = {c: c for c in COLUMNS}

    def opens(self, where: Any) -> bool:
        if not isinstance(where, (str, Path)) or str(where) == "-":
            return False
        path = Path(where)
        return bool(_qrels(path)) if path.is_dir() else _named_qrels(path)

    def files(self, where: Any) -> tuple[Path, ...]:
        path = Path(where)
        folder = path if path.is_dir() else path.parent
        found = _qrels(path) if path.is_dir() else list(super().files(where))
        if not found:
            raise DataError("D154", folder=str(where), preset="trec", missing="qrels*")
        home = folder.parent if not _beside(folder, CORPUS + QUERIES) and folder.name == "qrels" else folder
        return (*found, *_beside(home, CORPUS)[:1], *_beside(home, QUERIES)[:1])

    def read(self, where: Any) -> Iterator[pa.RecordBatch]:
        """Yield batches. Raises DataError D158 with the lines that are no judgements."""
        files = self.files(where)
        judged = [f for f in files if f.name not in CORPUS + QUERIES]
        rows = [row for path in judged for row in _judgements(path)]
        queries = _texts([f for f in files if f.name in QUERIES], {r[0] for r in rows})
        corpus = _texts([f for f in files if f.name in CORPUS], {r[1] for r in rows})
        for start in range(0, max(len(rows), 1), BATCH):
            part = rows[start : start + BATCH]
            columns = (
                [r[0] for r in part],
                [r[1] for r in part],
                [r[2] for r in part],
                [" ".join(filter(None, queries[r[0]])) if r[0] in queries else None for r in part],
                [corpus[r[1]][0] if r[1] in corpus else None for r in part],
                [corpus[r[1]][1] if r[1] in corpus else None for r in part],
            )
            yield pa.RecordBatch.from_arrays([pa.array(c, pa.string()) for c in columns], names=list(COLUMNS))


def _named_qrels(path: Path) -> bool:
    name = path.name.lower()
    return path.is_file() and ("qrel" in name or (path.parent.name == "qrels" and path.suffix == ".tsv"))


def _qrels(folder: Path) -> list[Path]:
    inside = folder / "qrels"
    places = [*folder.iterdir(), *(inside.iterdir() if inside.is_dir() else ())]
    return sorted(p for p in places if _named_qrels(p))


def _beside(folder: Path, names: tuple[str, ...]) -> list[Path]:
    return [folder / n for n in names if (folder / n).is_file()]


def _judgements(path: Path) -> Iterator[tuple[str, str, str]]:
    encoding = survey(path).encoding
    faults = Faults(path)
    tabbed = b"\t" in head(path, 4096).split(b"\n", 1)[0]
    with open_bytes(path) as stream:
        for number, raw in enumerate(stream, 1):
            fields = raw.decode(encoding, "replace").rstrip("\r\n").split("\t" if tabbed else None)
            if not any(f.strip() for f in fields) or (number == 1 and fields[0].lstrip("\ufeff").lower() in HEADERS):
                continue
            if len(fields) not in (3, 4):
                faults.add("D158", str(number))
                continue
            yield fields[0].strip(), fields[-2].strip(), fields[-1].strip()
    faults.raise_if_any()


def _texts(files: list[Path], wanted: set[str]) -> dict[str, tuple[str | None, str | None]]:
    """Return id -> (title, text) of the wanted ids."""
    found: dict[str, tuple[str | None, str | None]] = {}
    for path in files:
        for key, title, text in _entries(path):
            if key in wanted:
                found[key] = (title or text, text if title else None)
    return found


def _entries(path: Path) -> Iterator[tuple[str, str | None, str | None]]:
    name = path.name.removesuffix(next((p for p in PACKED if path.name.endswith(p)), ""))
    if name.endswith(".jsonl"):
        for batch in parts.make("sources", "jsonl").read_file(path):
            for row in batch.to_pylist():
                key = next(
                    (row[k] for k in ("_id", "id", "docid", "doc_id", "pid", "qid") if row.get(k) is not None), ""
                )
                yield str(key), row.get("title"), row.get("text") or row.get("contents")
        return
    encoding = survey(path).encoding
    with open_bytes(path) as stream:
        for raw in stream:
            fields = raw.decode(encoding, "replace").rstrip("\r\n").split("\t")
            yield fields[0], (fields[1] if len(fields) > 1 else None), (" ".join(fields[2:]) or None)
