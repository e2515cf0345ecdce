"""Compute the evidence, cell by cell, and write its tables and its page.

python -m benchmarks.evidence                      the list of about an hour on one core; goes on where it stopped
python -m benchmarks.evidence --full --hours 8     the list of a night
python -m benchmarks.evidence --smoke              a minute, on data of the package
python -m benchmarks.evidence --only weighting --sets banking77,zh_sentiment
python -m benchmarks.evidence --write              tables and page from what is there, nothing is computed
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from benchmarks.evidence import cells as of
from benchmarks.evidence import plan

ONLY = {
    "detection": ("detection", "marks", "interactions"),
    "weighting": ("weighting", "curves"),
    "verdicts": ("weighting",),
}

COMMANDS = [line.strip() for line in (__doc__ or "").splitlines() if line.startswith("python ")]


def main(argv: Sequence[str] | None = None) -> int:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--only", choices=ONLY, help="one question of the three")
    asked.add_argument("--sets", help="names of tables, by comma")
    asked.add_argument("--hours", type=float, help="begin no cell after that many hours")
    asked.add_argument("--full", action="store_true", help="the list of a night instead of that of an hour")
    asked.add_argument("--smoke", action="store_true", help="a minute on data of the package; nothing is claimed of it")
    asked.add_argument("--out", type=Path, help="folder of the cells; by default runs/evidence")
    asked.add_argument("--signals", action="store_true", help="keep what the detectors read beside each cell")
    asked.add_argument("--write", action="store_true", help="compute nothing, write RESULTS.md and docs/evidence.html")
    asked.add_argument("--also", default="", help="codes, by comma, whose cells stand in where one lacks")
    asked.add_argument("--page", type=Path, help="where the page goes; by default beside the cells")
    args = asked.parse_args(argv)
    chosen = _chosen(args)
    folder = of.store(args.out)
    if not args.write:
        compute(chosen, folder, args.hours, args.signals)
    found = standing(chosen, [folder, *(folder.parent / name for name in args.also.split(",") if name)])
    if found:
        publish(
            found,
            args.page or (of.ROOT / "docs" / "evidence.html" if args.write else folder / "evidence.html"),
            args.write,
        )
    return 0


def standing(cells: list[of.Cell], folders: list[Path]) -> list[dict]:
    """Return the figures of the cells that are there, each from the first folder that has it."""
    found = (next((f for f in (of.done(c, folder) for folder in folders) if f is not None), None) for c in cells)
    return [f for f in found if f is not None]


def publish(found: list[dict], page: Path, keep: bool) -> None:
    """Print the tables, or keep them in RESULTS.md, and write the page."""
    from benchmarks.evidence import writing
    from benchmarks.evidence.page import render

    if keep:
        writing.write(found)
    else:
        for title, (table, notes) in writing.tables(found).items():
            print(f"\n## {title}\n\n{table}\n{notes}")
    page.write_text(render(found, "\n".join(COMMANDS)), encoding="utf-8")
    print(f"page: {page}")


def _chosen(args: argparse.Namespace) -> list[of.Cell]:
    cells = plan.smoke() if args.smoke else plan.cells(args.full)
    sets = args.sets.split(",") if args.sets else None
    kinds = ONLY.get(args.only, of.KINDS)
    return [c for c in cells if c.kind in kinds and (sets is None or c.table in sets)]


def compute(cells: list[of.Cell], folder: Path, hours: float | None, signals: bool = False) -> None:
    """Compute what is missing, in order, and say how far it is; a cell that fails ends nothing but is said."""
    began, known = time.monotonic(), Seconds()
    todo = [c for c in cells if not known.add(c, of.done(c, folder))]
    print(f"{len(cells)} cells, {len(cells) - len(todo)} there, code {of.code()}, about {known.left(todo):.0f} min")
    failed = []
    for number, cell in enumerate(todo):
        if hours is not None and time.monotonic() - began > hours * 3600:
            print(f"{hours} hours are over, {len(todo) - number} cells are left")
            break
        try:
            known.add(cell, found := of.run(cell, folder, signals))
        except Exception as e:
            failed.append(cell.name)
            print(f"FAILED {cell.name}: {type(e).__name__}: {e}", flush=True)
            continue
        left = known.left(todo[number + 1 :])
        print(f"{number + 1}/{len(todo)} {cell.name} {found['seconds']:.0f} s, left {left:.0f} min", flush=True)
    if failed:
        raise SystemExit(f"{len(failed)} cells failed: {', '.join(failed)}")


class Seconds:
    """What cells took, by kind and table, to say what is left."""

    def __init__(self) -> None:
        self.took: dict[tuple[str, ...], list[float]] = defaultdict(list)

    def add(self, cell: of.Cell, found: dict | None) -> bool:
        if found is not None:
            for key in ((cell.kind, cell.table), (cell.kind,), ()):
                self.took[key].append(found["seconds"])
        return found is not None

    def left(self, cells: list[of.Cell]) -> float:
        """Return minutes."""
        return sum(self._one(c) for c in cells) / 60

    def _one(self, cell: of.Cell) -> float:
        for key in ((cell.kind, cell.table), (cell.kind,), ()):
            if self.took[key]:
                return sum(self.took[key]) / len(self.took[key])
        return 20.0
