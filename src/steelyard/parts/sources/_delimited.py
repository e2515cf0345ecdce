"""Read delimited text: pyarrow where a file is clean, the csv module with line numbers where it is not."""

from __future__ import annotations

import csv
import io
from collections.abc import Generator, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as arrow_csv

from steelyard.errors import DataError, DataErrors
from steelyard.parts.sources import BATCH
from steelyard.parts.sources._opening import Survey, open_arrow, open_bytes, survey

DELIMITERS = ",\t;|"
SHOWN = 20
csv.field_size_limit(2**31 - 1)  # titles of more than the module's 128 KiB exist


class _TooLong(Exception):
    """A quoted field ran over more lines than any real text does."""


class Lines:
    """Text lines with their numbers; the lines of the record under way can be given back."""

    def __init__(self, stream: io.TextIOBase | io.TextIOWrapper, most: int) -> None:
        self.stream, self.most = iter(stream), most
        self.number = 0  # of the line given last
        self.record: list[str] = []
        self.again: list[str] = []

    def __iter__(self) -> Lines:
        return self

    def __next__(self) -> str:
        if len(self.record) >= self.most:
            raise _TooLong
        line = self.again.pop() if self.again else next(self.stream, None)
        if line is None:
            if self.record:
                raise _TooLong  # the file ends within quotes
            raise StopIteration
        self.number += 1
        self.record.append(line)
        return line

    def give_back(self) -> None:
        """Keep the first line of the record as read and hand out the others again."""
        self.again.extend(reversed(self.record[1:]))
        self.number -= len(self.record) - 1
        self.record.clear()


