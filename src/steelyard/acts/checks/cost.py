"""What a run will take on this machine: seconds and memory, from one table of constants."""

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from steelyard.acts.checks.looked import Findings, Looked

#: Recalibrate here, and only here. seconds = start + rows * (per_row + per_character * characters) / speed(cores);
#: bytes likewise. Seconds are those of one core. Taken from the design's figure for the quick tier: 100k rows of
#: about 100 characters in 30 s on two cores.
QUICK = {
    "start_s": 2.0,
    "row_s": 2.0e-4,
    "character_s": 2.9e-6,
    "start_bytes": 350e6,
    "row_bytes": 900.0,
    "character_bytes": 6.0,
    "second_core": 0.75,
}


@dataclass(frozen=True)
class Machine:
    """cores: usable ones; memory: bytes free for this process; torch: whether it is installed."""

    cores: int
    memory: float
    torch: bool

    @classmethod
    def here(cls) -> Machine:
        """Return this machine, within the limits of its container."""
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        return cls(cores, _free_memory(), find_spec("torch") is not None)


def quick_cost(rows: int, characters: float, machine: Machine) -> dict[str, Any]:
    """Return seconds, rows_per_second and memory_bytes of the quick tier.

    characters: mean length of a row's text. Memory does not shrink with more cores.
    """
    speed = 1 + QUICK["second_core"] * (machine.cores - 1)
    work = rows * (QUICK["row_s"] + QUICK["character_s"] * characters) / speed
    seconds = QUICK["start_s"] + work
    memory = QUICK["start_bytes"] + rows * (QUICK["row_bytes"] + QUICK["character_bytes"] * characters)
    return {
        "seconds": round(seconds, 1),
        "rows_per_second": round(rows / work) if work else 0,
        "memory_bytes": round(memory),
        "cores": machine.cores,
    }


def mean_characters(looked: Looked) -> float:
    """Return the mean number of UTF-8 bytes of the text columns of a row."""
    import pyarrow as pa
    import pyarrow.compute as pc

    total = 0
    for name in ("query", "title", "description", "brand", "category", "text"):
        if looked.samples.has(name):
            column = looked.samples.table[name]
            if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
                total += pc.sum(pc.binary_length(column)).as_py() or 0
    return total / max(1, len(looked.samples))


def check_cost(looked: Looked, machine: Machine, cost: dict[str, Any]) -> Findings:
    """Say the time of the quick tier; E220 where its memory is short."""
    needed, free = cost["memory_bytes"] / 1e9, machine.memory / 1e9
    rows = len(looked.samples)
    if needed > free:
        fits = max(1000, int(rows * max(0.0, free - 0.4) / max(needed - 0.4, 1e-9) * 0.8) // 1000 * 1000)
        yield looked.finding("E220", "error", count=rows, needed=needed, free=free, fits=min(fits, rows))
    minutes = cost["seconds"] / 60
    yield looked.finding(
        "E222.ok", "ok", count=rows, cores=machine.cores, minutes=minutes, rate=cost["rows_per_second"], needed=needed
    )
    if not machine.torch:
        yield looked.finding("E223", "note")


def _free_memory() -> float:
    """Return free bytes: what /proc/meminfo calls available, less where a container allows less."""
    free = [_available()]
    for limit, used in (
        ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
        ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"),
    ):
        try:
            free.append(float(Path(limit).read_text()) - float(Path(used).read_text()))
        except (OSError, ValueError):  # no such limit, or the word "max"
            continue
    return max(0.0, min(free))


def _available() -> float:
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return float(line.split()[1]) * 1024
    except OSError:
        pass
    if "SC_PHYS_PAGES" in getattr(os, "sysconf_names", {}):
        return float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    return float("inf")
