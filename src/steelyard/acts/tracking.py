"""Tracking: the steps of a training on their way to whoever listens; whoever iterates still sees every one."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from steelyard.acts.stages import Progress
from steelyard.machine import memory_peak

#: What is logged of a step: its field -> its name in every tracker.
LOGGED = {
    "loss": "train/loss",
    "ess": "train/effective_share",
    "rate": "train/learning_rate",
    "length": "train/gradient_length",
    "value": "stop/value",
}
#: What following measures itself: rows a second since the last line, and the peak memory of this process.
SPEED, MEMORY = "train/rows_per_second", "machine/peak_memory_mb"


@contextmanager
def started(trackers: Sequence[Any], run_name: str, config: Mapping[str, Any]) -> Iterator[None]:
    """Start trackers, and finish those that began whatever happens; raises what starting raises."""
    with ExitStack() as begun:
        for tracker in trackers:
            tracker.start(run_name, config)
            begun.callback(tracker.finish)
        yield


def follow(steps: Iterable[Any], trackers: Sequence[Any], every: int = 1) -> Iterator[Any]:
    """Yield the steps of ``finetuning.train`` as they come and log them to trackers that have been started.

    every: log one step of so many; the end of an epoch (a step with a value) and the last step are always logged.
    The time that trackers and the caller take is not counted into the speed, which is told with the last of the steps
    that came together.
    """
    rows, seconds, asked = 0, 0.0, time.monotonic()
    for step in steps:
        rows, seconds = rows + step.rows, seconds + time.monotonic() - asked
        if step.step % every == 0 or step.value is not None or step.last:
            values = {name: getattr(step, field) for field, name in LOGGED.items()}
            held = memory_peak()
            values[MEMORY] = None if held is None else held / 1e6
            if not step.more:
                values[SPEED] = rows / seconds if seconds else None
                rows, seconds = 0, 0.0
            for tracker in trackers:
                tracker.log(step.step, {name: value for name, value in values.items() if value is not None})
        yield step
        asked = time.monotonic()


class Last:
    """Listens as a tracker does and keeps the loss of the last step, nats; None before a training's first."""

    loss: float | None = None

    def start(self, run_name: str, config: Mapping[str, Any]) -> None:
        self.loss = None

    def log(self, step: int, values: Mapping[str, float]) -> None:
        self.loss = values[LOGGED["loss"]]

    def finish(self) -> None:
        pass


def with_loss(progress: Callable[..., None], last: Last) -> Progress:
    """Return ``progress`` with the last loss as its fourth argument, or as it is where it takes three."""
    try:
        inspect.signature(progress).bind("", 0, 0, None)
    except (TypeError, ValueError):
        return progress
    return lambda stage, done, total: progress(stage, done, total, last.loss)
