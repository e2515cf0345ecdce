"""Text templates: what of a row the network reads. ``{title} | {brand}``: an empty column takes its bar with it."""

from __future__ import annotations

import re
from typing import Any

from steelyard.errors import UsageError, nearest
from steelyard.values.samples import CANONICAL, Samples

BAR = " | "
#: Past products of a user that a template shows, newest last.
HISTORY = 10
_FIELD = re.compile(r"\{([^{}]+)\}")


def render(samples: Samples, template: str, start: int = 0, stop: int | None = None) -> list[str]:
    """Return the template filled for rows [start, stop).

    Fields are columns of the table, the user's own too; a list (tokens, a history of products) is joined by commas,
    its last HISTORY entries. Pieces between bars whose fields are all empty are left out.
    Raises UsageError U101 for a field that is no column, unless it is a canonical column that this table lacks.
    """
    stop = len(samples) if stop is None else stop
    pieces = [(piece, _FIELD.findall(piece)) for piece in template.split(BAR)]
    columns = {name: _column(samples, name, start, stop) for _, names in pieces for name in names}
    rows = []
    for i in range(stop - start):
        here = {name: values[i] for name, values in columns.items()}
        filled = [_filled(piece, here) for piece, names in pieces if not names or any(here[n] for n in names)]
        rows.append(BAR.join(text for text in filled if text))
    return rows


def _filled(piece: str, values: dict[str, str]) -> str:
    return _FIELD.sub(lambda found: values[found[1]], piece).strip()


def _column(samples: Samples, name: str, start: int, stop: int) -> list[str]:
    if not samples.has(name):
        if name in CANONICAL:
            return [""] * (stop - start)
        known = samples.table.column_names
        raise UsageError("U101", name=name, near=nearest(name, known) or "-", known=", ".join(known))
    return [_text(v) for v in samples.table[name].slice(start, stop - start).to_pylist()]


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return ", ".join(str(v) for v in value[-HISTORY:] if v is not None)
    return str(value).strip()
