"""Fields of a click log: which columns a click model reads, which of them are numbers, and a row as a text."""

from __future__ import annotations

import re
from collections import Counter

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from steelyard.acts.cleaning import identify
from steelyard.acts.recognising import fold
from steelyard.acts.slice_columns import FEW
from steelyard.features.fields import fields
from steelyard.values.arrays import Floats
from steelyard.values.fields import Fields

#: Names of whole numbers that are codes, however many there are.
CODE = re.compile(r"(^|_)(id|code|no|zip|category|cat|brand|type|class)$|(编号|类目|品牌|类别|分类)$")


class Fielding:
    """Follows the fields batch by batch. names: of the user's columns."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names
        self.seen: dict[str, list[pa.Array]] = {name: [] for name in names}

    def add(self, batch: pa.RecordBatch) -> pa.Array:
        """Keep one batch; return its (n,) rows as texts, ``field=value; ...`` without what is missing."""
        told = []
        for name in self.names:
            values = identify(batch[name], Counter(), name)
            self.seen[name].append(pc.dictionary_encode(values))
            told.append(pc.binary_join_element_wise(f"{name}=", values, "", null_handling="emit_null"))
        return pc.binary_join_element_wise(*told, "; ", null_handling="skip")

    def whole(self) -> tuple[Fields, Floats | None, tuple[str, ...]]:
        """Return the fields of all rows, and those that are numbers: (n, k) float32, NaN where missing, and names."""
        columns, numbers = {}, {}
        for name in self.names:
            texts = pa.chunked_array([c.dictionary_decode() for c in self.seen.pop(name)], pa.string())
            found = _number(name, texts)
            columns[name] = texts if found is None else found
            if found is not None:
                numbers[name] = found.to_numpy().astype(np.float32)
        numeric = np.stack(list(numbers.values()), axis=1) if numbers else None
        return fields(pa.table(columns), self.names), numeric, tuple(numbers)


def _number(name: str, texts: pa.ChunkedArray) -> pa.ChunkedArray | None:
    """Return a column as numbers, None for categories: not all are numbers, or whole ones that are few or codes."""
    try:
        values = texts.cast(pa.float64())
    except pa.ArrowInvalid:
        return None
    known = values.drop_null().to_numpy()
    whole = bool((known == np.floor(known)).all())
    if not len(known) or not np.isfinite(known).all() or (whole and (CODE.search(fold(name)) or _few(known))):
        return None
    return values


def _few(known: Floats) -> bool:
    return len(np.unique(known)) <= FEW
