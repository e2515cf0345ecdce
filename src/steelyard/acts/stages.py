"""Stages: how long work keeps what is finished, and tells how far it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from steelyard.values.arrays import AnyArray

#: keep(stage, compute): the arrays of a stage, read back when it was finished before. Picklable: any process may keep.
Keep = Callable[[str, Callable[[], Mapping[str, AnyArray]]], Mapping[str, AnyArray]]
#: progress(stage, done, total)
Progress = Callable[[str, int, int], None]


def no_progress(_stage: str, _done: int, _total: int) -> None:
    """Say nothing."""


def keep_nothing(_stage: str, compute: Callable[[], Mapping[str, AnyArray]]) -> Mapping[str, AnyArray]:
    """Compute a stage and keep nothing: for work in memory."""
    return compute()


def counted(each: Callable, progress: Progress, stage: str, total: int, before: int = 0) -> Callable:
    """Return the engine ``each``, telling ``progress`` of every finished shard; ``before`` of ``total`` are done."""

    def map_(function: Callable[[Any], Any], shards: Iterable[Any]) -> Iterator[Any]:
        for done, result in enumerate(each(function, shards), before + 1):
            progress(stage, min(done, total), total)
            yield result

    return map_
