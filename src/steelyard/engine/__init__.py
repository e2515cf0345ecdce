"""Where functions over shards run: ``engine(function, shards)`` has the meaning of ``map``, wherever it runs.

An engine is any callable with the signature of ``map`` that yields results in the order of the shards. The function
is module-level, the shards are picklable and each says by itself all that it needs, so that the same function runs in
a loop (``map``), in processes or on a cluster, with the same results.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from steelyard.errors import UsageError

#: Rows from which starting processes (about two seconds) pays for itself.
WORTH_IT = 1_000


def choose(rows: int, processes: int | None = None) -> Callable:
    """Return the engine for a table of ``rows``: ``map`` itself, or processes.

    processes: how many; by default STEELYARD_PROCESSES, else one a core. 1 stays in this process.
    """
    count = processes or _asked() or os.cpu_count() or 1
    if count <= 1 or rows < WORTH_IT:
        return map
    from steelyard.engine.processes import Processes

    return Processes(count)


def _asked() -> int | None:
    value = os.environ.get("STEELYARD_PROCESSES", "")
    if not value:
        return None
    if not value.isdecimal() or int(value) < 1:
        raise UsageError("U142", name="STEELYARD_PROCESSES", value=value)
    return int(value)
