"""How tables are written: headings with a scope, numbers to the right, wide ones scroll in their own frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from steelyard.page.markup import Child, Html, Two, tag


@dataclass(frozen=True)
class Head:
    """The heading of a column; ``kind`` is its class (``num`` right-aligns), ``sort`` the name it sorts by."""

    words: Child
    kind: str = ""
    sort: str | None = None


def table(
    caption: Two, heads: Sequence[Head], rows: Sequence[Html], *, kind: str = "", name: str | None = None
) -> Html:
    """Return a table whose rows are ready ``<tr>`` markup."""
    head = tag("tr", [tag("th", h.words, scope="col", class_=h.kind or None, data_sort=h.sort) for h in heads])
    body = tag(
        "table",
        tag("caption", caption, class_="unseen"),
        tag("thead", head),
        tag("tbody", rows),
        class_=kind or None,
        id=name,
    )
    return tag("div", body, class_="scroll", tabindex="0", role="region", aria_label=caption)


def cell(child: Child, kind: str = "", label: Two | None = None) -> Html:
    """Return a cell; ``label`` names it where a narrow screen shows no headings."""
    shown = tag("span", label, class_="cell-name") if label else None
    return tag("td", shown, child, class_=kind or None)
