"""What every tracker keeps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from steelyard.errors import UsageError
from steelyard.testing.holding import hold

#: Two runs of three steps; names as people write them.
STEPS: tuple[Mapping[str, float], ...] = (
    {"train/loss": 0.5, "train/effective_share": 1.0},
    {"train/loss": 0.25},
    {"train/loss": 0.125, "stop/ndcg@10": 0.75},
)
CONFIG = {"model": "保温杯", "seed": 7, "recipe": {"rate": 0.001, "bf16": False, "clip": None}, "layers": [1, 2]}

#: Reads back what a tracker wrote in a run: (step, name) -> number.
ReadBack = Callable[[Any, str], Mapping[tuple[int, str], float]]


def check_tracker(tracker: Any, read: ReadBack) -> None:
    """Hold a Tracker to its contract: what was logged is read back, refusals, two runs one after the other.

    tracker: with an empty folder of its own. read: (tracker, run name) -> what the run holds, (step, name) -> number.
    """
    _refuses(tracker, "U160", lambda: tracker.log(0, {"a": 1.0}), "must refuse to log before it has started")
    tracker.finish()
    for name in ("first", "second"):
        tracker.start(name, CONFIG)
        _refuses(tracker, "U160", lambda: tracker.start("other", {}), "must refuse to start twice")
        for step, values in enumerate(STEPS):
            tracker.log(step, values)
        _refuses(tracker, "U161", lambda: tracker.log(1, {"a": 1.0}), "must refuse a step that goes back")
        _refuses(tracker, "U162", lambda: tracker.log(9, {"query": "保温杯"}), "must refuse text")
        tracker.log(3, {"train/loss": float("inf"), "train/length": float("nan"), "train/rate": 0.5})
        tracker.finish()
        tracker.finish()
    expected = {(step, name): value for step, values in enumerate(STEPS) for name, value in values.items()}
    for name in ("first", "second"):
        found = dict(read(tracker, name))
        differing = {key: (value, found.get(key)) for key, value in expected.items() if found.get(key) != value}
        hold(not differing, tracker, f"must keep what was logged in {name!r}: logged, found {differing}")
        hold(found.get((3, "train/rate")) == 0.5, tracker, "must keep the finite numbers of a step beside NaN")
        hold((9, "query") not in found, tracker, "must not keep what it refused")


def _refuses(tracker: Any, code: str, call: Callable[[], None], what: str) -> None:
    try:
        call()
    except UsageError as e:
        hold(e.code == code, tracker, f"{what} with {code}, not {e.code}")
    else:
        hold(False, tracker, what)
