"""Where benchmark tables go: printed, and kept in RESULTS.md under a heading of their own."""

from __future__ import annotations

import datetime
import os
import platform
import re
import sys
from pathlib import Path

import numpy as np
import sklearn

import steelyard

HERE = Path(__file__).parent


def data(name: str) -> Path:
    """Return the folder of a real data set; exits with a clear word when it is not there."""
    root = Path(os.environ.get("STEELYARD_DATA") or HERE.parents[1] / "shared" / "data")
    if not (root / name).is_dir():
        sys.exit(f"{name} is not in {root}: set STEELYARD_DATA to the folder of the data sets")
    return root / name


def keep(title: str, command: str, table: str, notes: str = "") -> None:
    """Print a table and put it into RESULTS.md in place of the last one with this title."""
    print(table)
    versions = f"steelyard {steelyard.__version__}, Python {platform.python_version()}, NumPy {np.__version__}, "
    versions += f"scikit-learn {sklearn.__version__}, {os.cpu_count()} cores, {datetime.date.today()}"
    section = f"## {title}\n\n`{command}` · {versions}\n\n{table}\n{notes}\n"
    path = HERE / "RESULTS.md"
    text = path.read_text(encoding="utf-8") if path.exists() else "# Measured results\n\n"
    pattern = re.compile(rf"## {re.escape(title)}\n.*?(?=\n## |\Z)", re.S)
    text = pattern.sub(lambda _: section.rstrip() + "\n", text) if pattern.search(text) else text + "\n" + section
    path.write_text(text.rstrip() + "\n", encoding="utf-8")


def kept(title: str) -> dict[str, str]:
    """Return the lines of the last table with this title, by what stands in their first cell."""
    path = HERE / "RESULTS.md"
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    section = re.search(rf"## {re.escape(title)}\n(.*?)(?=\n## |\Z)", text, re.S)
    lines = [line for line in (section[1].splitlines() if section else []) if line.startswith("| ")]
    return {line.split("|")[1].strip(): line for line in lines[1:]}


def rows(head: list[str], body: list[list[object]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(str(c) for c in row) + " |" for row in body])


def renewed(title: str, head: list[str], known: list[str], body: list[list[object]]) -> str:
    """Return the last table with this title, these lines put in, in the order ``known`` of their first cells."""
    lines = kept(title) | {str(cells[0]): rows([], [cells]).splitlines()[-1] for cells in body}
    return "\n".join([rows(head, []), *(lines[first] for first in known if first in lines)])
