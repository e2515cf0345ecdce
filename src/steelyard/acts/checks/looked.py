"""Looked: Samples with what several checks need, each computed once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from steelyard.features.duplicates import contradicting, near_codes, pair_codes, query_codes, split_codes
from steelyard.features.hashing import Distinct, distinct
from steelyard.values.arrays import AnyArray, Ints, Mask
from steelyard.values.findings import Finding, Severity
from steelyard.values.samples import Samples

EXAMPLES = 20
HELD_OUT = ("test", "valid")
Findings = Iterator[Finding]


@dataclass(frozen=True)
class Looked:
    """A table under examination. Codes are those of ``features.duplicates``."""

    samples: Samples

    @cached_property
    def pair(self) -> Ints:
        return pair_codes(self.samples)

    @cached_property
    def near(self) -> Ints:
        return near_codes(self.samples)

    @cached_property
    def query(self) -> Ints:
        return query_codes(self.samples)

    @cached_property
    def against_same(self) -> Ints:
        return contradicting(self.samples, self.pair)[1]

    @cached_property
    def against_near(self) -> Ints:
        return contradicting(self.samples, self.near)[1]

    @cached_property
    def _split(self) -> tuple[Ints, tuple[str, ...]]:
        return split_codes(self.samples)

    @property
    def split(self) -> Ints:
        """(n,) position of each row's split in ``splits``."""
        return self._split[0]

    @property
    def splits(self) -> tuple[str, ...]:
        return self._split[1]

    @property
    def ranked(self) -> bool:
        """The labels are grades of products for queries."""
        return self.samples.task == "relevance"

    def of_split(self, name: str) -> Mask:
        codes, names = self._split
        return codes == names.index(name) if name in names else np.zeros(len(codes), bool)

    def distinct(self, column: str) -> Distinct:
        return distinct(self.samples, column)

    def finding(
        self, code: str, severity: Severity, rows: AnyArray | None = None, count: int | None = None, **facts: Any
    ) -> Finding:
        """Return a finding about ``rows``: a mask (n,) or positions (k,); the first of them are its examples."""
        if rows is None:
            return Finding(code, severity, count or 0, facts)
        places = np.flatnonzero(rows) if rows.dtype == bool else rows
        keys = tuple(self.samples.table["row_key"].take(places[:EXAMPLES]).to_pylist())
        return Finding(code, severity, len(places) if count is None else count, facts, keys)