class Faults:
    """Bad rows by kind: the first of them with line numbers, all of them counted."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.kinds: dict[str, list[str]] = {}
        self.count: dict[str, int] = {}

    def add(self, code: str, where: str) -> None:
        self.count[code] = self.count.get(code, 0) + 1
        if self.count[code] <= SHOWN:
            self.kinds.setdefault(code, []).append(where)

    def raise_if_any(self, **facts: int) -> None:
        """Raise one DataError for all bad rows: DataErrors when they are of several kinds."""
        problems = []
        for code, shown in self.kinds.items():
            lines = ", ".join(shown) + (", …" if self.count[code] > SHOWN else "")
            problems.append(DataError(code, file=str(self.path), count=self.count[code], lines=lines, **facts))
        if problems:
            raise problems[0] if len(problems) == 1 else DataErrors(problems)


def read_delimited(
    path: Path, encoding: str | None = None, delimiter: str | None = None, max_field_lines: int = 60
) -> Iterator[pa.RecordBatch]:
    """Yield batches of string columns.

    delimiter: None finds out. max_field_lines: a quoted field over more lines counts as an unclosed quote.
    Raises DataError D140 (empty), D142 (wrong number of fields), D143 (unclosed quote), D144 (NUL byte),
    D146 (a column name twice), D127 (encoding).
    """
    look = survey(path, encoding)
    with _text(path, look) as stream:
        sample = stream.read(1 << 16)
    if not sample.strip():
        raise DataError("D140", file=str(path))
    mark = delimiter or find_delimiter(sample, "\t" if ".tsv" in path.name.lower() else ",")
    done = [0]
    if look.encoding == "utf-8-sig" and not look.nul and look.quotes % 2 == 0:
        complete = yield from _fast(path, mark, max_field_lines, done)
        if complete and done[0]:
            return
    yield from _careful(path, look, mark, max_field_lines, done[0])


def _text(path: Path, look: Survey) -> io.TextIOWrapper:
    return io.TextIOWrapper(open_bytes(path), encoding=look.encoding, newline="")


def find_delimiter(sample: str, usual: str) -> str:
    """Return the delimiter under which the first rows have the same number (>= 2) of fields; else the usual one."""
    best, most = usual, (0.0, 1)
    for mark in sorted(DELIMITERS, key=lambda d: d != usual):
        rows = [len(r) for r in _first_rows(sample, mark)]
        if len(rows) > 2 and rows[-1] < rows[0]:
            rows.pop()  # cut by the end of the sample
        if rows and rows[0] > 1:
            value = (sum(r == rows[0] for r in rows) / len(rows), rows[0])
            if (round(value[0], 1), value[1]) > (round(most[0], 1), most[1]):
                best, most = mark, value
    return best


def _first_rows(sample: str, mark: str) -> list[list[str]]:
    reader = csv.reader(io.StringIO(sample, newline=""), delimiter=mark)
    rows = []
    try:
        for row in reader:
            if row:
                rows.append(row)
            if len(rows) == 50:
                break
    except csv.Error:
        pass
    return rows


def header_names(row: list[str], path: Path) -> list[str]:
    """Return column names: blanks cut, empty ones named by place. Raises DataError D146 for a name twice."""
    names = [n.strip().lstrip("\ufeff") or f"column_{i}" for i, n in enumerate(row, 1)]
    twice = sorted({n for n in names if names.count(n) > 1})
    if twice:
        raise DataError("D146", file=str(path), columns=", ".join(twice))
    return names


def _fast(path: Path, mark: str, most: int, done: list[int]) -> Generator[pa.RecordBatch, None, bool]:
    """Yield batches as long as pyarrow has no doubt, and count their rows in ``done[0]``.

    Returns False when the careful reader must go on behind the last batch.
    """
    try:
        with open_bytes(path) as raw, io.TextIOWrapper(raw, encoding="utf-8-sig", newline="") as text:
            first = next(r for r in csv.reader(text, delimiter=mark) if any(f.strip() for f in r))
        names = header_names(first, path)
        with open_arrow(path) as raw:
            reader = _arrow_reader(raw, mark, first)
            if reader.schema.names != first:
                return False
            for batch in reader:
                columns = [c.cast(pa.string()) for c in batch.columns]
                if any(_many_lines(c, most) for c in columns):
                    return False
                done[0] += batch.num_rows
                yield pa.RecordBatch.from_arrays(columns, names=names)
    except (pa.ArrowException, OSError, StopIteration, csv.Error):
        return False  # the careful reader names the lines
    return True


def _arrow_reader(raw: pa.NativeFile, mark: str, names: list[str]) -> arrow_csv.CSVStreamingReader:
    return arrow_csv.open_csv(
        raw,
        read_options=arrow_csv.ReadOptions(block_size=4 << 20, use_threads=False),
        parse_options=arrow_csv.ParseOptions(delimiter=mark, newlines_in_values=True),
        convert_options=arrow_csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
        ),
    )


def _many_lines(column: pa.Array, most: int) -> bool:
    """Say whether a field has so many lines that a quote may be unclosed."""
    import pyarrow.compute as pc

    if len(column) == 0:
        return False
    return bool((pc.max(pc.count_substring_regex(column, "\r\n|\r|\n")).as_py() or 0) >= most - 1)


def _careful(path: Path, look: Survey, mark: str, most: int, skip: int) -> Iterator[pa.RecordBatch]:
    """Yield the rows behind the first ``skip``; raise all bad rows together at the end of the file."""
    faults = Faults(path)
    names: list[str] = []
    rows: list[list[str]] = []
    clean = 0
    with _text(path, look) as stream:
        for row, number in _records(Lines(stream, most), mark, faults):
            if not names:
                names = header_names(row, path) if any(f.strip() for f in row) else []
            elif len(row) == 1 < len(names) and not row[0].strip():
                continue  # a line of blanks is no row
            elif len(row) != len(names):
                faults.add("D142", f"{number} ({len(row)})")
            else:
                clean += 1
                if clean > skip:
                    rows.append(row)
            if len(rows) == BATCH:
                if not faults.count:
                    yield _batch(rows, names)
                rows = []
    faults.raise_if_any(expected=len(names))
    if rows or not clean:
        yield _batch(rows, names)


def _records(lines: Lines, mark: str, faults: Faults) -> Iterator[tuple[list[str], int]]:
    """Yield (fields, number of the first line) of each record; blank lines are no records."""
    reader = csv.reader(lines, delimiter=mark)
    while True:
        start = lines.number + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except (_TooLong, csv.Error):
            faults.add("D143", str(start))
            lines.give_back()
            reader = csv.reader(lines, delimiter=mark)
            continue
        lines.record.clear()
        if any("\0" in f for f in row):
            faults.add("D144", str(start))
        elif row:
            yield row, start


def _batch(rows: list[list[str]], names: list[str]) -> pa.RecordBatch:
    columns = zip(*rows, strict=True) if rows else [()] * len(names)
    return pa.RecordBatch.from_arrays([pa.array(c, pa.string()) for c in columns], names=names)
