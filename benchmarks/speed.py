"""How long does a quick score take, and how much memory? home_depot, and the same repeated with altered text."""

from __future__ import annotations

import argparse
import json
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from _results import data, keep, rows

CHILD = """
import json, sys, time
import steelyard as sy
started = time.monotonic()
run = sy.score(sys.argv[1], run_dir=sys.argv[2])
print(json.dumps({"rows": run.table.num_rows, "seconds": time.monotonic() - started}))
"""


def held(process: int) -> float:
    """Return the memory of a process and its descendants, GB; a page that several share counts once (Linux PSS)."""
    total, waiting = 0, [process]
    while waiting:
        at = Path(f"/proc/{waiting.pop()}")
        try:
            found = re.search(r"^Pss:\s+(\d+) kB", (at / "smaps_rollup").read_text(), re.M)
            total += int(found.group(1)) if found else 0
            for task in (at / "task").iterdir():
                waiting += [int(child) for child in (task / "children").read_text().split()]
        except OSError:
            continue
    return total / 1e6


def timed(path: Path, folder: str) -> tuple[dict, float]:
    """Score in a process of its own; returns what it says and the most memory held, looked at twice a second."""
    command = [sys.executable, "-c", CHILD, str(path), folder]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    most = 0.0
    while process.poll() is None:
        most = max(most, held(process.pid))
        time.sleep(0.5)
    if process.returncode or process.stdout is None:
        sys.exit("scoring failed")
    return json.loads(process.stdout.read().splitlines()[-1]), most


def grown(source: Path, target: Path, times: int) -> None:
    """Write the table ``times`` times, with words moved and a number added, so that texts and queries differ."""
    table = pq.read_table(source, columns=["search_term", "product_title", "relevance"])
    with pq.ParquetWriter(target, table.schema) as out:
        for t in range(times):
            query = [f"{q} v{t}" for q in table["search_term"].to_pylist()]
            title = [
                " ".join((w := x.split())[t % 7 :] + w[: t % 7]) + f" m{t}" for x in table["product_title"].to_pylist()
            ]
            out.write_table(pa.table({"search_term": pa.array(query, table.schema.field(0).type),
                                      "product_title": pa.array(title, table.schema.field(1).type),
                                      "relevance": table["relevance"]}))  # fmt: skip


def startup(times: int = 15) -> str:
    """Return how long ``import steelyard`` and ``steelyard --help`` take beyond an empty Python, and in all, ms."""
    asked = {
        "python": [sys.executable, "-c", "pass"],
        "import": [sys.executable, "-c", "import steelyard"],
        "help": [sys.executable, "-m", "steelyard", "--help"],
    }
    taken: dict[str, list[float]] = {name: [] for name in asked}
    for _ in range(times):  # interleaved: a slow moment hurts all alike
        for name, command in asked.items():
            started = time.perf_counter()
            subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
            taken[name].append(1e3 * (time.perf_counter() - started))
    ms = {name: statistics.median(found) for name, found in taken.items()}
    beyond = ms["import"] - ms["python"]
    return (
        f"\n`import steelyard` takes {beyond:.0f} ms beyond an empty Python ({ms['python']:.0f} ms); "
        f"`steelyard --help` {ms['help']:.0f} ms in all; medians of {times}."
    )


if __name__ == "__main__":
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--times", type=int, default=27, help="copies of home_depot (27 are 2.0 million rows); 0: none")
    times = asked.parse_args().times
    body = []
    with tempfile.TemporaryDirectory() as folder:
        source = data("home_depot") / "train.parquet"
        for n in [1, times] if times else [1]:
            path = Path(folder) / f"rows-{n}.parquet"
            grown(source, path, n)
            found, memory = timed(path, folder)
            per_row = 1e6 * found["seconds"] / found["rows"]
            body.append([f"{found['rows']:,}", f"{found['seconds']:.0f}", f"{per_row:.0f}", f"{memory:.2f}"])
            print(body[-1], flush=True)
    keep("Speed of a quick score", f"python benchmarks/speed.py --times {times}",
         rows(["rows", "seconds", "microseconds a row", "peak memory, GB"], body), startup())  # fmt: skip
