"""Interactions: who did what with which item, and when; columnar, keyed by row_key."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from scipy.sparse import csr_array

from steelyard.errors import DataError
from steelyard.values.arrays import AnyArray, Floats, Ints, Mask, Strings
from steelyard.values.findings import Finding
from steelyard.values.samples import Origin

#: Columns of one value a row, those that may be None last.
ROWS = ("row_key", "user", "item", "value", "split", "ts", "position", "event", "label", "gold", "propensity")


@dataclass(frozen=True, eq=False)
class Interactions:
    """n interactions of u users with m items, in the order of the user's file.

    row_key: (n,) stable ids. user, item: (n,) int64 codes into ``user_ids`` (u,) and ``item_ids`` (m,).
    value: (n,) float64, the rating or the strength of the event; 1 where the table says nothing.
    ts: (n,) float64 time, NaN where it is unknown, or None. position: (n,) place at which it was shown, or None.
    split: (n,) ``train``, ``valid`` or ``test``. event: (n,) its name, or None.
    label: (n,) 1 learned from as positive, 0 shown and not taken, -1 neither; None: every row is positive.
    gold: (n,) 1 truly wanted, 0 not, -1 unknown, or None. Judges by it; never learns from it.
    propensity: (n,) float64 in (0, 1], the logged chance that the user saw the item, or None.
    titles: (m,) what the items are called, '' unknown, or None.
    item_features: (m, f) float32, what else is said of items, NaN unknown, or None; item_feature_names: of the f.
    columns: canonical name -> the user's column. notes: what reading assumed or noticed.
    Raises ValueError for shapes that do not agree, DataError D194 for codes without a name, D195 for values that are
    not finite and D209 for propensities that are no chance.
    """

    row_key: Strings
    user: Ints
    item: Ints
    value: Floats
    user_ids: Strings
    item_ids: Strings
    split: Strings
    ts: Floats | None = None
    position: Ints | None = None
    event: Strings | None = None
    label: Ints | None = None
    gold: Ints | None = None
    propensity: Floats | None = None
    titles: Strings | None = None
    item_features: Floats | None = None
    item_feature_names: tuple[str, ...] = ()
    origin: Origin = field(default_factory=lambda: Origin((), "", ""))
    columns: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[Finding, ...] = ()

    def __post_init__(self) -> None:
        n = len(self.row_key)
        for name in ROWS:
            given = getattr(self, name)
            if given is not None and np.shape(given) != (n,):
                raise ValueError(f"{name} has shape {np.shape(given)}, expected {(n,)}")
        if self.titles is not None and len(self.titles) != self.n_items:
            raise ValueError(f"titles has {len(self.titles)} entries, expected {self.n_items}")
        shape = (self.n_items, len(self.item_feature_names))
        if self.item_features is not None and self.item_features.shape != shape:
            raise ValueError(f"item_features has shape {self.item_features.shape}, expected {shape}")
        for name in ("user", "item"):
            codes, known = getattr(self, name), len(getattr(self, f"{name}_ids"))
            outside = (codes < 0) | (codes >= known)
            if outside.any():
                first = int(np.argmax(outside))
                raise DataError("D194", what=name, count=int(outside.sum()), first=first, known=known)
        broken = ~np.isfinite(self.value)
        if broken.any():
            raise DataError("D195", count=int(broken.sum()), rows=n, first=int(np.argmax(broken)))
        if self.propensity is not None and no_chance(self.propensity).any():
            broken = no_chance(self.propensity)
            raise DataError("D209", count=int(broken.sum()), rows=n, first=int(np.argmax(broken)))

    def __len__(self) -> int:
        return len(self.row_key)

    @property
    def n_users(self) -> int:
        return len(self.user_ids)

    @property
    def n_items(self) -> int:
        return len(self.item_ids)

    @cached_property
    def positive(self) -> Mask:
        """(n,) True for the rows that a model learns from."""
        return np.ones(len(self), bool) if self.label is None else np.asarray(self.label == 1)

    @cached_property
    def chronological(self) -> Ints:
        """(n,) rows by user, then time; equal times keep the order of the file, unknown times come first."""
        time = np.zeros(len(self)) if self.ts is None else np.where(np.isnan(self.ts), -np.inf, self.ts)
        return np.lexsort((time, self.user))

    @cached_property
    def pair(self) -> Ints:
        """(n,) int64, equal where user and item are."""
        return self.user * self.n_items + self.item

    def matrix(self, weight: Floats | None = None) -> csr_array:
        """Return the (u, m) sum of weights, float64; weight: (n,), 1 for each interaction when it is None."""
        weight = np.ones(len(self)) if weight is None else np.asarray(weight, dtype=float)
        return csr_array((weight, (self.user, self.item)), shape=(self.n_users, self.n_items))

    def take(self, rows: AnyArray) -> Interactions:
        """Return the interactions at ``rows`` (k,) or where a mask (n,) holds; users and items keep their codes."""
        given = {c: getattr(self, c) for c in ROWS}
        taken: dict[str, Any] = {c: None if v is None else v[rows] for c, v in given.items()}
        return replace(self, **taken)

    def write(self, path: Path) -> None:
        """Write the interactions as one Parquet file that ``read`` gives back; notes are not kept."""
        rows = {c: pa.array(getattr(self, c)) for c in ROWS if getattr(self, c) is not None}
        names = {c: getattr(self, c) for c in ("user_ids", "item_ids", "titles")}
        about: dict[str, Any] = {"names": {c: None if v is None else list(v) for c, v in names.items()}}
        about |= {"origin": asdict(self.origin), "columns": dict(self.columns)}
        if self.item_features is not None:
            about["features"] = [list(self.item_feature_names), self.item_features.tolist()]
        table = pa.table(rows).replace_schema_metadata({"steelyard": json.dumps(about, ensure_ascii=False)})
        pq.write_table(table, path, compression="zstd")

    @classmethod
    def read(cls, path: Path) -> Interactions:
        """Read what ``write`` wrote."""
        table = pq.read_table(path)
        about = json.loads(table.schema.metadata[b"steelyard"])
        rows: dict[str, Any] = {c: table[c].to_numpy(zero_copy_only=False) for c in table.column_names}
        names: dict[str, Any] = {c: None if v is None else np.array(v, object) for c, v in about["names"].items()}
        origin = Origin(**{**about["origin"], "paths": tuple(about["origin"]["paths"])})
        told, features = about.get("features", ((), None))
        return cls(
            **rows,
            **names,
            item_features=None if features is None else np.array(features, np.float32),
            item_feature_names=tuple(told),
            origin=origin,
            columns=about["columns"],
        )


def no_chance(propensity: Floats) -> Mask:
    """Return (n,) True where a propensity is unknown or outside (0, 1]: a row that was logged could be seen."""
    return ~((propensity > 0) & (propensity <= 1))
