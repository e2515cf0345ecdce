"""A finished score run of interactions: what ``score`` returns for a table of users and items."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from steelyard.errors import DataError, UsageError, nearest
from steelyard.scored import Scored, sentence
from steelyard.values.arrays import Ints
from steelyard.values.interactions import Interactions
from steelyard.wording import say


class Taken(Scored):
    """The doubt about every positive row; nothing is called mislabelled, for nobody said that an item is disliked."""

    def __repr__(self) -> str:
        return f"Taken({self.run.path.name}: {self.table.num_rows:,} interactions)"

    @cached_property
    def interactions(self) -> Interactions:
        """The interactions, read again from the source. Raises DataError S310 when it is gone or has changed."""
        found: Interactions = self._reopen(self.run, self.info)
        if found.origin.fingerprint != self.info["fingerprint"]:
            missing = len(set(self.column("row_key")) - set(found.row_key))
            paths = ", ".join(self.info["paths"]) or "table"
            raise DataError("S310", path=paths, count=missing, rows=self.table.num_rows)
        return found

    def query(self, asked: str, *, mask: bool = True) -> list[dict[str, Any]]:
        """Return all rows of the user with this id, most doubted first. Raises UsageError U207 for nobody."""
        found = np.flatnonzero(self.column("user").astype(str) == asked.strip())
        if not len(found):
            known = np.unique(self.column("user").astype(str)).tolist()
            raise UsageError("U207", user=asked, near=nearest(asked, known) or "-", users=len(known))
        doubt = np.nan_to_num(self.column("suspicion")[found], nan=-1.0)
        return self.rows(found[np.argsort(-doubt, kind="stable")], mask=mask)

    def slices(self) -> list[dict[str, Any]]:
        """Return the bands of users by their rows and of items by their takers, the highest mean doubt first.

        ``doubted``: share of a band's rows among the most doubted tenth of all. The doubt's interval keeps the rows of
        a user, and those of an item, together.
        """
        from steelyard.acts.locating import locate

        doubt = self.column("suspicion")
        read = np.flatnonzero(np.isfinite(doubt))
        if not len(read):
            return []
        user, item = (np.unique(self.column(c)[read].astype(str), return_inverse=True)[1] for c in ("user", "item"))
        found = locate(user, item, doubt[read])
        bands = [("user_rows", b) for b in found["activity"]] + [("item_takers", b) for b in found["popularity"]]
        return [_band(column, band) for column, band in sorted(bands, key=lambda b: -b[1]["doubt"])]

    def _texts(self, positions: Ints, mask: bool) -> list[dict[str, Any]]:
        titles = self.interactions.titles
        if titles is None:
            return [{} for _ in positions]
        from steelyard.features.personal import mask as masked

        found = (titles[i] or None for i in self.interactions.item[positions])
        return [{"title": masked(t) if mask and t else t} for t in found]

    def rows(self, positions: Ints, *, text: bool = True, mask: bool = True) -> list[dict[str, Any]]:
        """Return rows as dictionaries with reasons in both languages; personal data in users, items and
        titles masked unless told otherwise."""
        from steelyard.features.personal import mask as masked

        picked = self.table.take(pa.array(positions)).to_pylist()
        texts = self._texts(positions, mask) if text else [{} for _ in picked]
        out = []
        for row, words in zip(picked, texts, strict=True):
            shown = {**words, **_told(row)}
            if mask:
                shown |= {k: masked(shown[k]) for k in ("user", "item")}
            out.append(shown)
        return out


def _band(column: str, band: Mapping[str, Any]) -> dict[str, Any]:
    low, high = band["low"], band["high"]
    told = ("members", "rows", "share", "doubted", "doubt", "doubt_low", "doubt_high")
    return {"column": column, "value": str(low) if low == high else f"{low}-{high}", **{k: band[k] for k in told}}


def _told(row: Mapping[str, Any]) -> dict[str, Any]:
    facts = json.loads(row["reason_facts"]) if row["reason_facts"] else {}
    shown = {k: v for k, v in row.items() if k != "reason_facts"}
    shown |= {f"reason_{lang}": sentence(row["reason"], facts, lang) for lang in ("en", "zh")}
    if row.get("quadrant"):
        places = {"text": row["text_place"], "others": row["others_place"]}
        shown |= {f"views_{lang}": say(f"Q_{row['quadrant']}", lang, **places) for lang in ("en", "zh")}
    return {k: None if isinstance(v, float) and not np.isfinite(v) else v for k, v in shown.items()}
