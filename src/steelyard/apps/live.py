"""Progress on stderr: how far, how fast, for how long, how much is left; a heartbeat while a slow step runs."""

from __future__ import annotations

import argparse
import json
import sys
import threading
import time
import weakref

from steelyard.machine import memory_peak
from steelyard.wording import say

BEAT = 1.0  # seconds between two drawings of the live line
QUIET = 60.0  # seconds without a line after which a log gets one
STEP = 0.05  # share of a stage after which a log gets a line
NETWORKS = ("network", "embed")  # stages that run a network: people are told their speed, memory and loss too


class Live:
    """One live line on a terminal; in a log a line every STEP of a stage or every QUIET seconds. Never on stdout.

    With ``--json`` a line is an object: stage, done, total, the seconds since the start, what is done in a second,
    the peak memory of this process, and the last training loss of a stage that has one.
    """

    def __init__(self, args: argparse.Namespace) -> None:
        self.silent, self.json = args.quiet, args.json
        self.lang, self.tty = args.lang, sys.stderr.isatty() and not args.json
        self.started = self.stage_started = self.written = time.monotonic()
        self.stage, self.done, self.total, self.share = "", 0, 1, 0.0
        self.first = 0
        self.loss: float | None = None
        self.lock = threading.Lock()
        if not self.silent:
            threading.Thread(target=_beat, args=(weakref.ref(self),), daemon=True).start()

    def __call__(self, stage: str, done: int, total: int, loss: float | None = None) -> None:
        if self.silent:
            return
        with self.lock:
            if stage != self.stage:
                self.stage, self.stage_started, self.share, self.first = stage, time.monotonic(), 0.0, done
            self.done, self.total, self.loss = done, max(total, 1), loss
            share = self.done / self.total
            if self.tty or share - self.share >= STEP or done == total:
                self.share = share
                self._draw()

    def beat(self) -> None:
        """Draw the line again while a stage runs."""
        with self.lock:
            running = self.stage and self.done < self.total
            if running and (self.tty or time.monotonic() - self.written >= QUIET):
                self._draw()

    def _draw(self) -> None:
        now = self.written = time.monotonic()
        if self.json:
            told = {
                "stage": self.stage,
                "done": self.done,
                "total": self.total,
                "seconds": round(now - self.started, 1),
                "per_second": self._speed(now),
                "memory_bytes": memory_peak(),
                "loss": self.loss,
            }
            print(json.dumps(told), file=sys.stderr, flush=True)
            return
        text = say("P_line", self.lang, stage=say(f"P_{self.stage}", self.lang), done=self.done, total=self.total,
                   left=self._left(now), passed=_span(now - self.started))  # fmt: skip
        text = " · ".join([text, *self._more(now)])
        if self.tty:
            end = "" if self.done < self.total else "\n"
            print(f"\r\x1b[K{text}", end=end, file=sys.stderr, flush=True)
        else:
            print(text, file=sys.stderr, flush=True)

    def _more(self, now: float) -> list[str]:
        """Return what a stage that runs a network is told besides: speed, last loss, peak memory, where known."""
        if self.stage not in NETWORKS:
            return []
        speed, memory, out = self._speed(now), memory_peak(), []
        if speed is not None:
            out.append(say(f"P_speed_{self.stage}", self.lang, speed=speed))
        if self.loss is not None:
            out.append(say("P_loss", self.lang, loss=self.loss))
        if memory is not None:
            out.append(say("P_memory", self.lang, memory=memory / 1e9))
        return out

    def _speed(self, now: float) -> float | None:
        """Return what is done in a second since the stage's first call, which may begin in its middle; None before."""
        passed = now - self.stage_started
        return (self.done - self.first) / passed if self.done > self.first and passed > 0 else None

    def _left(self, now: float) -> str:
        """Return what is left of this stage: unknown before its first step, a range until a tenth is done."""
        speed = self._speed(now)
        if speed is None:
            return "…"
        left = max((self.total - self.done) / speed, 0.0)
        if self.done < self.total / 10:
            return f"{_span(0.7 * left)} – {_span(1.5 * left)}"
        return _span(left)


def _beat(line: weakref.ref[Live]) -> None:
    """Beat until the line is gone: the work is done."""
    while (live := line()) is not None:
        live.beat()
        del live
        time.sleep(BEAT)


def _span(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
