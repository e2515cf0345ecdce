"""Processes of this machine, by joblib's loky: needs no main guard, maps large arrays instead of copying them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

IDLE = 30  # seconds after which a process without work ends, also when its parent was killed


@dataclass(frozen=True)
class Processes:
    """Map over shards in ``count`` processes of one thread each; results come in order, the first error is raised."""

    count: int

    def __call__(self, function: Callable[[Any], Any], shards: Iterable[Any]) -> Iterator[Any]:
        from joblib import Parallel, delayed, parallel_config

        with parallel_config("loky", n_jobs=self.count, inner_max_num_threads=1, idle_worker_timeout=IDLE):
            results = Parallel(return_as="generator", max_nbytes="1M", pre_dispatch=2 * self.count)(
                delayed(function)(shard) for shard in shards
            )
        yield from results
