"""Shortlisting: the candidates that a table gives each user; a comparison then ranks these instead of all items."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy.sparse import csr_array

from steelyard.acts import naming, reading, recognising
from steelyard.acts.cleaning import identify, lists
from steelyard.acts.keying import TableFingerprint
from steelyard.acts.recommending import Sets
from steelyard.errors import DataError
from steelyard.values.arrays import Ints, Strings
from steelyard.values.interactions import Interactions

#: Column of a list a row; else there is an item a row.
ALIASES = (
    *("candidates", "candidate", "candidate_ids", "candidate_list", "candidate_items", "items"),
    *("候选", "候选商品", "候选列表", "候选集"),
)


@dataclass(frozen=True)
class Shortlists:
    """given: (u, m), an entry where the item was given for the user. fingerprint: of the table.

    strangers: users with a list and no interaction; unknown: listed items that stand in no interaction, of ``listed``.
    Neither can be ranked, and both are left out.
    """

    given: csr_array
    fingerprint: str
    listed: int
    strangers: int
    unknown: int

    def facts(self, users: Ints) -> Mapping[str, Any]:
        """Return what is said of the lists of tested users."""
        each = np.diff(self.given.indptr)[users]
        return {
            "users": len(users),
            "each": float(each.mean()) if len(users) else 0.0,
            "strangers": self.strangers,
            "unknown": self.unknown,
            "listed": self.listed,
        }


def read(where: Any, rows: Interactions) -> Shortlists:
    """Read a table of users with candidates: a list a row (``candidates``), or an item a row.

    where: a path or table. Raises DataError D155 for missing columns, D232 when no list fits the interactions.
    """
    from steelyard.parts.sources import choose

    table = pa.Table.from_batches(reading.guarded(choose(where), where))
    names = list(table.schema.names)
    user_column = _column("user_id", naming.ALIASES["user_id"], names)
    list_column = _column("candidates", ALIASES, names)
    item_column = list_column or _column("item_id", naming.ALIASES["item_id"], names)
    found = {"user_id": user_column, "candidates": item_column}
    missing = [c for c, own in found.items() if own is None]
    if missing:
        raise DataError("D155", file=reading.shown(where), missing=", ".join(missing), known=", ".join(names))
    noticed: Counter[str] = Counter()
    user = identify(table[user_column].combine_chunks(), noticed, "user_id")
    column = table[item_column].combine_chunks()
    if list_column is not None:
        column = lists(column, noticed)
        user, column = user.take(pc.list_parent_indices(column)), column.flatten()
    item = identify(column, noticed, "item_id")
    mark = TableFingerprint()
    mark.add(pa.RecordBatch.from_pydict({"user_id": user, "item_id": item}))
    u, i = _codes(user, rows.user_ids), _codes(item, rows.item_ids)
    here = (u >= 0) & (i >= 0)
    if not here.any():
        raise DataError("D232", file=reading.shown(where), lists=len(user.unique()), items=len(item.unique()))
    given = csr_array((np.ones(int(here.sum()), bool), (u[here], i[here])), shape=(rows.n_users, rows.n_items))
    strangers = len(user.filter(pa.array(u < 0)).drop_null().unique())
    unknown = len(item.filter(pa.array(i < 0)).drop_null().unique())
    return Shortlists(given, mark.hexdigest(), len(item.drop_null().unique()), strangers, unknown)


def shortened(sets: Sets, lists: Shortlists) -> Sets:
    """Return the sets with lists of candidates.

    A list is what is given for its user and what the user truly took then, without what the user took before. Users
    without a list are no test, and nothing is stopped by them. Raises DataError D230 when none of them is left.
    """
    there = np.diff(lists.given.indptr) > 0
    stop, test = (_only(held, there) for held in (sets.stop, sets.test))
    if not stop.nnz or not test.nnz:
        raise DataError("D230", train=len(sets.learn), valid=stop.nnz, test=test.nnz)
    shown = (lists.given + (stop != 0) + (test != 0)).tocsr()
    return replace(sets, stop=stop, test=test, candidates=shown)


def _only(held: csr_array, users: Ints) -> csr_array:
    kept = held.multiply(users[:, None]).tocsr()
    kept.eliminate_zeros()
    return csr_array(kept)


def _column(canonical: str, aliases: tuple[str, ...], names: list[str]) -> str | None:
    found = recognising.candidates(canonical, (canonical, *aliases), names, {})
    return recognising.only(canonical, found) if found else None


def _codes(ids: pa.Array, known: Strings) -> Ints:
    """Return (k,) places of ids among the known, -1 for others and for nothing."""
    place = pc.index_in(ids, pa.array(known, pa.string()))
    found = place.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    return np.where(pc.is_valid(ids).to_numpy(zero_copy_only=False), found, -1)
