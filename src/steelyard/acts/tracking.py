"""Tracking: the steps of a training on their way to trackers; whoever iterates still sees every one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

#: What is logged of a step: its field -> its name in every tracker.
LOGGED = {
    "loss": "train/loss",
    "ess": "train/effective_share",
    "rate": "train/learning_rate",
    "length": "train/gradient_length",
    "value": "stop/value",
}


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
    """
    for step in steps:
        if step.step % every == 0 or step.value is not None or step.last:
            values = {name: getattr(step, field) for field, name in LOGGED.items()}
            for tracker in trackers:
                tracker.log(step.step, {name: value for name, value in values.items() if value is not None})
        yield step
