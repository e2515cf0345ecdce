"""Does the main job finish and make sense on real tables? check, score, compare, report, by the command line."""

from __future__ import annotations

import argparse
import datetime
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

import _crowd
from _results import data, keep, kept, rows

TITLE, COMMAND = "The main job on real tables", "python benchmarks/river.py --seeds {}"
HEAD = ["table", "rows", "groups", "errors / warnings", "flagged", "score, s", "compare, s", "answer", "measure",
        "best arm against uniform with early stopping", "report", "day"]  # fmt: skip
NOTE = "\nBy the command line, quick tier, one by one (`--only` replaces a row); seconds include starting Python."
CROWD = [*(f"{a}={b}" for a, b in _crowd.COLUMNS.items())]


def tables(folder: Path) -> dict[str, list[str]]:
    """Return name -> path and options of reading, as a user would type them."""

    def crowd(which: str) -> list[str]:
        path = folder / f"dproduct_{which}.parquet"
        pq.write_table(_crowd.table(which), path)
        return [str(path), "--columns", ",".join(CROWD), "--group-by", "left_id", "--task", "relevance"]

    return {
        "dproduct_crowd, majority": crowd("majority"),
        "dproduct_crowd, first answers": crowd("first"),
        "crowdflower_search": [str(data("crowdflower_search") / "train.parquet")],
        "home_depot": [str(data("home_depot") / "train.parquet")],
        "qbqtc_zh": [str(data("qbqtc_zh") / "pairs.parquet")],
        "airline_tweets": [str(data("airline_tweets") / "tweets.parquet"), "--columns", "label=airline_sentiment"],
        "banking77": [str(data("banking77") / "utterances.parquet")],
    }


def steelyard(*words: str) -> tuple[dict[str, Any], float]:
    """Run one verb; return its JSON and its seconds. A verb that fails ends the benchmark with its message."""
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "steelyard", *words, "--json"], capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"steelyard {' '.join(words)}\n{done.stderr[-2000:]}")
    return json.loads(done.stdout), time.monotonic() - started


def best(compared: Mapping[str, Any]) -> str:
    """Return the arm that no control is and that gains most, with its interval."""
    tried = [a for a in compared["arms"] if not a["control"] and a["name"] != "uniform_early_stop"]
    top = max(tried, key=lambda a: a["delta"]["value"])
    d = top["delta"]
    return f"{top['name']} {d['value']:+.4f} [{d['low']:+.4f}, {d['high']:+.4f}]"


def row(name: str, reading: list[str], folder: Path, out: Path, seeds: int) -> list[object]:
    checked, _ = steelyard("check", *reading)
    counts = {s: sum(f["severity"] == s for f in checked["findings"]) for s in ("error", "warn")}
    scored, took = steelyard("score", *reading, "--run-dir", str(folder))
    compared, longer = steelyard("compare", scored["run"], "--run-dir", str(folder), "--seeds", str(seeds))
    page = out / f"{name.replace(', ', '-').replace(' ', '-')}.html"
    steelyard("export", scored["run"], "report", "--out", str(page), "--run-dir", str(folder))
    return [
        name, f"{scored['rows']:,}", f"{scored['groups']:,}", f"{counts['error']} / {counts['warn']}",
        f"{scored['flagged']:,}", f"{took:.0f}", f"{longer:.0f}", f"`{compared['answer']}`", compared["measure"],
        best(compared), f"{page.stat().st_size / 1e3:.0f} kB", datetime.date.today(),
    ]  # fmt: skip


if __name__ == "__main__":
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--only", help="the tables whose name holds this")
    asked.add_argument("--seeds", type=int, default=5)
    asked.add_argument("--reports", type=Path, help="where the reports stay; by default nowhere")
    args = asked.parse_args()
    with tempfile.TemporaryDirectory() as held:
        folder = Path(held)
        out = args.reports or folder
        out.mkdir(parents=True, exist_ok=True)
        found = kept(TITLE)
        for name, reading in tables(folder).items():
            if not args.only or args.only in name:
                cells = row(name, reading, folder / "runs", out, args.seeds)
                found[name] = "| " + " | ".join(map(str, cells)) + " |"
                keep(TITLE, COMMAND.format(args.seeds), "\n".join([rows(HEAD, []), *found.values()]), NOTE)
