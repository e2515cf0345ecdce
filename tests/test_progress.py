"""Progress: on stderr only, a line every 5% in a log, one live line on a terminal, a heartbeat in slow steps."""

import argparse
import gc
import io
import json
import sys
import threading
import time

import pytest

from steelyard.apps import live


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def args(**more: object) -> argparse.Namespace:
    return argparse.Namespace(**{"quiet": False, "verbose": False, "json": False, "lang": "en", **more})


def test_a_log_gets_a_line_every_five_percent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", log := io.StringIO())
    line = live.Live(args())
    for done in range(1001):
        line("models", done, 1000)
    assert 20 <= len(log.getvalue().splitlines()) <= 21
    assert "1000/1000" in log.getvalue()


def test_a_terminal_hears_a_heartbeat_while_a_step_is_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", screen := Terminal())
    monkeypatch.setattr(live, "BEAT", 0.01)
    line = live.Live(args(lang="zh"))
    line("arms", 1, 4)
    before = screen.getvalue().count("\r")
    deadline = time.monotonic() + 5
    while screen.getvalue().count("\r") < before + 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert screen.getvalue().count("\r") >= before + 3
    assert "\n" not in screen.getvalue()


def test_nothing_is_said_when_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", log := Terminal())
    live.Live(args(quiet=True))("models", 1, 1)
    assert log.getvalue() == ""


def test_with_json_every_line_is_an_object(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", log := Terminal())
    line = live.Live(args(json=True))
    for done in range(5):
        line("arms", done, 4)
    told = [json.loads(text) for text in log.getvalue().splitlines()]
    assert [t["done"] for t in told] == [1, 2, 3, 4]
    assert {(t["stage"], t["total"]) for t in told} == {("arms", 4)}


@pytest.mark.parametrize(
    ("lang", "words"),
    [("en", ["2.00 steps/s", "loss 0.500", "about 20 s left"]), ("zh", ["每秒 2.00 步", "损失 0.500", "约剩 20 s"])],
)
def test_a_network_tells_its_speed_its_loss_and_its_memory(
    monkeypatch: pytest.MonkeyPatch, lang: str, words: list[str]
) -> None:
    monkeypatch.setattr(sys, "stderr", log := io.StringIO())
    monkeypatch.setattr(live, "memory_peak", lambda: 1_300_000_000)
    line = live.Live(args(lang=lang))
    line("network", 40, 100, 0.7)  # a resumed run: these 40 steps cost no time now
    line.stage_started -= 10
    line("network", 60, 100, 0.5)
    first, last = log.getvalue().splitlines()
    assert all(word in last for word in [*words, "1.3 GB"])
    assert "0.700" in first
    assert "…" in first
    line("models", 3, 3)
    assert "GB" not in log.getvalue().splitlines()[-1]


def test_with_json_a_line_tells_speed_memory_and_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", log := io.StringIO())
    line = live.Live(args(json=True))
    line("network", 0, 100)
    line.stage_started -= 10
    line("network", 60, 100, 0.5)
    line("arms", 1, 4)
    told = [json.loads(text) for text in log.getvalue().splitlines()]
    assert [t["loss"] for t in told] == [0.5, None]
    assert told[0]["per_second"] == pytest.approx(6, rel=0.01)
    assert told[1]["per_second"] is None
    assert 10e6 < told[0]["memory_bytes"] <= told[1]["memory_bytes"] < 1e12


def test_what_is_left_is_a_range_until_a_tenth_is_done() -> None:
    line = live.Live(args(quiet=True))
    line.total, line.done = 100, 2
    assert "–" in line._left(line.stage_started + 10)
    line.done = 50
    assert line._left(line.stage_started + 10) == "10 s"
    line.done = 0
    assert line._left(line.stage_started + 10) == "…"


def test_the_heartbeat_ends_with_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "BEAT", 0.01)
    monkeypatch.setattr(sys, "stderr", Terminal())
    before = set(threading.enumerate())
    line = live.Live(args())
    (beat,) = set(threading.enumerate()) - before
    del line
    gc.collect()
    beat.join(timeout=5)
    assert not beat.is_alive()
