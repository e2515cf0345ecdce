"""Run: a directory made from a Plan; the only file that knows its paths. Writes are atomic, stages resume.

runs/<name>-<id>/
    run.json        provenance: plan, columns, labels, versions, machine; no times, so that two runs compare equal
    scores.parquet  one row a sample: key, numbers, reason codes; no text
    slices.json     compare.json   report.html   report.md   what the verbs write
    source.parquet  only for tables that came from memory: their text has no other home
    log.jsonl       times, stages, errors
    work/           finished stages of an unfinished run; gone when the run is done
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from steelyard.errors import EnvironmentProblem, UsageError, nearest
from steelyard.plan import Plan
from steelyard.values.arrays import AnyArray

Arrays = Mapping[str, AnyArray]


class Run:
    """One run directory. ``open`` makes or finds it by its plan, ``find`` by what a user typed."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r})"

    @property
    def id(self) -> str:
        return self.path.name.rsplit("-", 1)[-1]

    @classmethod
    def open(cls, root: Path, name: str, plan: Plan) -> Run:
        """Return the run of ``plan`` under ``root``, made when it is not there yet."""
        found = sorted(root.glob(f"*-{plan.id}")) if root.is_dir() else []
        run = cls(found[0] if found else root / f"{_file_name(name)}-{plan.id}")
        with disk(run.path):
            run.path.mkdir(parents=True, exist_ok=True)
        if not (run.path / "plan.json").exists():
            run.write_json("plan.json", plan.as_dict())
        return run

    @classmethod
    def find(cls, asked: str | Path, root: Path) -> Run:
        """Return the run that ``asked`` names: a directory, an id, a unique prefix of name or id, or ``last``.

        Raises UsageError U120 (nothing like it; names the nearest) or U121 (several begin like that).
        """
        if (Path(asked) / "plan.json").is_file():
            return cls(Path(asked))
        runs = sorted(p.parent for p in root.glob("*/plan.json"))
        if str(asked) == "last" and runs:
            return cls(max(runs, key=lambda p: (p / "plan.json").stat().st_mtime_ns))
        found = [p for p in runs if p.name.startswith(str(asked)) or p.name.rsplit("-", 1)[-1].startswith(str(asked))]
        if len(found) == 1:
            return cls(found[0])
        names = [p.name for p in runs]
        if found:
            raise UsageError("U121", name=str(asked), known=", ".join(p.name for p in found))
        near = nearest(str(asked), names) or "-"
        raise UsageError("U120", name=str(asked), near=near, known=", ".join(names) or "-", root=str(root))

    @property
    def plan(self) -> Plan:
        return Plan.from_dict(self.read_json("plan.json"))

    def has(self, name: str) -> bool:
        return (self.path / name).exists()

    def touch(self) -> None:
        """Make this the ``last`` run."""
        with disk(self.path):
            os.utime(self.path / "plan.json")

    def read_json(self, name: str) -> Any:
        return json.loads((self.path / name).read_text(encoding="utf-8"))

    def write_json(self, name: str, value: Any) -> None:
        text = json.dumps(value, ensure_ascii=False, indent=1, sort_keys=False) + "\n"
        self.write_text(name, text)

    def write_text(self, name: str, text: str) -> Path:
        return self.write(name, lambda path: path.write_text(text, encoding="utf-8"))

    def write(self, name: str, fill: Callable[[Path], Any]) -> Path:
        """Let ``fill`` write a file that then takes its name in one step; a reader never sees half of it."""
        target = self.path / name
        write_atomically(target, fill)
        return target

    def keep(self, stage: str, compute: Callable[[], Arrays], prefix: str = "") -> Arrays:
        """Return the arrays of a stage: read back when it was finished before, else computed and kept.

        prefix: of the stage's file, so that two pieces of work in one run do not meet. Any process may keep.
        """
        path = self.path / "work" / f"{prefix}{stage}.npz"
        if path.exists():
            with np.load(path, allow_pickle=False) as saved:
                return {name: saved[name] for name in saved.files}
        started = time.monotonic()
        arrays = compute()
        with disk(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, lambda p: _save(p, arrays))
        self.log(stage=stage, seconds=round(time.monotonic() - started, 3))
        return arrays

    def finish(self, prefix: str = "") -> None:
        """Remove finished stages, their results are written: those of one comparison by its prefix, else all others."""
        work = self.path / "work"
        for stage in work.iterdir() if work.is_dir() else ():
            if stage.name.startswith(prefix or "compare-") == bool(prefix):
                shutil.rmtree(stage, ignore_errors=True) if stage.is_dir() else stage.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            work.rmdir()

    def log(self, **facts: Any) -> None:
        """Append one line to log.jsonl; a log that cannot be written never stops the work."""
        line = json.dumps({"time": time.strftime("%Y-%m-%dT%H:%M:%S%z"), **facts}, ensure_ascii=False, default=str)
        with contextlib.suppress(OSError), (self.path / "log.jsonl").open("a", encoding="utf-8") as out:
            out.write(line + "\n")

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the run for one process; EnvironmentProblem E231 when another works on it. A dead one holds nothing."""
        with disk(self.path), (self.path / ".lock").open("w") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise EnvironmentProblem("E231", run=self.path.name) from None
            yield


def all_runs(root: Path) -> list[Run]:
    """Return the runs under ``root``, newest first."""
    plans = sorted(root.glob("*/plan.json"), key=lambda p: -p.stat().st_mtime_ns)
    return [Run(p.parent) for p in plans]


def write_atomically(target: Path, fill: Callable[[Path], Any]) -> None:
    """Fill a file beside ``target`` and rename it into place; what was there stays whole until then."""
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    with disk(target):
        try:
            fill(part)
            with part.open("rb+") as handle:
                os.fsync(handle.fileno())
            os.replace(part, target)
        finally:
            part.unlink(missing_ok=True)


@contextlib.contextmanager
def disk(path: Path) -> Iterator[None]:
    """Turn a full disk or a missing permission into an EnvironmentProblem that says where."""
    try:
        yield
    except OSError as e:
        if e.errno in (errno.ENOSPC, errno.EDQUOT):
            raise EnvironmentProblem("E221", path=str(path)) from e
        if e.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise EnvironmentProblem("E222", path=str(path)) from e
        raise


def _save(path: Path, arrays: Arrays) -> None:
    with path.open("wb") as out:
        np.savez(out, allow_pickle=False, **arrays)


def _file_name(name: str) -> str:
    kept = "".join(c if c.isalnum() or c in "_." else "_" for c in name)[:40]
    return kept.strip("._") or "table"
